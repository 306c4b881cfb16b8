package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/relay"
)

// servers are the game servers: each has players of its own and a connection to NATS.
type servers struct {
	all     []*gameServer
	stop    context.CancelFunc
	playing sync.WaitGroup
	tracked atomic.Int64
}

// gameServer is one of them.
type gameServer struct {
	publisher *relay.Publisher
	players   []string
	tracked   []int // events of each player
}

const tick = 200 * time.Millisecond

func startServers(ctx context.Context, nodes *nodes, n, players int) (*servers, error) {
	ctx, stop := context.WithCancel(ctx)
	s := &servers{stop: stop}
	for i := range n {
		js, err := nodes.connect(relay.RoleGameServer)
		if err != nil {
			stop()
			return nil, err
		}
		// The one line: it was client.NewBatcher(cfg).
		publisher, err := relay.NewPublisher(ctx, js, stream, batcher.Config{GameID: gameID})
		if err != nil {
			stop()
			return nil, err
		}
		g := &gameServer{publisher: publisher, tracked: make([]int, players)}
		for p := range players {
			g.players = append(g.players, fmt.Sprintf("device-%d-%03d", i+1, p))
		}
		s.all = append(s.all, g)
	}
	for _, g := range s.all {
		s.playing.Go(func() { s.play(ctx, g) })
	}
	return s, nil
}

// play is a game loop: each player does something in each tick. An event is counted when Track has
// taken it.
func (s *servers) play(ctx context.Context, g *gameServer) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		for p, id := range g.players {
			err := g.publisher.Track(ctx, id, batcher.Event{Type: batcher.LevelCompleted, Data: []slog.Attr{slog.Int("level", g.tracked[p])}})
			if err != nil {
				return // the evening is over
			}
			g.tracked[p]++
			s.tracked.Add(1)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// close ends the games and publishes the remaining events. It returns the sum of the publishers'
// ledgers.
func (s *servers) close(ctx context.Context) (batcher.Ledger, error) {
	s.stop()
	s.playing.Wait()
	var sum batcher.Ledger
	var errs []error
	for _, g := range s.all {
		report, err := g.publisher.Close(ctx)
		errs = append(errs, err)
		sum.Accepted += report.Accepted
		sum.Delivered += report.Delivered
		sum.PossibleDuplicates += report.PossibleDuplicates
	}
	return sum, errors.Join(errs...)
}

// pending is how many events wait in the servers' memory.
func (s *servers) pending() (n int64) {
	for _, g := range s.all {
		n += g.publisher.Ledger().Pending
	}
	return n
}
