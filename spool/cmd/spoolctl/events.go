package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/playline/playline-go/spool"
)

// verify reads every event that waits and says how many there are, of which how many in doubt; what is damaged is the error.
func verify(v *spool.View, out io.Writer) error {
	waiting, doubtful, invalid := 0, 0, 0
	for e, err := range v.Events() {
		switch {
		case err != nil:
			return err
		case !json.Valid(e.JSON):
			invalid++
			fmt.Fprintf(out, "event %d of player %q is not valid JSON\n", e.ID, e.UserID)
		default:
			waiting++
			if e.InDoubt {
				doubtful++
			}
		}
	}
	fmt.Fprintf(out, "%d events wait and are whole, %d of them in doubt; %d files read\n", waiting, doubtful, len(v.Files))
	err := damage(v, out)
	if err == nil && invalid > 0 {
		err = fmt.Errorf("%w: %d events; the service will refuse them, and the batcher will report that", errDamaged, invalid)
	}
	return err
}

// line is an event of replay's output.
type line struct {
	ID       uint64          `json:"id"`
	UserID   string          `json:"user_id"`
	Accepted time.Time       `json:"accepted"`
	Once     bool            `json:"once,omitzero"`     // not to be sent again in doubt
	InDoubt  bool            `json:"in_doubt,omitzero"` // it may have been sent
	Event    json.RawMessage `json:"event"`
}

// replay prints events; what it has to say about them goes elsewhere, so that the output is JSON alone.
func replay(v *spool.View, player string, out, stderr io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	all, invalid := backlog{}, 0
	for e, err := range v.Events() {
		switch {
		case err != nil:
			return err
		case player != "" && e.UserID != player:
			continue
		case !json.Valid(e.JSON):
			invalid++
			fmt.Fprintf(stderr, "left out: event %d of player %q is not valid JSON\n", e.ID, e.UserID)
			continue
		}
		all.add(e.Accepted, e.InDoubt)
		if err := encoder.Encode(line{e.ID, e.UserID, e.Accepted.UTC(), e.Once, e.InDoubt, e.JSON}); err != nil {
			return fmt.Errorf("event %d: %w", e.ID, err)
		}
	}
	fmt.Fprintf(stderr, "%d events printed, %d of them in doubt; they are still in the spool\n", all.waiting, all.inDoubt)
	err := damage(v, stderr)
	if err == nil && invalid > 0 {
		err = fmt.Errorf("%w: %d events", errDamaged, invalid)
	}
	return err
}

func purge(dir, player string, out io.Writer) error {
	// What is written anew belongs to who runs this, and the game server must be able to read it.
	if uid, known := owner(dir); known && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d and you are %d: run it as the user of the game server (sudo -u '#%d' spoolctl ...)", dir, uid, os.Geteuid(), uid)
	}
	// A directory that is no spool does not become one.
	if err := viewing(dir, func(*spool.View) error { return nil }); err != nil {
		return err
	}
	s, err := spool.Open(dir, spool.Options{Report: func(d spool.Damage) { fmt.Fprintf(out, "damaged, set aside: %s\n", d) }})
	if err != nil {
		return err
	}
	var ids []uint64
	others := 0
	for e, err := range s.Recover(context.Background()) {
		switch {
		case err != nil:
			return errors.Join(err, s.Close())
		case e.UserID == player:
			ids = append(ids, e.ID)
		default:
			others++
		}
	}
	if err := errors.Join(s.Settled(context.Background(), ids), s.Close()); err != nil {
		return fmt.Errorf("the events of player %q may still be there: %w", player, err)
	}
	fmt.Fprintf(out, "%d events of player %q forgotten; %d of other players wait\n", len(ids), player, others)
	return nil
}
