package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// soak is a running soak, in the worker.
type soak struct {
	plan    soakPlan
	control *control
	key     tokenKey // of the service
	stale   tokenKey // of tokens that it refuses
	http    *http.Client
	batcher *batcher.Batcher
	players []*batcher.Player
	start   time.Time
	usage   usage
	cured   atomic.Bool // the bad tokens are replaced

	fates   []byte // by eid: written before Track, then by the one outcome
	healthy *delays
	short   *delays
	strange atomic.Int64 // outcomes of events that were never tracked
	out     soakResult
}

// soak is the workload.
func (w *work) soak(ctx context.Context) error {
	p := *w.job.Soak
	s := &soak{
		plan: p, control: w.control, key: newTokenKey(), stale: newTokenKey(),
		fates: make([]byte, p.events()), healthy: newDelays(p.Tick, p.End), short: newDelays(p.Tick, p.End),
	}
	if err := s.control.strict(ctx, s.key); err != nil {
		return err
	}
	before := runtime.NumGoroutine()
	if err := s.build(w.Setup.Base); err != nil {
		return err
	}
	if err := s.play(ctx); err != nil {
		return err
	}
	closeIn, cancel := context.WithTimeout(ctx, p.Close)
	defer cancel()
	started := time.Now()
	report, _ := s.batcher.Close(closeIn) // the report counts leftover events
	s.out.CloseTook = time.Since(started)
	for _, o := range report.LeftOver {
		s.outcome(o)
	}
	s.http.CloseIdleConnections()
	s.out.Goroutines = [2]int{before, goroutinesAfter(before)}
	s.out.account = account{s.fates, report.Ledger}
	s.out.Strange = s.strange.Load()
	s.measure()
	w.result.Soak = &s.out
	return nil
}

// build makes the batcher and its players.
func (s *soak) build(base string) error {
	s.http = newHTTPClient()
	with := []playline.Option{
		playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, base), playline.WithHTTPClient(s.http),
	}
	if n := s.plan.Limit; n > 0 {
		with = append(with, playline.WithLimiter(playline.PlaySmart, rate.NewLimiter(rate.Limit(n), max(n/100, 1))))
	}
	client, err := playline.New(with...)
	if err != nil {
		return err
	}
	most := max(1_000_000, 2*s.plan.Rate*int((s.plan.Recovery-s.plan.Outage).Seconds()))
	s.batcher, err = client.NewBatcher(batcher.Config{
		GameID: gameID, Linger: s.plan.Linger, Tokens: batcher.TokenFunc(s.token), TokenRenewal: s.plan.Lifetime / 6, OnOutcome: s.outcome,
		MaxEvents: most, MaxBytes: 256 * most, // room for all events of the outage
	})
	if err != nil {
		return err
	}
	s.players = make([]*batcher.Player, s.plan.Players)
	for i := range s.players {
		s.players[i] = s.batcher.Player(userID(i))
	}
	return nil
}

// play tracks the events, makes the service fail, and takes samples.
func (s *soak) play(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.start, s.usage = time.Now(), usageNow()
	done := make(chan struct{})
	var others sync.WaitGroup
	var watched, conducted error
	others.Go(func() { watched = s.watch(ctx, done) })
	others.Go(func() { conducted = s.conduct(ctx) })
	var failed error
	pace(len(s.fates), s.plan.End, func(eid int) {
		if err := s.track(ctx, eid); err != nil {
			failed = err
		}
	})
	close(done)
	others.Wait()
	return errors.Join(failed, watched, conducted)
}

func (s *soak) track(ctx context.Context, eid int) error {
	began := time.Now()
	player, garbage := s.plan.next(eid, began.Sub(s.start))
	damage, mark := eventDamage(eid), accept
	if garbage {
		damage, mark = -damage, accept|isGarbage
	}
	s.fates[eid] = byte(mark)
	err := s.players[player].TrackAttrs(ctx, eventType,
		slog.String("weapon", eventWeapon), slog.Int("damage", damage), slog.Int("eid", eid))
	if err != nil {
		s.fates[eid] = byte(notAccepted)
	}
	s.out.LongestAdd = max(s.out.LongestAdd, time.Since(began))
	return err
}

// outcome receives the results of events from the batcher.
func (s *soak) outcome(o batcher.Outcome) {
	now := time.Now()
	var waits *delays
	switch player := playerOf(o.UserID); {
	case o.Result != batcher.Delivered:
	case s.plan.hasShortToken(player):
		waits = s.short
	case player >= s.plan.firstHealthy():
		waits = s.healthy
	}
	for _, r := range o.Records {
		_, rest, _ := bytes.Cut(r.JSON, eidKey)
		eid, ok := eidAt(rest)
		if !ok || eid >= len(s.fates) {
			s.strange.Add(1)
			continue
		}
		s.fates[eid] = byte(fate(s.fates[eid]).with(o.Result, o.PossibleDuplicates))
		if waits != nil {
			waits.add(r.Accepted.Sub(s.start), now.Sub(r.Accepted))
		}
	}
}

// goroutinesAfter returns how many goroutines are left. Closing connections takes a moment.
func goroutinesAfter(before int) int {
	for deadline := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}
