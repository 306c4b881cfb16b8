package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/playline/playline-go/batcher"
)

// lanesRow measures the memory of a player, beyond its events and after them.
func lanesRow(o options) row {
	n := o.count(100_000, 100)
	r := row{
		name:  "lanes",
		title: number(n) + " players with few events each",
		note: "Bytes are reachable heap and stacks, beyond the JSON of the events. Afterwards the batcher sends everything (here the same " +
			"process drops it, so that no connections count), and forgets players after a second without events. Segment does not " +
			"separate players: it has 1,000 clients, one per player.",
		columns: []column{
			{"goroutines", "goroutines", "%.0f"},
			{"bytes per player beyond its events", "lane", "%.0f"},
			{"bytes per player once forgotten", "gone", "%.0f"},
			{"goroutines then", "goroutines_gone", "%.0f"},
		},
		targets: []target{
			atMost("goroutines: constant", 20, of("playline, 10 events", "goroutines")),
			atMost("bytes per lane with 10 events, beyond them: at most 600", 600, of("playline, 10 events", "lane")),
			newTarget("bytes per player once its lane is gone: 0, to the byte", of("playline, 10 events", "gone"),
				func(v float64) bool { return v < 1 }),
		},
	}
	for _, events := range []int{1, 5, 10} {
		r.subjects = append(r.subjects, subject{fmt.Sprintf("playline, %d events", events), job{
			Workload: "lanes", Adapter: "playline", Events: events, Close: time.Minute, Patience: 10 * time.Second,
			Setup: setup{Players: n, Linger: o.timeout(8*time.Second, 4*time.Second), Idle: o.length(time.Second)},
		}})
	}
	r.subjects = append(r.subjects, subject{"segment, 10 events", job{
		Workload: "clients", Adapter: "segment", Events: 10, Close: time.Minute, Setup: setup{Players: o.count(1_000, 20)},
	}})
	return r
}

// memory returns the size of the reachable heap and the stacks.
func memory() int {
	heap := liveHeap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return heap + int(m.StackInuse)
}

// lanes is the workload.
func (w *work) lanes(ctx context.Context) error {
	a := &playlineAdapter{}
	b, err := batcher.New(&discard{}, a.config(w.Setup))
	if err != nil {
		return err
	}
	a.use(b, w.Setup.Players)
	players := w.Setup.Players
	before, start := memory(), time.Now()
	eid := 0
	for range w.Events {
		for player := range players {
			if err := a.Track(ctx, player, eid); err != nil {
				return err
			}
			eid++
		}
	}
	w.Figures["goroutines"] = float64(runtime.NumGoroutine())
	w.Figures["lane"] = (float64(memory()-before) - float64(b.Stats().PendingBytes)) / float64(players)

	if b.Stats().Requests > 0 {
		return fmt.Errorf("%d players in %s: too slow, the first events no longer linger", players, time.Since(start))
	}

	if err := b.Flush(ctx); err != nil {
		return err
	}
	for b.Stats().Players > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Until(start.Add(w.Setup.Linger + time.Second))) // a lane's alarm keeps the lane alive until it goes off
	clear(a.players)                                                // the game has let its players go
	w.Figures["gone"] = float64(memory()-before) / float64(players)
	w.Figures["goroutines_gone"] = float64(runtime.NumGoroutine())
	w.close(a)
	return nil
}

// clients is the workload for an adapter that needs one client per player.
func (w *work) clients(ctx context.Context) error {
	before, n := memory(), w.Setup.Players
	all := make([]adapter, n)
	for i := range all {
		var err error
		if all[i], err = newAdapter(w.Adapter, setup{Base: w.Setup.Base}); err != nil {
			return err
		}
	}
	produced := 0
	for i := range w.Events {
		for player, a := range all {
			if err := a.Track(ctx, 0, player*w.Events+i); err != nil {
				return err
			}
			produced++
		}
	}
	w.Figures["goroutines"] = float64(runtime.NumGoroutine())
	w.Figures["lane"] = (float64(memory()-before) - float64(encodedBytes(produced))) / float64(n)
	for _, a := range all {
		w.close(a)
	}
	clear(all)
	w.Figures["gone"] = float64(memory()-before) / float64(n)
	w.Figures["goroutines_gone"] = float64(runtime.NumGoroutine())
	return nil
}
