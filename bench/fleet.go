package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/playline/playline-go/bench/fleet"
)

// fleetRuns is how often runFleet measures the costs.
const fleetRuns = 3

// runFleet measures the costs of an event, a request and a message, if the flags do not give them.
// It prints how many relays and nodes a game needs.
func runFleet(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := fleet.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.Costs.Missing() {
		measured, err := fleetCosts(ctx, out, progress)
		if err != nil {
			return err
		}
		o.Costs = o.Costs.Or(measured)
	}
	return o.Run(out)
}

// fleetCosts takes the costs from the relay row. Full and small batches together separate the cost
// of an event from that of a request.
func fleetCosts(ctx context.Context, out, progress io.Writer) (fleet.Costs, error) {
	r := relayRow(options{})
	t := tally{}
	for round := range fleetRuns {
		for _, s := range r.subjects {
			if s.job.Kind != "relay" {
				continue
			}
			fmt.Fprintf(progress, "costs, run %d of %d: %s\n", round+1, fleetRuns, s.label)
			figures, err := r.run(ctx, s.job)
			if err != nil {
				return fleet.Costs{}, fmt.Errorf("%s: %w", s.label, err)
			}
			t.add(s.label, figures)
		}
	}
	printVersions(out)
	return costsOf(t)
}

// costsOf solves two equations: CPU per event = cost of an event + cost of a request / events per
// request.
func costsOf(t tally) (fleet.Costs, error) {
	get := func(label, name string) float64 { return median(t[label][name]) }
	full, small := get(relayFew, "per_request"), get(relayMany, "per_request")
	most, least := get(relayMany, "cpu"), get(relayFew, "cpu") // microseconds per event
	if full <= small || most <= least {
		return fleet.Costs{}, fmt.Errorf("the costs cannot be separated: %.1f events per request cost %.1f us each, %.1f cost %.1f us; "+
			"is the machine busy? run it again, or give -cpu-event and -cpu-request", full, least, small, most)
	}
	request := (most - least) / (1/small - 1/full)
	event := least - request/full
	if event <= 0 {
		return fleet.Costs{}, fmt.Errorf("an event would cost %.1f us; run it again, or give -cpu-event and -cpu-request", event)
	}
	micros := func(v float64) time.Duration { return time.Duration(v * float64(time.Microsecond)) }
	return fleet.Costs{
		Event: micros(event), Request: micros(request), Message: micros(get(relayMany, "nodes_cpu")),
		Stream: min(get(relayFew, "published"), get(relayFew, "rate")),
		Stored: max(get(relayMany, "stored")/relayNodes-float64(encodedBytes(1000))/1000, 0),
	}, nil
}
