package batcher_test

import (
	"context"
	"log/slog"
	"strings"
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
	bodies  []string
	times   []time.Time
}

func (s *foundSender) Send(ctx context.Context, b batcher.Batch) (batcher.Receipt, error) {
	s.mu.Lock()
	s.batches = append(s.batches, b)
	s.bodies = append(s.bodies, string(b.AppendBody(nil)))
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	if s.answer == nil {
		return batcher.Receipt{}, nil
	}
	return batcher.Receipt{}, s.answer(ctx, b)
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

func TestAnEventThatFitsAloneIntoNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &foundSender{}
		b := foundBatcher(t, s, batcher.Config{EventBytes: 400, BatchBytes: 400, IdleTimeout: time.Minute})
		p := b.Player("device-abc-123")
		var invalid *batcher.InvalidEventError
		kept := 0
		for pad := range 400 {
			err := p.TrackAttrs(t.Context(), batcher.AppOpen, slog.String("pad", strings.Repeat("x", pad)))
			if err == nil {
				kept++
				continue
			}
			require.ErrorAs(t, err, &invalid)
		}
		require.NoError(t, b.Flush(t.Context()))
		longest := 0
		for _, body := range s.bodies {
			longest = max(longest, len(body))
		}
		assert.Equal(t, 400, longest)
		assert.Equal(t, batcher.Ledger{Accepted: int64(kept), Delivered: int64(kept)}, b.Ledger())
	})
}

func TestAPlayerWhoseOnlyEventFoundNoRoomIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &foundSender{answer: func(ctx context.Context, _ batcher.Batch) error {
			<-ctx.Done()
			return nil
		}}
		b := foundBatcher(t, s, batcher.Config{MaxEvents: 1, IdleTimeout: time.Minute, SendTimeout: time.Hour})
		require.NoError(t, b.Player("device-0").TrackAttrs(t.Context(), batcher.AppOpen))
		require.ErrorIs(t, b.Player("device-1").TryTrackAttrs(batcher.AppOpen), batcher.ErrFull)
		assert.Equal(t, 2, b.Stats().Players)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, b.Stats().Players)
	})
}

func TestFlushAfterCloseSaysThatEventsWereHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &foundSender{answer: func(ctx context.Context, _ batcher.Batch) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		b := foundBatcher(t, s, batcher.Config{})
		p, other := b.Player("device-0"), b.Player("device-1")
		require.NoError(t, p.TrackAttrs(t.Context(), batcher.AppOpen))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report, err := b.Close(ctx)
		require.Error(t, err)
		require.Len(t, report.LeftOver, 1)
		assert.ErrorIs(t, p.Flush(t.Context()), batcher.ErrClosed)
		assert.ErrorIs(t, p.End(t.Context()), batcher.ErrClosed)
		assert.ErrorIs(t, b.Flush(t.Context()), batcher.ErrClosed)
		assert.NoError(t, other.Flush(t.Context()))
		assert.Zero(t, p.Stats().Pending+p.Stats().PendingBytes)
	})
}

func TestATokenSetWhileEventsLingerSendsThemBeforeItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &foundSender{}
		b := foundBatcher(t, s, batcher.Config{Linger: time.Hour, TokenRenewal: time.Minute})
		require.NoError(t, b.Player("device-0").TrackAttrs(t.Context(), batcher.AppOpen))
		b.SetToken("device-0", batcher.Token{Value: "short", Expires: time.Now().Add(5 * time.Minute)})
		begin := time.Now()
		time.Sleep(10 * time.Minute)
		require.Equal(t, 1, s.count())
		assert.Equal(t, 4*time.Minute, s.times[0].Sub(begin))
	})
}

func TestATokenSetWhileTheSourceIsAskedIsNotLost(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"no token": batcher.ErrNoToken, "source away": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &foundSender{}
				b := foundBatcher(t, s, batcher.Config{Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
					time.Sleep(time.Second)
					return batcher.Token{}, failure
				})})
				require.NoError(t, b.Player("device-0").TrackAttrs(t.Context(), batcher.AppOpen))
				b.Signal(batcher.LevelEnd)
				synctest.Wait()
				b.SetToken("device-0", batcher.Token{Value: "set"})
				time.Sleep(time.Second)
				synctest.Wait()
				require.Equal(t, 1, s.count())
				assert.Equal(t, batcher.Secret("set"), s.batches[0].Token.Value)
				assert.Empty(t, b.Parked())
			})
		})
	}
}

func TestAParkedPlayerWhoseEventsExpiredIsForgottenAndLaterOnesExpireToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &foundSender{}
		b := foundBatcher(t, s, batcher.Config{
			MaxAge: time.Minute, IdleTimeout: time.Hour,
			Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken }),
		})
		p := b.Player("device-0")
		for n := range int64(3) {
			require.NoError(t, p.TrackAttrs(t.Context(), batcher.AppOpen))
			time.Sleep(59 * time.Second)
			require.Len(t, b.Parked(), 1)
			time.Sleep(2 * time.Second)
			require.Empty(t, b.Parked())
			require.Equal(t, batcher.Ledger{Accepted: n + 1, Expired: n + 1}, b.Ledger())
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		assert.Zero(t, b.Stats().Players)
	})
}
