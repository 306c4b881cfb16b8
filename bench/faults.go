package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// faultAdapters are the adapters that run the fault cases.
var faultAdapters = []string{"playline", "segment", "posthog", "otel", "naive", "ideal"}

// faultRun is one adapter in one case; its job says which adapter.
type faultRun struct {
	faultCase
	label  string
	counts counts
	err    error
}

// runFaults runs the chosen adapters through the chosen cases and prints the table.
func runFaults(ctx context.Context, o options, out, progress io.Writer) error {
	runs, err := faultRuns(o)
	if err != nil {
		return err
	}
	longest := slices.SortedStableFunc(slices.Values(runs), func(a, b *faultRun) int { return int(b.job.For - a.job.For) })
	slots := make(chan struct{}, max(o.parallel, 1))
	var all sync.WaitGroup
	for _, r := range longest {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			r.counts, r.err = r.run(ctx)
			fmt.Fprintf(progress, "%s: %s: %d lost\n", r.name, r.label, r.counts.lost)
		})
	}
	all.Wait()
	for _, r := range runs {
		if r.err != nil {
			err = errors.Join(err, fmt.Errorf("case %s: %s: %w", r.name, r.label, r.err))
		}
	}
	if err != nil {
		return err
	}
	printVersions(out)
	fmt.Fprintf(out, "Events of %d players in turn; the service fails from the first one on.\n", o.faultPlayers())
	printFaults(out, runs)
	return nil
}

// faultRuns lists the runs, case by case.
func faultRuns(o options) ([]*faultRun, error) {
	cases, err := choose(faultCases(o), o.cases, func(c faultCase) string { return c.name })
	if err != nil {
		return nil, fmt.Errorf("-case: %w", err)
	}
	names, err := choose(faultAdapters, o.adapters, func(name string) string { return name })
	if err != nil {
		return nil, fmt.Errorf("-adapter: %w", err)
	}
	var runs []*faultRun
	for _, c := range cases {
		for _, name := range names {
			r := &faultRun{faultCase: c, label: name}
			r.job.Adapter = name
			runs = append(runs, r)
			if name == "playline" && c.once {
				again := *r
				again.label, again.check, again.job.Setup.AtMostOnce = "playline, AtMostOnce", atMostOnceCheck, true
				runs = append(runs, &again)
			}
		}
	}
	return runs, nil
}

// run runs one adapter through one case. The adapter and the sink are separate processes.
func (r *faultRun) run(ctx context.Context) (counts, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	s, err := startSink(ctx, r.job.Events)
	if err != nil {
		return counts{}, err
	}
	defer s.stop()
	j := r.job
	j.Setup.Base = s.control.base
	res, err := runWorker(ctx, j)
	if err != nil {
		return counts{}, err
	}
	seen, err := s.control.report(ctx)
	if err != nil {
		return counts{}, err
	}
	return count(res, seen), nil
}

// count compares the adapter's reports with the events that the sink has.
func count(res result, seen sinkReport) counts {
	c := counts{
		attempted: int(res.Figures["attempted"]), delivered: seen.Stored, duplicated: int(seen.Events) - seen.Stored,
		requests: int(seen.Requests), failing: int(seen.Failing), counted: int(res.Figures["counted"]),
		close: time.Duration(res.Figures["close"] * float64(time.Second)),
	}
	c.lost = c.attempted - c.delivered
	missing := map[int]bool{}
	for _, eid := range seen.Missing {
		missing[eid] = true
	}
	slices.Sort(res.Reported)
	c.named = slices.Compact(res.Reported)
	for _, eid := range c.named {
		if missing[eid] {
			c.reported++
		} else {
			c.falsely++
		}
	}
	return c
}

// printFaults writes one table, case by case.
func printFaults(out io.Writer, runs []*faultRun) {
	fmt.Fprint(out, "\n| case | adapter | delivered | lost | duplicated | reported to the application | requests | during the outage | Close s | playline must |\n"+
		"| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |\n")
	last := ""
	for _, r := range runs {
		title, must := "", ""
		if r.title != last {
			title, last = r.title, r.title
		}
		if strings.HasPrefix(r.label, "playline") {
			must = r.must + ": " + word(r.check(r.counts))
		}
		c := r.counts
		duplicated := number(c.duplicated)
		if c.counted > 0 {
			duplicated += " (" + number(c.counted) + " counted as possible)"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s | %s | %.1f | %s |\n", title, r.label, number(c.delivered), number(c.lost), duplicated,
			c.words(r.job.Events), number(c.requests), number(c.failing), c.close.Seconds(), must)
	}
}

// words describes how much the application knew.
func (c counts) words(events int) string {
	var out []string
	switch {
	case c.lost > 0 && c.reported == c.lost:
		out = append(out, "all lost")
	case c.lost > 0 && c.reported == 0:
		out = append(out, "nothing: lost in silence")
	case c.lost > 0:
		out = append(out, number(c.reported)+" of "+number(c.lost)+" lost")
	}
	if c.falsely > 0 {
		out = append(out, number(c.falsely)+" reported lost though stored")
	}
	if c.attempted < events {
		out = append(out, "only "+number(c.attempted)+" attempted: Track blocks")
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, "; ")
}

func number(n int) string { return grouped(strconv.Itoa(n)) }
