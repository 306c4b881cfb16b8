package batcher_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// What the model test, or reading for it, found: each as a small test of its own.

// foundSender answers as answer says and keeps what came.
type foundSender struct {
	answer func(ctx context.Context, b batcher.Batch) error

	mu      sync.Mutex // guards the following
	batches []batcher.Batch
	times   []time.Time
}

func (s *foundSender) Send(ctx context.Context, b batcher.Batch) error {
	s.mu.Lock()
	s.batches = append(s.batches, b)
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	if s.answer == nil {
		return nil
	}
	return s.answer(ctx, b)
}

func (s *foundSender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.batches)
}

// foundBatcher makes a batcher that is closed at the end of the test's bubble.
func foundBatcher(t *testing.T, s *foundSender, cfg batcher.Config) *batcher.Batcher {
	t.Helper()
	cfg.GameID = modelGame
	if cfg.Tokens == nil {
		cfg.Tokens = batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil })
	}
	b, err := batcher.New(s, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // the test's context has ended by then
		cancel()
		_, _ = b.Close(ctx)
	})
	return b
}

func TestTrackThatWaitsForAPlayersRoomSendsAtOnceAndAcceptsWhenItReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var accepted []time.Time
		s := &foundSender{answer: func(context.Context, batcher.Batch) error {
			time.Sleep(time.Second)
			return nil
		}}
		b := foundBatcher(t, s, batcher.Config{MaxPlayerEvents: 1, OnOutcome: func(o batcher.Outcome) {
			accepted = append(accepted, o.Records[0].Accepted)
		}})
		begin := time.Now()
		p := b.Player("device-abc-123")
		for range 3 {
			require.NoError(t, p.TrackAttrs(t.Context(), batcher.AppOpen, slog.Int("level", 1)))
		}
		assert.Equal(t, 2*time.Second, time.Since(begin), "the linger is not waited for")
		require.NoError(t, p.Flush(t.Context()))
		assert.Equal(t, []time.Time{begin, begin.Add(time.Second), begin.Add(2 * time.Second)}, accepted)
	})
}
