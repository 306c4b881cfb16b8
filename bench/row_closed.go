package main

import (
	"context"
	"time"
)

// closedRow measures the speed end to end: as many events as possible, with a limit of
// unacknowledged ones.
func closedRow(o options) row {
	r := row{
		name:  "closed",
		title: "End to end, closed loop, 200 events per request",
		note: "At most 10,000 events are unacknowledged (OTel, which drops the oldest above 2,048: 1,800). playline sends one request " +
			"per player at a time. With 10,000 players the events go to 25 players in turn, so that batches are full, then to the next 25.",
		columns: []column{
			{"events/s", "rate", "%.0f"},
			{"client CPU s per 1M", "cpu", "%.2f"},
			{"sink CPU s per 1M", "sink_cpu", "%.2f"},
			{"events per request", "per_request", "%.1f"},
			{"connections", "conns", "%.0f"},
			{"lost", "lost", "%.0f"},
		},
		targets: []target{
			atLeast("events/s, one player: at least 4 times Segment's", 4, paired("playline", "rate", "segment", "rate")),
			atMost("CPU, one player: at most 1/6 of Segment's", 1.0/6, paired("playline", "cpu", "segment", "cpu")),
			atMost("CPU, one player: at most 1.4 times ideal's", 1.4, paired("playline", "cpu", "ideal", "cpu")),
			atMost("CPU, 10,000 players, full batches: at most 1.3 times the one-player CPU", 1.3,
				paired("playline, 10,000 players", "cpu", "playline", "cpu")),
		},
	}
	for _, name := range []string{"limit", "ideal", "playline", "segment", "posthog", "otel", "naive"} {
		r.subjects = append(r.subjects, subject{name, job{Workload: "closed", Adapter: name, For: o.length(3 * time.Second), Close: 30 * time.Second}})
	}
	r.subjects = append(r.subjects, subject{"playline, 10,000 players", job{
		Workload: "closed", Adapter: "playline", For: o.length(3 * time.Second), Close: 30 * time.Second,
		Setup: setup{Players: o.count(10_000, 25)},
	}})
	return r
}

// group is the number of players that get events in turn.
const group = 25

// closed is the workload.
func (w *work) closed(ctx context.Context) error {
	a, err := newAdapter(w.Adapter, w.Setup)
	if err != nil {
		return err
	}
	start := usageNow()
	var produced, settled int
	if l, ok := a.(*limitAdapter); ok {
		if produced, err = l.run(ctx, w.For); err != nil {
			return err
		}
		settled = produced
	} else {
		if produced, err = w.produce(ctx, a); err != nil {
			return err
		}
		settled = produced - a.Outstanding()
	}
	clock, cpu := usageNow().since(start)
	w.close(a)
	w.Figures["produced"] = float64(produced)
	w.Figures["rate"] = float64(settled) / clock
	w.Figures["cpu"] = cpu / float64(settled) * 1e6
	return nil
}

// produce tracks events in whole batches for the job's time, and until one event has its result. It
// returns the number of events.
func (w *work) produce(ctx context.Context, a adapter) (int, error) {
	limit, end := outstanding(w.Adapter), time.Now().Add(w.For)
	round := group * batchSize
	for eid := 0; ; eid++ {
		if eid%50 == 0 {
			for a.Outstanding() >= limit {
				time.Sleep(50 * time.Microsecond)
			}
			if (eid%round == 0 || w.Setup.Players <= 1 && eid%batchSize == 0) && time.Now().After(end) && a.Outstanding() < eid {
				return eid, nil
			}
		}
		player := 0
		if w.Setup.Players > 1 {
			player = (eid/round*group + eid%group) % w.Setup.Players
		}
		if err := a.Track(ctx, player, eid); err != nil {
			return eid, err
		}
	}
}
