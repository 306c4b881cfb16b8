package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/playline/playline-go/spool"
)

// verify reads every waiting event and prints how many there are, and how many of them are in
// doubt. It returns an error that names any damage.
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

// line is one event in replay's output.
type line struct {
	ID       uint64          `json:"id"`
	GameID   string          `json:"game_id,omitzero"`
	UserID   string          `json:"user_id"`
	Accepted time.Time       `json:"accepted"`
	Once     bool            `json:"once,omitzero"`     // not to be sent again in doubt
	InDoubt  bool            `json:"in_doubt,omitzero"` // it may have been sent
	Event    json.RawMessage `json:"event"`
}

// replay prints events to out, and everything about them to stderr, so that out is JSON alone.
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
		if err := encoder.Encode(line{e.ID, e.GameID, e.UserID, e.Accepted.UTC(), e.Once, e.InDoubt, e.JSON}); err != nil {
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

// owned refuses a directory of another user. A rewritten file belongs to the user who runs
// spoolctl, and the game server must be able to read it.
func owned(dir string) error {
	if uid, known := owner(dir); known && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d and you are %d: run it as the user of the game server (sudo -u '#%d' spoolctl ...)", dir, uid, os.Geteuid(), uid)
	}
	return nil
}

func purge(dir, player string, out io.Writer) error {
	if err := owned(dir); err != nil {
		return err
	}
	p, err := spool.Purge(context.Background(), dir, player, func(d spool.Damage) { fmt.Fprintf(out, "damaged, set aside: %s\n", d) })
	if err != nil {
		return fmt.Errorf("the events of player %q may still be there: %w", player, err)
	}
	fmt.Fprintf(out, "%d events and %d dead letters of player %q forgotten, and overwritten in %d files; %d of other players wait\n", p.Events, p.Dead, player, p.Files, p.Others)
	for _, path := range p.Left {
		fmt.Fprintf(out, "still in %s, in a damaged part: delete that file\n", path)
	}
	if len(p.Left) > 0 {
		return fmt.Errorf("%w: %d files still hold the player's id", errDamaged, len(p.Left))
	}
	return nil
}
