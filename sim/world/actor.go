package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/playline/playline-go/batcher"
)

// act is one goroutine of the games: it does so many things to batchers, at random.
func (w *world) act(index, actions int) {
	for range actions {
		s := w.servers[w.number(len(w.servers))]
		user := w.users[w.number(len(w.users))]
		w.yield()
		switch what := w.number(40); {
		case what < 28:
			for range 1 + w.number(6) {
				w.track(s, user, what)
			}
		case what < 30:
			s.now().b.Player(user).Signal(batcher.LevelEnd)
		case what < 31:
			w.bounded("Flush", func(ctx context.Context) error { return s.now().b.Flush(ctx) })
		case what < 32:
			w.bounded("Player.Flush", func(ctx context.Context) error { return s.now().b.Player(user).Flush(ctx) })
		case what < 34:
			w.bounded("End", func(ctx context.Context) error { return s.now().b.Player(user).End(ctx) })
		case what < 35:
			s.now().b.SetToken(user, batcher.Token{Value: batcher.Secret(w.emu.Token(user, w.span(2*time.Minute)))})
		case what < 36:
			s.now().b.Resume(user)
		default:
			time.Sleep(w.span(10 * time.Second))
		}
		w.balance(s.now(), index)
	}
}

// track tracks one event, in one of the ways that there are.
func (w *world) track(s *server, user string, how int) {
	p := s.now()
	kind := batcher.LevelCompleted
	if how%5 == 0 {
		kind = batcher.IAPPurchase
	}
	e := &event{user: user, server: s.index, process: p.number, once: kind == batcher.IAPPurchase && len(s.cfg.AtMostOnce) > 0}
	w.mu.Lock()
	w.events = append(w.events, e)
	e.number, e.begun = len(w.events), w.trace.steps
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), w.span(20*time.Second))
	defer cancel()
	var err error
	player := p.b.Player(user)
	switch how % 3 {
	case 0:
		err = player.Track(ctx, batcher.Event{Type: kind, Data: map[string]any{"n": e.number}})
	case 1:
		err = player.TrackAttrs(ctx, kind, slog.Int("n", e.number))
	default:
		err = player.TryTrackAttrs(kind, slog.Int("n", e.number))
	}
	dead := p.isDead()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && !dead {
		e.accepted = true
	}
	switch {
	case err == nil, dead, errors.Is(err, batcher.ErrFull), errors.Is(err, batcher.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errFull):
	default:
		w.failLocked("Track of event %d: %v", e.number, err)
	}
	w.trace.step("server %d: %s tracks event %d: %v", s.index, user, e.number, err)
	e.ended = w.trace.steps
}

// bounded calls what must end with its context.
func (w *world) bounded(name string, call func(ctx context.Context) error) {
	within := w.span(30 * time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	began := time.Now()
	err := call(ctx)
	if took := time.Since(began); took > within+time.Second {
		w.fail("%s took %s and had %s", name, took, within)
	}
	w.say("%s within %s: %v", name, within, err)
}

// balance holds a ledger against itself.
func (w *world) balance(p *process, actor int) {
	l := p.b.Ledger()
	sum := l.Pending
	for _, n := range l.Results() {
		sum += n
	}
	if l.Accepted != sum {
		w.fail("actor %d: the ledger does not balance: %s", actor, l)
	}
	if limit := p.server.cfg.MaxEvents; limit > 0 && p.server.disk == nil && l.Pending > int64(limit) {
		w.fail("actor %d: %d events are pending, and Config.MaxEvents is %d", actor, l.Pending, limit)
	}
}

// numberOf returns an event's number.
func numberOf(body []byte) int {
	var in struct {
		CustomData struct {
			N int `json:"n"`
		} `json:"customdata"`
	}
	_ = json.Unmarshal(body, &in) // 0 is the number of no event
	return in.CustomData.N
}
