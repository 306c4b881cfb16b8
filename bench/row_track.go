package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
)

// trackRow measures the cost of a call of Track for its caller, with a sender that accepts
// everything at once.
func trackRow(o options) row {
	r := row{
		name:  "track",
		title: "Track alone, one player, at full speed",
		note: "The same process builds the requests and drops them. The median is of slices of 1,000 events: other programs affect it less than " +
			"the mean. Encode is this program's append encoder, with fields that are fixed at " +
			"compile time; encoding/json encodes only the map of 3, without the rest of the event.",
		columns: []column{
			{"ns per event, median", "ns", "%.0f"},
			{"mean", "mean", "%.0f"},
			{"allocations per event, whole process", "allocs", "%.2f"},
		},
		targets: []target{
			newTarget("TrackAttrs, 3 attributes: 0 allocations, rounded down as go test -bench does", of("TrackAttrs", "allocs"),
				func(v float64) bool { return v < 1 }),
			atMost("TrackAttrs: at most 2 times the bare append encode", 2, paired("TrackAttrs", "ns", "encode", "ns")),
			atMost("Track with a map of 3: at most 1.3 times encoding/json of the map", 1.3, paired("Track, map", "ns", "encoding/json, map", "ns")),
		},
	}
	for _, s := range [][2]string{{"encode", "encode"}, {"TrackAttrs", "attrs"}, {"encoding/json, map", "json"}, {"Track, map", "map"}} {
		r.subjects = append(r.subjects, subject{s[0], job{Workload: "track", Kind: s[1], For: o.length(time.Second)}})
	}
	return r
}

// discard is a batcher.Sender that builds every body as the client's Sender does, and accepts it at
// once.
type discard struct{ bodies sync.Pool }

// Send implements batcher.Sender.
func (d *discard) Send(_ context.Context, b batcher.Batch) (batcher.Receipt, error) {
	body, _ := d.bodies.Get().(*[]byte)
	if body == nil {
		body = new([]byte)
	}
	*body = b.AppendBody((*body)[:0])
	d.bodies.Put(body)
	return batcher.Receipt{}, nil
}

// track is the workload.
func (w *work) track(ctx context.Context) error {
	a := &playlineAdapter{}
	b, err := batcher.New(&discard{}, a.config(setup{Players: 1}))
	if err != nil {
		return err
	}
	p := b.Player(userID(0))
	var buf []byte
	op := map[string]func(eid int) error{
		"encode": func(eid int) error {
			buf = appendEvent(buf[:0], time.Now().UTC(), eid)
			return nil
		},
		"attrs": func(eid int) error {
			return p.TrackAttrs(ctx, eventType, slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid))
		},
		"map": func(eid int) error {
			return p.Track(ctx, batcher.Event{
				Type: eventType, Data: map[string]any{"weapon": eventWeapon, "damage": eventDamage(eid), "eid": eid},
			})
		},
		"json": func(eid int) error {
			_, err := json.Marshal(map[string]any{"weapon": eventWeapon, "damage": eventDamage(eid), "eid": eid})
			return err
		},
	}[w.Kind]
	if op == nil {
		return fmt.Errorf("no kind %q", w.Kind)
	}
	for eid := range 10_000 { // warm
		if err := op(eid); err != nil {
			return err
		}
	}
	before, n := mallocs(), 0
	var slices stopwatch
	for start := time.Now(); time.Since(start) < w.For; {
		slices.begin()
		for range slice {
			if err := op(100_000 + n); err != nil {
				return err
			}
			n++
		}
		slices.end()
	}
	slices.report(w.Figures)
	w.Figures["allocs"] = float64(mallocs()-before) / float64(n)
	return nil
}

// playersRow measures how the cost of Track grows with the number of players.
func playersRow(o options) row {
	n := o.count(800_000, 20_000)
	r := row{
		name:  "players",
		title: "Track over many players",
		note: number(n) + " events over the players in random order; the batcher knows each player before. The bench drops requests and times slices as " +
			"above. By id is Batcher.Track with a user id instead of a kept Player.",
		columns: []column{{"ns per event, median", "ns", "%.0f"}, {"mean", "mean", "%.0f"}},
		targets: []target{
			atMost("1,000 players: at most 1.5 times one player", 1.5, paired("1,000 players", "ns", "1 player", "ns")),
			atMost("100,000 players: at most 3 times one player", 3, paired("100,000 players", "ns", "1 player", "ns")),
		},
	}
	for _, players := range []int{1, 1_000, 100_000} {
		label := number(players) + " players"
		if players == 1 {
			label = "1 player"
		}
		r.subjects = append(r.subjects,
			subject{label, job{Workload: "players", Events: n, Setup: setup{Players: players}}},
			subject{label + ", by id", job{Workload: "players", Kind: "id", Events: n, Setup: setup{Players: players}}})
	}
	return r
}

// players is the workload.
func (w *work) players(ctx context.Context) error {
	a := &playlineAdapter{}
	b, err := batcher.New(&discard{}, a.config(w.Setup))
	if err != nil {
		return err
	}
	users := userIDs(w.Setup.Players)
	all := make([]*batcher.Player, len(users))
	for i, user := range users {
		all[i] = b.Player(user)
		if err := all[i].TrackAttrs(ctx, eventType); err != nil {
			return err
		}
	}
	order := rand.Perm(len(all))
	var slices stopwatch
	slices.begin()
	for eid := range w.Events {
		if eid%slice == slice-1 {
			slices.end()
			slices.begin()
		}
		i := order[eid%len(order)]
		if w.Kind == "id" {
			err = b.Track(ctx, users[i], batcher.Event{Type: eventType, Data: []slog.Attr{
				slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid),
			}})
		} else {
			err = all[i].TrackAttrs(ctx, eventType,
				slog.String("weapon", eventWeapon), slog.Int("damage", eventDamage(eid)), slog.Int("eid", eid))
		}
		if err != nil {
			return err
		}
	}
	slices.report(w.Figures)
	return nil
}
