package proxytest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// TestBatchingRandom uses a batcher over a line on which toxics come and go while players send, in
// one of four ways to the end: the line is healed and the batcher flushed, or closed with time
// enough, or closed with the line still bad and little time, or with none.
func TestBatchingRandom(t *testing.T) {
	t.Parallel()
	eachSeed(t, 6, func(t *testing.T, r *rand.Rand) {
		l, cfg := newLine(t), drawConfig(r)
		b := newBook(t, cfg.AtMostOnce)
		cfg.OnOutcome = b.outcome
		cfg.Tokens = batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(l.server.Token(user, time.Hour))}, nil
		})
		batching, err := l.client(playline.RetryPolicy{}).NewBatcher(cfg)
		require.NoError(t, err)

		var players sync.WaitGroup
		for i := range 1 + r.IntN(5) {
			own := rand.New(rand.NewPCG(r.Uint64(), uint64(i)))
			players.Go(func() { play(t, batching, b, fmt.Sprintf("device-%d", i), own) })
		}
		spoil(l, r)

		limit, flushed := hung, false
		switch r.IntN(4) {
		case 0:
			l.heal()
			flushed = true
			players.Wait()
			require.NoError(t, flushIn(t, hung, batching.Flush), "%s", batching.Ledger())
			assert.Zero(t, batching.Ledger().Pending)
		case 1, 2:
			l.heal()
		default:
			limit = time.Duration(r.IntN(2)*r.IntN(600)) * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		begin := time.Now()
		report, err := batching.Close(ctx)
		assert.Less(t, time.Since(begin), limit+hung, "Close outlived its context")
		players.Wait()
		assert.Equal(t, err == nil, len(report.LeftOver) == 0)
		if limit == hung {
			assert.NoError(t, err, "the line was well: nothing is to be handed back")
		}
		for _, out := range report.LeftOver {
			b.outcome(out)
		}
		requests := batching.Stats().Requests
		l.heal()
		l.hangUp() // what the line still holds arrives before this returns, or never
		assert.Equal(t, requests, batching.Stats().Requests, "requests were made after Close had returned")
		b.check(l.server, report.Ledger)
		t.Logf("flushed: %t; %s; %d requests, %d arrived; %d proxies put aside", flushed, report.Ledger, requests, l.server.TotalCalls(), l.aside)
	})
}

func drawConfig(r *rand.Rand) batcher.Config {
	cfg := batcher.Config{
		GameID: "com.example.stackblaster", BatchEvents: 1 + r.IntN(40), EventBytes: 2000, BatchBytes: 2000 + r.IntN(10_000),
		Linger: time.Duration(1+r.IntN(50)) * time.Millisecond, MaxEvents: 20 + r.IntN(200), MaxInFlight: 1 + r.IntN(8),
		SendTimeout: time.Duration(200+r.IntN(300)) * time.Millisecond,
	}
	if r.IntN(2) == 0 {
		cfg.AtMostOnce = []batcher.EventType{batcher.LevelCompleted, batcher.IAPPurchase}
	}
	return cfg
}

// spoil lets toxics come and go for a while.
func spoil(l *line, r *rand.Rand) {
	cut := false
	for range 6 + r.IntN(10) {
		switch wrong := len(l.wrongs()); {
		case cut:
			l.heal()
			cut = false
		case r.IntN(10) == 0:
			l.cut()
			cut = true
		case wrong > 0 && r.IntN(3) == 0:
			l.remove(r.IntN(wrong))
		default:
			l.add(drawToxic(r, []string{upstream, downstream}[r.IntN(2)]))
		}
		<-time.After(time.Duration(r.IntN(250)) * time.Millisecond)
	}
}

// play tracks the events of one player, until the batcher closes or there are enough.
func play(t *testing.T, batching *batcher.Batcher, b *book, user string, r *rand.Rand) {
	t.Helper()
	p := batching.Player(user)
	types := []batcher.EventType{batcher.AppOpen, batcher.LevelCompleted, batcher.IAPPurchase, batcher.GameEnd}
	for range 20 + r.IntN(150) {
		<-time.After(time.Duration(r.IntN(25)) * time.Millisecond)
		if r.IntN(30) == 0 {
			_ = flushIn(t, time.Duration(r.IntN(300))*time.Millisecond, p.Flush)
		}
		kind, padding := types[r.IntN(len(types))], r.IntN(1500)
		n := b.open(user, kind, padding)
		err := p.TrackAttrs(t.Context(), kind, slog.Int("n", n), slog.String("pad", strings.Repeat("x", padding)))
		if err != nil {
			assert.ErrorIs(t, err, batcher.ErrClosed)
			b.withdraw(n)
			return
		}
	}
}

func flushIn(t *testing.T, limit time.Duration, flush func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return flush(ctx)
}
