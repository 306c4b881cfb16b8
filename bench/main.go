// Command bench compares playline's batcher with the libraries that a game server could use
// instead, and with the limits of the machine.
//
//	go run ./bench                     all rows, medians of 5 runs
//	go run ./bench -only closed,tick   some of them
//	go run ./bench -faults             lost, duplicated and reported events
//	go run ./bench -soak               does the ledger agree with the service?
//	go run ./bench -fleet              relays and NATS nodes for a game (see -fleet -h)
//	go run ./bench -smoke              everything, for a fraction of a second
//
// Every adapter (playline, a peer, a yardstick) and the service that it sends to run in separate
// processes on loopback. The CPU figures are what the operating system counts for those processes.
// The adapters run in turn in each round, so that a ratio compares runs at about the same time. On
// a shared machine, judge by the ratios.
//
// It needs a Unix: the CPU comes from getrusage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	only     string
	runs     int
	duration time.Duration
	smoke    bool
	faults   bool
	cases    string
	adapters string
	parallel int
	players  int
	profile  string
	soak     bool
	rate     int
	limit    int
	picture  string
}

func main() {
	if mine, err := child(os.Args); mine {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && strings.TrimLeft(os.Args[1], "-") == "fleet" { // it has flags of its own
		exit(runFleet(ctx, os.Args[2:], os.Stdout, os.Stderr))
	}
	var o options
	flag.StringVar(&o.only, "only", "", "names of rows, separated by commas; empty: all")
	flag.IntVar(&o.runs, "runs", 5, "how often every row is measured")
	flag.DurationVar(&o.duration, "d", 0, "how long the timed rows or the soak run; 0: as long as each should")
	flag.BoolVar(&o.smoke, "smoke", false, "run everything for a fraction of a second; the figures mean nothing")
	flag.BoolVar(&o.faults, "faults", false, "the fault cases instead of the rows")
	flag.StringVar(&o.cases, "case", "", "with -faults: names of cases, separated by commas; empty: all")
	flag.StringVar(&o.adapters, "adapter", "", "with -faults: names of adapters, separated by commas; empty: all")
	flag.IntVar(&o.parallel, "parallel", 12, "with -faults: how many pairs of a worker and a sink run at once")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of every worker into this folder; it costs a little speed")
	flag.BoolVar(&o.soak, "soak", false, "3 minutes of many players with an outage, instead of the rows")
	flag.IntVar(&o.rate, "rate", 0, "with -soak: events per second; 0: 20,000")
	flag.IntVar(&o.limit, "limit", 0, "with -soak: requests per second that the client's limiter allows; 0: it has none")
	flag.StringVar(&o.picture, "picture", "", "with -soak: a file to draw the soak into, .svg or .png")
	flag.IntVar(&o.players, "players", 0, "how many players; 0: 100 with -faults, 100,000 with -soak, fewer if -d is short")
	flag.Parse()
	exit(run(ctx, o, os.Stdout, os.Stderr))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run prints the tables to out, and its progress to progress.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	if o.smoke {
		o.runs = 1
	}
	if o.runs < 1 {
		return errors.New("-runs must be positive")
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o750); err != nil {
			return err
		}
	}
	if o.soak {
		return runSoak(ctx, o, out, progress)
	}
	if o.faults {
		return runFaults(ctx, o, out, progress)
	}
	rows, err := choose(allRows(o), o.only, func(r row) string { return r.name })
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	printVersions(out)
	var verdicts []verdict
	for _, r := range rows {
		r.profile = o.profile
		v, err := r.measure(ctx, o.runs, out, progress)
		if err != nil {
			return err
		}
		verdicts = append(verdicts, v...)
	}
	printVerdicts(out, verdicts)
	return nil
}

func allRows(o options) []row {
	return []row{trackRow(o), playersRow(o), storeRow(o), reopenRow(o), closedRow(o), tickRow(o), waitingRow(o), lanesRow(o), loadRow(o), lateRow(o), relayRow(o)}
}

// length returns how long a timed row runs.
func (o options) length(full time.Duration) time.Duration {
	switch {
	case o.smoke:
		return min(full, 200*time.Millisecond)
	case o.duration > 0:
		return o.duration
	}
	return full
}

// timeout returns a time that does not depend on -d.
func (o options) timeout(full, smoke time.Duration) time.Duration {
	if o.smoke {
		return smoke
	}
	return full
}

// count returns a number of events or players.
func (o options) count(full, smoke int) int {
	if o.smoke {
		return smoke
	}
	return full
}

// choose returns the items whose names are listed, or all of them if the list is empty.
func choose[T any](all []T, list string, name func(T) string) ([]T, error) {
	if list == "" {
		return all, nil
	}
	var names []string
	for _, each := range all {
		names = append(names, name(each))
	}
	var out []T
	for want := range strings.SplitSeq(list, ",") {
		i := slices.Index(names, strings.TrimSpace(want))
		if i < 0 {
			return nil, fmt.Errorf("no %q; there are %s", want, strings.Join(names, ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}
