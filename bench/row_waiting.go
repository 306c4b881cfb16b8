package main

import (
	"context"
	"runtime"
	"time"
)

// waitingRow measures the cost of a million events while the service does not answer, and whether
// they are still there when it does.
func waitingRow(o options) row {
	n := o.count(1_000_000, 5_000)
	r := row{
		name:   "waiting",
		title:  number(n) + " events waiting while the service hangs",
		expect: n,
		note: "The service answers again after the heap was read. Events that it never gets were dropped. The heap is the reachable memory " +
			"after a collection, divided by the number of kept events.",
		columns: []column{
			{"heap bytes per event kept", "heap", "%.0f"},
			{"heap per encoded byte", "heap_per_byte", "%.2f"},
			{"goroutines", "goroutines", "%.0f"},
			{"s to take them", "seconds", "%.1f"},
			{"dropped", "lost", "%.0f"},
			{"reported", "reported", "%.0f"},
		},
		targets: []target{
			atMost("heap: at most 1.3 times the encoded bytes", 1.3, of("playline", "heap_per_byte")),
			atMost("nothing dropped", 0, of("playline", "lost")),
		},
	}
	patience := o.timeout(20*time.Second, time.Second)
	for _, s := range []struct {
		label, adapter string
		players        int
	}{{"playline", "playline", 1_000}, {"playline, one player", "playline", 1}, {"segment", "segment", 1}, {"posthog", "posthog", 1}, {"otel", "otel", 1}} {
		r.subjects = append(r.subjects, subject{s.label, job{
			Workload: "waiting", Adapter: s.adapter, Events: n, Setup: setup{Players: s.players}, Patience: patience, Close: patience,
		}})
	}
	return r
}

// waiting is the workload.
func (w *work) waiting(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	a, err := newAdapter(w.Adapter, w.Setup)
	if err != nil {
		return err
	}
	if err := w.control.fault(ctx, fault{Kind: stall}); err != nil {
		return err
	}
	before, start := liveHeap(), time.Now()
	for eid := range w.Events {
		if err := a.Track(ctx, eid%max(w.Setup.Players, 1), eid); err != nil {
			return err
		}
	}
	w.Figures["seconds"] = time.Since(start).Seconds()
	w.Figures["goroutines"] = float64(runtime.NumGoroutine())
	heap := float64(liveHeap() - before)
	if err := w.control.fault(ctx, fault{}); err != nil {
		return err
	}
	w.drain(a)
	w.close(a)
	seen, err := w.control.report(ctx)
	if err != nil {
		return err
	}
	kept := float64(max(seen.Stored, 1))
	w.Figures["produced"] = float64(w.Events)
	w.Figures["reported"] = float64(len(a.Reported()))
	w.Figures["heap"] = heap / kept
	w.Figures["heap_per_byte"] = heap / (float64(encodedBytes(w.Events)) * kept / float64(w.Events))
	return nil
}
