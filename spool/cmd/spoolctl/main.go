// Spoolctl shows and repairs a spool's directory, for the person on call at three in the morning.
// Its help (spoolctl -h) is the manual.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/playline/playline-go/spool"
)

const usage = `Spoolctl looks into the directory of a spool: events that a game server accepted and that have no result yet.

  spoolctl ls DIR                    lists waiting events by player and age, and the content of each file
  spoolctl verify DIR                reads every event and reports damage
  spoolctl replay [-player ID] DIR   prints waiting events, one JSON object per line, in the order of acceptance
  spoolctl purge -player ID DIR      forgets a player for good: overwrites what waits, what is settled and still in a file, what is
                                     in the stages, in the dead letters, and in files that were set aside as damaged

  spoolctl dead ls DIR               lists rejected, expired and unknown events by cause (see batcher.Config.DeadLetters)
  spoolctl dead show DIR             prints them, one JSON object per line
  spoolctl dead replay DIR           puts them back among the waiting events, so that the next process sends them
  spoolctl dead replay -dry-run DIR  prints what that would do
  spoolctl dead purge DIR            removes and overwrites them

The dead commands take -player ID, -number N and -result rejected|expired|unknown. Replay and purge need one of these, or -all.
Purge overwrites the bytes in their place. It cannot reach what a file system that writes each block to a new place, an SSD's spare
blocks, snapshots and backups keep.

ls, verify, replay, dead ls and dead show change nothing. None of them sends anything: the next process that opens the directory does that by itself, and
there is usually nothing to do but to start it. Replay is for sending by hand: what you sent stays in the spool, and the next process
sends it again, unless you purge the player or remove the directory.

  spoolctl replay DIR | jq -c .event       the events as they travel

"In doubt": an earlier process was about to send it, and died before it knew the result. The service may have it already.
No command works while a process has the directory open. Copy the directory first if you are not sure (cp -a).

Exit status: 0 all is well; 1 something is damaged; 2 the command line is wrong; 3 the command failed.
`

var (
	errUsage   = errors.New("see spoolctl -h")
	errDamaged = errors.New("something is damaged")
)

func main() { os.Exit(status(run(os.Args[1:], os.Stdout, os.Stderr), os.Stderr)) }

// status prints the error and returns the exit status.
func status(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "spoolctl: %v\n", err)
	switch {
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, errDamaged):
		return 1
	case errors.Is(err, spool.ErrInUse):
		fmt.Fprintln(stderr, "Stop the process that has it open (Linux: fuser -v DIR/lock), or work on a copy of the directory.")
	case errors.Is(err, os.ErrPermission):
		fmt.Fprintln(stderr, "The files are the owner's alone: run it as the user of the game server.")
	}
	return 3
}

func run(args []string, out, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("a command is missing: %w", errUsage)
	}
	command, rest := args[0], args[1:]
	if command == "-h" || command == "-help" || command == "--help" || command == "help" {
		_, err := io.WriteString(out, usage)
		return err
	}
	if command == "dead" {
		if len(rest) == 0 {
			return fmt.Errorf("dead needs a command: %w", errUsage)
		}
		command, rest = "dead "+rest[0], rest[1:]
	}
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var c chosen
	dry := false
	for _, name := range flagsOf[command] {
		switch name {
		case "player":
			flags.StringVar(&c.player, name, "", "only this player's events")
		case "number":
			flags.Uint64Var(&c.number, name, 0, "only this dead letter")
			flags.StringVar(&c.result, "result", "", "only those with this result")
		case "all":
			flags.BoolVar(&c.all, name, false, "all of them")
		case "dry-run":
			flags.BoolVar(&dry, name, false, "only print what would be done")
		}
	}
	switch err := flags.Parse(rest); {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(out, usage)
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", err, errUsage)
	case flagsOf[command] == nil:
		return fmt.Errorf("there is no command %q: %w", command, errUsage)
	case flags.NArg() != 1:
		return fmt.Errorf("%s needs one directory, after all flags: %w", command, errUsage)
	case !slices.Contains([]string{"", "rejected", "expired", "unknown"}, c.result):
		return fmt.Errorf("-result %q is not rejected, expired or unknown: %w", c.result, errUsage)
	}
	dir := flags.Arg(0)
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	switch command {
	case "ls":
		return viewing(dir, func(v *spool.View) error { return list(v, out) })
	case "verify":
		return viewing(dir, func(v *spool.View) error { return verify(v, out) })
	case "replay":
		return viewing(dir, func(v *spool.View) error { return replay(v, c.player, out, stderr) })
	case "dead ls":
		return viewing(dir, func(v *spool.View) error { return listDead(v, c, out) })
	case "dead show":
		return viewing(dir, func(v *spool.View) error { return showDead(v, c, out, stderr) })
	case "purge":
		if c.player == "" {
			return fmt.Errorf("purge needs -player: %w", errUsage)
		}
		return purge(dir, c.player, out)
	default: // dead replay, dead purge
		if c.none() && !dry {
			return fmt.Errorf("%s needs -player, -number or -result, or -all: %w", command, errUsage)
		}
		return changeDead(strings.TrimPrefix(command, "dead "), dir, c, dry, out)
	}
}

// flagsOf names the flags of each command.
var flagsOf = map[string][]string{
	"ls": {}, "verify": {}, "replay": {"player"}, "purge": {"player"},
	"dead ls": {"player", "number"}, "dead show": {"player", "number"},
	"dead replay": {"player", "number", "all", "dry-run"}, "dead purge": {"player", "number", "all"},
}

func viewing(dir string, look func(*spool.View) error) error {
	v, err := spool.Inspect(dir)
	if err != nil {
		return err
	}
	return errors.Join(look(v), v.Close())
}

// damage prints what is damaged and what will happen to it. It returns an error if anything is
// damaged.
func damage(v *spool.View, w io.Writer) error {
	if len(v.Damage) == 0 {
		return nil
	}
	for _, d := range v.Damage {
		fmt.Fprintf(w, "damaged: %s\n", d)
	}
	fmt.Fprintln(w, "The next process that opens the directory goes on with what can be read, and keeps the damaged files as *.damaged.")
	return fmt.Errorf("%w: %d in %d files", errDamaged, len(v.Damage), len(v.Files))
}
