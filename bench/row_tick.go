package main

import (
	"context"
	"slices"
	"time"
)

// tickRow measures the effect of tracking on a game loop.
func tickRow(o options) row {
	r := row{
		name:  "tick",
		title: "A 60 Hz game loop, 333 events per tick, 20,000 events per second",
		note:  "Every figure is the time of a single call, and includes two readings of the clock.",
		columns: []column{
			{"p50 us", "p50", "%.2f"},
			{"p99 us", "p99", "%.1f"},
			{"p99.9 us", "p999", "%.1f"},
			{"max us", "max", "%.0f"},
			{"worst tick ms", "worst", "%.2f"},
			{"CPU % of a core", "core", "%.1f"},
			{"lost", "lost", "%.0f"},
		},
		targets: []target{
			either(atMost("p50 in us: at most 0.25", 0.25, of("playline", "p50")),
				atMost("at most 1.5 times ideal's", 1.5, paired("playline", "p50", "ideal", "p50"))),
			atMost("p99.9: at most 2 times ideal's", 2, paired("playline", "p999", "ideal", "p999")),
			atMost("worst tick in ms: below 2", 2, of("playline", "worst")),
		},
	}
	for _, name := range []string{"ideal", "playline", "segment", "posthog", "otel", "naive"} {
		r.subjects = append(r.subjects, subject{name, job{Workload: "tick", Adapter: name, For: o.length(5 * time.Second), Close: 30 * time.Second}})
	}
	r.subjects = append(r.subjects, subject{"playline, 333 players", job{
		Workload: "tick", Adapter: "playline", For: o.length(5 * time.Second), Close: 30 * time.Second, Setup: setup{Players: 333},
	}})
	return r
}

const (
	ticksPerSecond = 60
	eventsPerTick  = 333
)

// tick is the workload.
func (w *work) tick(ctx context.Context) error {
	a, err := newAdapter(w.Adapter, w.Setup)
	if err != nil {
		return err
	}
	ticks := int(w.For.Seconds() * ticksPerSecond)
	took := make([]time.Duration, 0, ticks*eventsPerTick)
	var worst time.Duration
	start := usageNow()
	for tick := range ticks {
		time.Sleep(time.Until(start.at.Add(time.Second * time.Duration(tick) / ticksPerSecond)))
		began := time.Now()
		for i := range eventsPerTick {
			before := time.Now()
			if err := a.Track(ctx, i%max(w.Setup.Players, 1), len(took)); err != nil {
				return err
			}
			took = append(took, time.Since(before))
		}
		worst = max(worst, time.Since(began))
	}
	clock, cpu := usageNow().since(start)
	w.close(a)
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[min(int(q*float64(len(took))), len(took)-1)].Nanoseconds()) / 1e3
	}
	w.Figures["produced"] = float64(len(took))
	w.Figures["p50"], w.Figures["p99"], w.Figures["p999"], w.Figures["max"] = at(0.5), at(0.99), at(0.999), at(1)
	w.Figures["worst"] = worst.Seconds() * 1e3
	w.Figures["core"] = cpu / clock * 100
	return nil
}
