package batcher

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// Limiters, probes that hang, failures that come late, and ends that meet something else.

// limitedService is a service behind a limiter of so many requests per second.
type limitedService struct {
	*service
	limiter *rate.Limiter
}

// Admit implements Admitter.
func (s *limitedService) Admit(ctx context.Context) (context.Context, error) {
	return ctx, s.limiter.Wait(ctx)
}

// TestALimitersWaitIsNoPartOfARequest: 400 players with an event each, and a limiter of 20 a second.
func TestALimitersWaitIsNoPartOfARequest(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{20, 2} {
		t.Run(fmt.Sprint(perSecond, " per second"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &limitedService{&service{start: time.Now(), players: map[string]int{}}, rate.NewLimiter(rate.Limit(perSecond), 1)}
				s.answers(func(request) error { time.Sleep(10 * time.Millisecond); return nil })
				b, err := New(s, Config{GameID: game, Tokens: oneToken, SendTimeout: 2 * time.Second})
				require.NoError(t, err)
				for i := range 400 {
					require.NoError(t, b.Track(t.Context(), fmt.Sprint("device-", i), Event{Type: AppOpen}))
				}
				for range 100 {
					after(time.Second)
					require.False(t, b.Stats().Outage)
				}
				require.NoError(t, b.Flush(t.Context()))
				assert.Equal(t, Ledger{Accepted: 400, Delivered: 400}, b.Ledger())
				assert.Equal(t, int64(400), b.Stats().Requests)
				assert.Len(t, s.requests(), 400)
				_, err = b.Close(t.Context())
				require.NoError(t, err)
			})
		})
	}
	t.Run("one that allows nothing loses nothing, and is no outage", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &limitedService{&service{start: time.Now(), players: map[string]int{}}, rate.NewLimiter(1, 0)}
			b, err := New(s, Config{GameID: game, Tokens: oneToken})
			require.NoError(t, err)
			for i := range 10 {
				require.NoError(t, b.Track(t.Context(), fmt.Sprint("device-", i), Event{Type: AppOpen}))
			}
			after(time.Minute)
			assert.False(t, b.Stats().Outage)
			assert.Zero(t, b.Stats().Requests)
			require.Error(t, b.Stats().LastError)
			report, err := b.Close(within(t, time.Second))
			require.Error(t, err)
			assert.Equal(t, int64(10), report.Returned)
		})
	})
}

// TestAProbeThatHangsDoesNotHoldTheServiceDown: it is back after 31 s.
func TestAProbeThatHangsDoesNotHoldTheServiceDown(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if r.since() < 31*time.Second {
				<-q.ctx.Done()
				return q.ctx.Err()
			}
			return nil
		})
		for i := range 5 {
			r.tracks(fmt.Sprint("device-", i), 200)
		}
		after(36 * time.Second)
		assert.Equal(t, int64(1000), r.Ledger().Delivered)
	})
}

// TestAServiceThatIsSlowIsNotHeldDown: after an outage each answer takes 12 s.
func TestAServiceThatIsSlowIsNotHeldDown(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if r.since() < 10*time.Second {
				return failure(Unavailable)
			}
			select {
			case <-time.After(12 * time.Second):
				return nil
			case <-q.ctx.Done():
				return q.ctx.Err()
			}
		})
		for i := range 5 {
			r.tracks(fmt.Sprint("device-", i), 200)
		}
		after(2 * time.Minute)
		assert.Equal(t, int64(1000), r.Ledger().Delivered)
	})
}

// TestAProbeIsNotAnEventThatMustNotBeSentTwice, if there is another.
func TestAProbeIsNotAnEventThatMustNotBeSentTwice(t *testing.T) {
	t.Parallel()
	for _, others := range []bool{true, false} {
		bubble(t, Config{AtMostOnce: []EventType{IAPPurchase}, MaxInFlight: 3}, func(t *testing.T, r *rig) {
			r.service.answers(func(q request) error {
				if q.user == "down" || r.since() < 20*time.Second && r.since() > 0 {
					return failure(InDoubt)
				}
				return failure(Unavailable)
			})
			for i := range 3 {
				r.track(fmt.Sprint("first-", i))
				r.Player(fmt.Sprint("first-", i)).Signal(LevelEnd)
			}
			synctest.Wait()
			require.True(t, r.Stats().Outage)
			for i := range 5 {
				require.NoError(t, r.trackType(t.Context(), fmt.Sprint("buys-", i), IAPPurchase))
			}
			if others {
				r.track("plays")
			}
			r.Signal(LevelEnd)
			after(10 * time.Second)
			if others {
				assert.Zero(t, r.Ledger().Unknown)
			} else {
				assert.NotEmpty(t, r.service.requests())
			}
		})
	}
}

// TestALateFailureDoesNotShutTheGateAgain: requests that began during the outage fail after the service is back.
func TestALateFailureDoesNotShutTheGateAgain(t *testing.T) {
	t.Parallel()
	g := &gate{}
	cfg := Config{MaxInFlight: 8}
	for range 3 {
		g.observe(sight{down: true, began: 1}, false, 10, cfg)
	}
	require.True(t, g.shut)
	g.observe(sight{delivered: true, began: 15}, true, 20, cfg)
	require.False(t, g.shut)
	for range 10 {
		g.observe(sight{down: true, began: 5}, false, 30, cfg)
	}
	assert.False(t, g.shut, "these began before it opened")
	for range 3 {
		g.observe(sight{down: true, began: 25}, false, 40, cfg)
	}
	assert.True(t, g.shut, "and these after")
}

// TestATokenThatIsSetDuringEndStays: it is the next session's.
func TestATokenThatIsSetDuringEndStays(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(time.Second); return nil })
		r.SetToken("ace", Token{Value: "first session"})
		r.track("ace")
		ended := make(chan error)
		go func() { ended <- r.Player("ace").End(t.Context()) }()
		after(500 * time.Millisecond)
		r.SetToken("ace", Token{Value: "second session"})
		require.NoError(t, <-ended)
		r.track("ace")
		after(time.Minute)
		assert.Empty(t, r.Parked())
		assert.Equal(t, "second session", r.service.requests("ace")[1].token)
		require.NoError(t, r.Player("ace").End(t.Context()))
		assert.Zero(t, r.Stats().Players)
		r.track("ace")
		after(time.Minute)
		assert.Len(t, r.Parked(), 1, "the token went with the player")
	})
}

// TestCloseSaysThatACallbackStillRuns, and a later Close that it has returned.
func TestCloseSaysThatACallbackStillRuns(t *testing.T) {
	t.Parallel()
	var release chan struct{}
	bubble(t, Config{OnOutcome: func(Outcome) { <-release }}, func(t *testing.T, r *rig) {
		release = make(chan struct{})
		r.track("ace")
		after(5 * time.Second)
		report, err := r.Close(within(t, time.Second))
		require.ErrorContains(t, err, "a callback still had 1 events")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, int64(1), report.Pending)
		close(release)
		synctest.Wait()
		report, err = r.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Ledger{Accepted: 1, Delivered: 1}, report.Ledger)
	})
}

// TestATokenSourceThatOutlastsCloseGetsNoRequest.
func TestATokenSourceThatOutlastsCloseGetsNoRequest(t *testing.T) {
	t.Parallel()
	cfg := Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { time.Sleep(time.Minute); return Token{Value: "t"}, nil })}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.track("ace")
		after(10 * time.Second)
		_, err := r.Close(within(t, time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		after(time.Hour)
		assert.Empty(t, r.service.requests())
	})
}

// TestCloseDoesNotWaitForAServiceThatAskedForLonger.
func TestCloseDoesNotWaitForAServiceThatAskedForLonger(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(Throttled, time.Minute))
		for i := range 20 {
			r.track(fmt.Sprint("device-", i))
		}
		after(6 * time.Second)
		begin := r.since()
		report, err := r.Close(within(t, 30*time.Second))
		assert.Less(t, r.since()-begin, time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, report.LeftOver, 20)
		for _, o := range report.LeftOver {
			require.Error(t, o.Err, "each says why")
		}
	})
}

// TestATokenThatTheServiceRefusesIsNotLoggedAsNone.
func TestATokenThatTheServiceRefusesIsNotLoggedAsNone(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "no token", causeOf(ErrNoToken))
	assert.Contains(t, causeOf(errStillRefused), "the service refused the token")
	require.ErrorIs(t, errStillRefused, ErrNoToken)
	assert.Equal(t, "forbidden", causeOf(&SendError{Failure: Forbidden, Err: errors.New("private words")}))
}

// TestPlayersThatHaveGoneGiveTheirMemoryBack: at most half of what 100,000 took stays.
func TestPlayersThatHaveGoneGiveTheirMemoryBack(t *testing.T) {
	// Not parallel: it looks at the heap.
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b, err := New(&discard{}, Config{GameID: game, Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })})
	require.NoError(t, err)
	before := heap()
	for i := range 100_000 {
		b.SetToken(fmt.Sprint("device-", i), Token{Value: "t"})
	}
	full := heap() - before
	assert.Equal(t, 100_000, b.Stats().Players)
	for i := range 100_000 {
		require.NoError(t, b.Player(fmt.Sprint("device-", i)).End(t.Context()))
	}
	assert.Zero(t, b.Stats().Players)
	left := int64(heap()) - int64(before)
	assert.Less(t, left, int64(full/4))
	_, err = b.Close(t.Context())
	require.NoError(t, err)
}

// BenchmarkStats is a picture of a batcher with 100,000 players.
func BenchmarkStats(b *testing.B) {
	out := discarding(b)
	for i := range 100_000 {
		out.SetToken(fmt.Sprint("idle-", i), Token{Value: "t"})
	}
	b.Run("stats", func(b *testing.B) {
		for b.Loop() {
			_ = out.Stats()
		}
	})
	b.Run("parked", func(b *testing.B) {
		for b.Loop() {
			_ = out.Parked()
		}
	})
}
