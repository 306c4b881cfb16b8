package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// loadRow measures the size of batches under a steady load, by linger time.
func loadRow(o options) row {
	r := row{
		name:  "load",
		title: "Batch size under load: 10,000 players, 2 events per second each",
		once:  true,
		note: "Events come to players at random. The measurement begins after the first linger, and lasts one linger or ten seconds, whichever is longer. " +
			"The batcher sends a batch when it is full or old, so a request holds 1 + 2 times the linger in seconds, on average.",
		columns: []column{
			{"events per request", "per_request", "%.1f"},
			{"requests/s", "requests", "%.0f"},
			{"client CPU s per 1M", "cpu", "%.2f"},
			{"CPU % of a core", "core", "%.1f"},
			{"lost", "lost", "%.0f"},
		},
	}
	for _, linger := range []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute} {
		if o.duration > 0 && linger > o.duration {
			continue // a run shorter than a linger shows nothing
		}
		label := fmt.Sprintf("linger %s", linger)
		j := job{
			Workload: "load", Adapter: "playline", Rate: 20_000, Warm: linger, For: max(linger, 10*time.Second), Close: 30 * time.Second,
			// 20,000 events/s that linger for a minute are more than the default limit of waiting
			// events.
			Setup: setup{Players: 10_000, Linger: linger, MaxEvents: 3_000_000},
		}
		if o.smoke {
			j.Setup.Linger, j.Setup.Players, j.Rate = linger/200, 100, 2_000
			j.Warm, j.For = 50*time.Millisecond, 150*time.Millisecond
		}
		r.subjects = append(r.subjects, subject{label, j})
		full := 1 + 2*linger.Seconds()
		r.targets = append(r.targets, atLeast(fmt.Sprintf("%s: at least %.0f events per request, 9 in 10 of what it allows", label, 0.9*full),
			0.9*full, of(label, "per_request")))
	}
	return r
}

// lateRow shows whether an adapter keeps up with a service that is far away.
func lateRow(o options) row {
	const delay = 200 * time.Millisecond
	r := row{
		name:  "late",
		title: "Answers 200 ms late, 20,000 events per second over 1,000 players",
		note: "Waiting is from Track to the result, only for playline, with its default linger of 5 s. Behind is the number of events without a result when the last " +
			"event came; an adapter that keeps up has only its lingering events behind.",
		columns: []column{
			{"behind, events", "behind", "%.0f"},
			{"s until done", "drained", "%.1f"},
			{"events per request", "per_request", "%.1f"},
			{"requests at once", "in_flight", "%.0f"},
			{"waiting p50 s", "wait50", "%.2f"},
			{"p99 s", "wait99", "%.2f"},
			{"max s", "wait", "%.2f"},
			{"lost", "lost", "%.0f"},
		},
		targets: []target{
			atLeast("several requests in flight", 2, of("playline", "in_flight")),
			// The players start in the same second. Their first lingers therefore end together, and
			// 64 requests of 200 ms run at once.
			atMost("longest wait in s: the linger, a request of each player, and 0.5", 5+1_000/64*0.2+0.5, of("playline", "wait")),
			atMost("longest wait in s with linger 1 s: likewise", 1+1_000/64*0.2+0.5, of("playline, linger 1s", "wait")),
			atMost("lost: none", 0, of("playline", "lost")),
		},
	}
	base := job{
		Workload: "load", Rate: o.count(20_000, 2_000), For: o.length(15 * time.Second), Close: 30 * time.Second, Patience: o.length(15 * time.Second),
		Setup: setup{Players: o.count(1_000, 20), Outcomes: true}, Fault: fault{Kind: late, Delay: delay},
	}
	for _, name := range []string{"playline", "playline, linger 1s", "segment", "posthog", "otel"} {
		j := base
		j.Adapter = name
		if name == "playline, linger 1s" {
			j.Adapter, j.Setup.Linger = "playline", time.Second
		}
		r.subjects = append(r.subjects, subject{name, j})
	}
	return r
}

// load is the workload.
func (w *work) load(ctx context.Context) error {
	a, err := newAdapter(w.Adapter, w.Setup)
	if err != nil {
		return err
	}
	if err := w.control.fault(ctx, w.Fault); err != nil {
		return err
	}
	players, failed := max(w.Setup.Players, 1), error(nil)
	eid := 0
	run := func(d time.Duration) {
		pace(int(float64(w.Rate)*d.Seconds()), d, func(int) {
			if err := a.Track(ctx, rand.IntN(players), eid); err != nil {
				failed = err
			}
			eid++
		})
	}
	run(w.Warm)
	began, err := w.control.report(ctx)
	if err != nil {
		return err
	}
	start, first := usageNow(), eid
	run(w.For)
	clock, cpu := usageNow().since(start)
	w.Figures["behind"] = float64(a.Outstanding())
	ended, err := w.control.report(ctx)
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	w.Figures["cpu"] = cpu / float64(eid-first) * 1e6
	w.Figures["core"] = cpu / clock * 100
	w.Figures["requests"] = float64(ended.Requests-began.Requests) / clock
	if requests := ended.Requests - began.Requests; requests > 0 {
		w.Figures["per_request"] = float64(ended.Events-began.Events) / float64(requests)
	}
	drained := time.Now()
	if w.Patience > 0 {
		w.drain(a)
	}
	w.Figures["drained"] = time.Since(drained).Seconds()
	w.close(a)
	w.Figures["produced"] = float64(eid)
	if p, ok := a.(*playlineAdapter); ok {
		w.waited(p)
	}
	return nil
}

// waited sets the figures of how long playline's events waited.
func (w *work) waited(p *playlineAdapter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.waits); n > 0 {
		slices.Sort(p.waits)
		w.Figures["wait50"], w.Figures["wait99"], w.Figures["wait"] = p.waits[n/2].Seconds(), p.waits[n*99/100].Seconds(), p.waits[n-1].Seconds()
	}
}
