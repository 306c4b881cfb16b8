// Command sim plays worlds of the batcher from seeds: game servers, players, token sources, disks
// and a network that fails, with the real batcher, client and emulator in them. The same seed gives
// the same run, to the step, so that a failure can be looked at again.
//
//	go run ./sim -seed 7                       play one seed, and print the hash of its trace
//	go run ./sim -seed 7 -steps                the same, with every step in words
//	go run ./sim -seeds 100000 -workers 2      search; the first failing seed is made smaller and printed
//
// The world is built with the Go that is installed for GOOS=wasip1 and runs in wazero. That has one
// thread and no preemption, and the Go runtime takes every random number and every reading of a
// clock from the host; so the host decides all of them. It finds no data races, has no preemption
// and no real sockets, and the engine of package spool does not build for it: the race detector,
// proxytest and the kill tests of spool stay.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	plan    plan
	seeds   uint64
	workers int
	limit   time.Duration
	steps   bool
	overlay string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	flags.Uint64Var(&s.plan.seed, "seed", 1, "the seed to play, or the first one to search from")
	flags.Uint64Var(&s.seeds, "seeds", 1, "how many seeds to play")
	flags.IntVar(&s.workers, "workers", 1, "how many seeds are played at once")
	flags.DurationVar(&s.limit, "for", 0, "stop searching after this time; 0: no limit")
	flags.BoolVar(&s.steps, "steps", false, "print every step of the one seed")
	flags.IntVar(&s.plan.players, "players", 0, "at most so many players; 0: as the seed says")
	flags.IntVar(&s.plan.actions, "actions", 0, "at most so many actions per actor; 0: as the seed says")
	flags.IntVar(&s.plan.troubles, "troubles", 0, "at most so many troubles; 0: as the seed says, -1: none")
	flags.StringVar(&s.overlay, "overlay", "", "a file for go build -overlay: plays changed code")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not an option; see -h", flags.Arg(0))
	case s.seeds < 1:
		return errors.New("-seeds must be at least 1")
	case s.workers < 1:
		return errors.New("-workers must be at least 1")
	case s.steps && s.seeds > 1:
		return errors.New("-steps is for one seed")
	case s.plan.players < 0 || s.plan.actions < 0 || s.plan.troubles < -1:
		return errors.New("-players and -actions must be 0 or more, and -troubles -1 or more")
	}
	h, err := newHost(ctx, s.overlay)
	if err != nil {
		return err
	}
	defer h.close(ctx)
	if s.seeds == 1 {
		return one(ctx, h, s, out)
	}
	return search(ctx, h, s, out)
}

// one plays one seed.
func one(ctx context.Context, h *host, s settings, out io.Writer) error {
	r, err := h.play(ctx, s.plan, s.steps)
	if err != nil {
		return err
	}
	fmt.Fprint(out, r.words)
	fmt.Fprintf(out, "seed %d: %s, trace %s, %d steps, %d events, %s of virtual time in %s\n",
		s.plan.seed, r.verdict, r.hash, r.steps, r.events, r.virtual, r.took.Round(time.Millisecond))
	if r.verdict != ok {
		return fmt.Errorf("seed %d is %s", s.plan.seed, r.verdict)
	}
	return nil
}
