package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/playline/playline-go/batcher"
)

// The game server: it tracks, reports its health, and ends at SIGTERM.

const (
	tick       = time.Second / 30
	maxPlayers = 64
	ping       = 2 * time.Second // Agones takes a game server for unhealthy after health.periodSeconds (5) without
)

// server is the game server. One goroutine plays, as a match's loop does.
type server struct {
	sidecar *sidecar
	batcher *batcher.Batcher
	grace   time.Duration // from the signal to the kill
	out     io.Writer

	players []*batcher.Player
}

// serve plays until ctx ends, which is the signal, and shuts down in order.
func (s *server) serve(ctx context.Context) (batcher.Report, error) {
	// Pings go on while the batcher closes: a server that stops them is unhealthy, and is taken
	// away before it is done.
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if err := s.sidecar.ready(ctx); err != nil {
		return batcher.Report{}, err
	}
	pings := make(chan struct{})
	go func() {
		defer close(pings)
		s.sidecar.keepAlive(alive, ping)
	}()
	s.play(ctx)

	ending, cancel := context.WithTimeout(alive, s.grace)
	defer cancel()
	fmt.Fprintf(s.out, "  SIGTERM: %d players are sent home, nobody joins\n", len(s.players))
	s.seeOff(ending)
	report, err := s.close(ending)
	fmt.Fprintln(s.out, "  ledger:", report.Ledger)
	if err != nil {
		// Store report.LeftOver for the next server: Record.Event prepares each one for another
		// Track.
		err = fmt.Errorf("the grace period is over: %w", err)
	}
	stop()
	<-pings
	// Even then, and whatever became of ending: without it the pod stays until it is killed.
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.margin())
	defer cancel()
	return report, errors.Join(err, s.sidecar.shutdown(leaving))
}

// margin is the part of the grace period for the last call to the sidecar.
func (s *server) margin() time.Duration { return s.grace / 6 }

// close delivers the waiting events, and ends early enough.
func (s *server) close(ending context.Context) (batcher.Report, error) {
	deadline, _ := ending.Deadline()
	closing, cancel := context.WithDeadline(ending, deadline.Add(-s.margin()))
	defer cancel()
	return s.batcher.Close(closing)
}

// play lets players come and play until ctx ends.
func (s *server) play(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if len(s.players) < maxPlayers {
			s.join(ctx, fmt.Sprintf("device-%03d", n))
		}
		for i, p := range s.players {
			s.keep(p.TrackCustom(ctx, "ComboReached", slog.Int("tick", n), slog.Int("combo", i%9+1)))
		}
	}
}

func (s *server) join(ctx context.Context, id string) {
	p := s.batcher.Player(id)
	s.players = append(s.players, p)
	s.keep(p.TrackAttrs(ctx, batcher.AppOpen, slog.String("mode", "rush")))
}

// seeOff tells of every player that the game ended.
func (s *server) seeOff(ctx context.Context) {
	for _, p := range s.players {
		s.keep(p.TrackAttrs(ctx, batcher.GameEnd, slog.String("reason", "server shutdown")))
	}
}

// keep ends the program on a mistake in it. A signal that came while Track waited for room is not a
// failure.
func (s *server) keep(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		panic(err)
	}
}
