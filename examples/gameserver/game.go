package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/playline/playline-go/batcher"
)

// The game: players who come, play levels and leave.

const (
	gameID       = "com.example.stackblaster"
	tick         = time.Second / 30
	matchPlayers = 20
	matchTicks   = 120 // four seconds a round
)

// game is the players and the matches that they are in. One goroutine plays all of it, as a match
// server's loop does.
type game struct {
	batcher *batcher.Batcher
	players []*player
	lobby   []*player // not in a match
	matches []*match
	tracked map[string]int // events that the batcher accepted, by user id
	leaving sync.WaitGroup // players who are seen off
}

// player is somebody who is or will be on the server.
type player struct {
	id     string
	handle *batcher.Player
	score  int
	level  int
}

// match is a round under way.
type match struct {
	players []*player
	ends    int // in ticks from the start of the game
}

func newGame(b *batcher.Batcher, players int) *game {
	g := &game{batcher: b, tracked: map[string]int{}}
	for i := range players {
		id := fmt.Sprintf("device-%05d", i)
		p := &player{id: id, handle: b.Player(id)}
		g.players = append(g.players, p)
		g.lobby = append(g.lobby, p)
	}
	return g
}

// play runs the loop until ctx ends.
func (g *game) play(ctx context.Context, screen *screen) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for n := 0; ; n++ {
		g.tick(ctx, n)
		if n%15 == 0 {
			screen.stats(g.batcher.Stats(), len(g.matches))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			g.leaving.Wait()
			return
		}
	}
}

func (g *game) tick(ctx context.Context, n int) {
	for len(g.lobby) >= matchPlayers && len(g.matches) < len(g.players)/matchPlayers {
		m := &match{players: g.lobby[:matchPlayers:matchPlayers], ends: n + matchTicks/2 + rand.IntN(matchTicks)}
		g.lobby = g.lobby[matchPlayers:]
		g.matches = append(g.matches, m)
		for _, p := range m.players {
			g.track(ctx, p, batcher.AppOpen, slog.String("mode", "rush"))
		}
	}
	running := g.matches[:0]
	for _, m := range g.matches {
		if n < m.ends {
			p := m.players[rand.IntN(len(m.players))]
			p.score += 10
			g.track(ctx, p, batcher.Custom, slog.Int("combo", rand.IntN(9)+1), slog.Float64("x", float64(rand.IntN(1000))/10), slog.Int("score", p.score))
			running = append(running, m)
			continue
		}
		g.finish(ctx, m)
	}
	g.matches = running
}

// finish ends a match. The level decides the reward, so the batcher sends it at once.
func (g *game) finish(ctx context.Context, m *match) {
	for i, p := range m.players {
		p.level++
		g.track(ctx, p, batcher.LevelCompleted, slog.Int("level", p.level), slog.Int("score", p.score), slog.Int("rank", i+1))
		p.handle.Signal(batcher.LevelEnd)
		if rand.IntN(4) == 0 { // leaves, and comes back later
			g.track(ctx, p, batcher.GameEnd, slog.Int("score", p.score))
			g.leaving.Go(func() { _ = p.handle.End(ctx) }) // at an outage or the end, Close sends the rest
		}
		g.lobby = append(g.lobby, p)
	}
}

// track never lets the loop stall: were there no room, the event would be refused, and we would
// know.
func (g *game) track(ctx context.Context, p *player, t batcher.EventType, attrs ...slog.Attr) {
	if ctx.Err() != nil {
		return
	}
	var err error
	if t == batcher.Custom {
		err = p.handle.TrackCustom(ctx, "ComboReached", attrs...)
	} else {
		err = p.handle.TryTrackAttrs(t, attrs...)
	}
	switch {
	case err == nil:
		g.tracked[p.id]++
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, batcher.ErrClosed):
	default:
		panic(err) // a mistake in this program
	}
}
