package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/playline/playline-go/spool"
)

// The dead letters: events that were rejected, that expired, or whose result is unknown.

// chosen selects the dead letters of a command.
type chosen struct {
	player string
	number uint64 // 0: any
	result string // "": any
	all    bool
}

func (c chosen) has(l spool.DeadLetter) bool {
	return (c.player == "" || c.player == l.UserID) && (c.number == 0 || c.number == l.Number) && (c.result == "" || c.result == l.Result.String())
}

// none reports whether nothing was chosen.
func (c chosen) none() bool { return c == chosen{} }

// letters returns the selected dead letters.
func letters(v *spool.View, c chosen) (out []spool.DeadLetter, err error) {
	for l, err := range v.DeadLetters() {
		if err != nil {
			return nil, err
		}
		if c.has(l) {
			out = append(out, l)
		}
	}
	return out, nil
}

// pile counts the dead letters of one result and cause.
type pile struct {
	result, cause string
	letters       int
	players       map[string]bool
	newest        time.Time
}

func listDead(v *spool.View, c chosen, out io.Writer) error {
	found, err := letters(v, c)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintln(out, "No dead letters.")
		return nil
	}
	piles := map[string]*pile{}
	for _, l := range found {
		key := l.Result.String() + "\x00" + l.Cause
		if piles[key] == nil {
			piles[key] = &pile{result: l.Result.String(), cause: l.Cause, players: map[string]bool{}}
		}
		p := piles[key]
		p.letters++
		p.players[l.UserID] = true
		if l.Died.After(p.newest) {
			p.newest = l.Died
		}
	}
	fmt.Fprintf(out, "%d dead letters, numbers %d to %d.\n\n", len(found), found[0].Number, found[len(found)-1].Number)
	table(out, "letters\tplayers\tnewest\tresult\t cause\n", func(w io.Writer) {
		for _, p := range slices.SortedFunc(maps.Values(piles), func(a, b *pile) int {
			return cmp.Or(cmp.Compare(b.letters, a.letters), cmp.Compare(a.result, b.result), cmp.Compare(a.cause, b.cause))
		}) {
			fmt.Fprintf(w, "%d\t%d\t%s\t%s\t %q\n", p.letters, len(p.players), age(p.newest), p.result, p.cause)
		}
	})
	return nil
}

// letterLine is one dead letter in show's output.
type letterLine struct {
	Number   uint64          `json:"number"`
	GameID   string          `json:"game_id"`
	UserID   string          `json:"user_id"`
	Result   string          `json:"result"`
	Cause    string          `json:"cause"`
	Accepted time.Time       `json:"accepted"`
	Died     time.Time       `json:"died"`
	Attempts int             `json:"attempts"`
	InDoubt  int             `json:"in_doubt,omitzero"` // attempts that may have arrived
	Event    json.RawMessage `json:"event"`
}

func showDead(v *spool.View, c chosen, out, stderr io.Writer) error {
	found, err := letters(v, c)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	invalid := 0
	for _, l := range found {
		if !json.Valid(l.JSON) {
			invalid++
			fmt.Fprintf(stderr, "left out: dead letter %d of player %q is not valid JSON\n", l.Number, l.UserID)
			continue
		}
		if err := encoder.Encode(letterLine{
			l.Number, l.GameID, l.UserID, l.Result.String(), l.Cause, l.Accepted.UTC(), l.Died.UTC(), l.Attempts, l.InDoubt, l.JSON,
		}); err != nil {
			return fmt.Errorf("dead letter %d: %w", l.Number, err)
		}
	}
	fmt.Fprintf(stderr, "%d dead letters printed\n", len(found)-invalid)
	if invalid > 0 {
		return fmt.Errorf("%w: %d dead letters", errDamaged, invalid)
	}
	return nil
}

// changeDead replays or purges the selected dead letters. With dry it only prints what it would do.
func changeDead(command, dir string, c chosen, dry bool, out io.Writer) error {
	var found []spool.DeadLetter
	err := viewing(dir, func(v *spool.View) (err error) {
		found, err = letters(v, c)
		return err
	})
	if err != nil {
		return err
	}
	var numbers []uint64
	doubtful := 0
	for _, l := range found {
		if numbers = append(numbers, l.Number); l.InDoubt > 0 {
			doubtful++
		}
	}
	if dry {
		fmt.Fprintf(out, "%d dead letters would be put back among the events that wait; %d of them may be stored already and would be there twice\n", len(found), doubtful)
		return nil
	}
	if err := owned(dir); err != nil {
		return err
	}
	s, err := spool.Open(dir, spool.Options{Report: func(d spool.Damage) { fmt.Fprintf(out, "damaged, set aside: %s\n", d) }})
	if err != nil {
		return err
	}
	done := 0
	if command == "replay" {
		done, err = s.Replay(context.Background(), numbers)
	} else {
		done, err = s.DropDead(numbers)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if command == "replay" {
		fmt.Fprintf(out, "%d dead letters wait again, %d of them in doubt: the next process that opens the directory sends them\n", done, doubtful)
	} else {
		fmt.Fprintf(out, "%d dead letters removed and overwritten\n", done)
	}
	return nil
}
