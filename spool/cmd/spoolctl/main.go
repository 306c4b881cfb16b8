// Spoolctl looks into a spool's directory, for the person who is called at three in the morning.
//
//	spoolctl ls DIR                     what each file holds
//	spoolctl verify DIR                 reads everything; exit status 1 where something is damaged
//	spoolctl replay [-player ID] DIR    prints what waits as JSON lines, in order, so that it can be sent by hand
//	spoolctl purge -player ID DIR       forgets what waits for a player
//
// The first three change nothing. None works while a process has the directory open.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/playline/playline-go/spool"
)

const usage = `usage:
  spoolctl ls DIR                     what each file holds
  spoolctl verify DIR                 reads everything; exit status 1 where something is damaged
  spoolctl replay [-player ID] DIR    prints what waits as JSON lines, in order, so that it can be sent by hand
  spoolctl purge -player ID DIR       forgets what waits for a player
`

// errUsage is a command line that makes no sense.
var errUsage = errors.New("see spoolctl -h")

func main() {
	err := run(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "spoolctl: %v\n%s", err, usage)
		os.Exit(2)
	case errors.Is(err, spool.ErrInUse):
		fmt.Fprintf(os.Stderr, "spoolctl: %v; stop the process that has it open, or work on a copy of the directory\n", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintf(os.Stderr, "spoolctl: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("a command is missing: %w", errUsage)
	}
	command := args[0]
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { fmt.Fprint(out, usage) }
	player := flags.String("player", "", "only this player's events")
	if command == "-h" || command == "--help" || command == "help" {
		flags.Usage()
		return flag.ErrHelp
	}
	if err := flags.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", err, errUsage)
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("%s needs one directory: %w", command, errUsage)
	}
	dir := flags.Arg(0)
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	switch command {
	case "purge":
		if *player == "" {
			return fmt.Errorf("purge needs -player: %w", errUsage)
		}
		return purge(dir, *player, out)
	case "ls", "verify", "replay":
		v, err := spool.Inspect(dir)
		if err != nil {
			return err
		}
		defer v.Close()
		switch command {
		case "ls":
			return list(v, out)
		case "verify":
			return verify(v, out)
		}
		return replay(v, *player, out)
	}
	return fmt.Errorf("there is no command %q: %w", command, errUsage)
}

func list(v *spool.View, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "events\twaiting\tin doubt\tMiB\t file\n")
	sum := spool.File{Name: "in all"}
	for _, f := range append(v.Files, sum) {
		if f.Name == sum.Name {
			f = sum
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t%.1f\t %s\n", f.Events, f.Waiting, f.InDoubt, float64(f.Bytes)/(1<<20), f.Name)
		sum.Events, sum.Waiting, sum.InDoubt, sum.Bytes = sum.Events+f.Events, sum.Waiting+f.Waiting, sum.InDoubt+f.InDoubt, sum.Bytes+f.Bytes
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range v.Damage {
		fmt.Fprintf(out, "damaged: %s\n", d)
	}
	return nil
}

func verify(v *spool.View, out io.Writer) error {
	waiting, doubtful, bad := 0, 0, len(v.Damage)
	for e, err := range v.Events() {
		switch {
		case err != nil: // it is among the damage
		case !json.Valid(e.JSON):
			bad++
			fmt.Fprintf(out, "event %d of player %q is not valid JSON\n", e.ID, e.UserID)
		default:
			waiting++
			if e.InDoubt {
				doubtful++
			}
		}
	}
	for _, d := range v.Damage {
		fmt.Fprintf(out, "damaged: %s\n", d)
	}
	fmt.Fprintf(out, "%d events wait and are whole, %d of them in doubt\n", waiting, doubtful)
	if bad > 0 {
		return fmt.Errorf("%d damaged; the next open sets damaged files aside and goes on with what can be read", bad)
	}
	return nil
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

func replay(v *spool.View, player string, out io.Writer) error {
	var damage error
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for e, err := range v.Events() {
		if err != nil {
			damage = errors.Join(damage, err)
			continue
		}
		if player != "" && e.UserID != player {
			continue
		}
		if err := encoder.Encode(line{e.ID, e.UserID, e.Accepted.UTC(), e.Once, e.InDoubt, e.JSON}); err != nil {
			return fmt.Errorf("event %d: %w", e.ID, err)
		}
	}
	return damage
}

func purge(dir, player string, out io.Writer) error {
	v, err := spool.Inspect(dir) // so that a directory that is no spool does not become one
	if err != nil {
		return err
	}
	if err := v.Close(); err != nil {
		return err
	}
	s, err := spool.Open(dir, spool.Options{Report: func(d spool.Damage) { fmt.Fprintf(out, "damaged, set aside: %s\n", d) }})
	if err != nil {
		return err
	}
	var ids []uint64
	for e, err := range s.Recover() {
		if err != nil {
			return errors.Join(err, s.Close())
		}
		if e.UserID == player {
			ids = append(ids, e.ID)
		}
	}
	if err := errors.Join(s.Settled(ids), s.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d events of player %q forgotten\n", len(ids), player)
	return nil
}
