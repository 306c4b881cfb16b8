package batcher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Flush and End: what they cover, and when they return.

func TestFlushOfNothingReturnsAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		require.NoError(t, r.Flush(t.Context()))
		require.NoError(t, r.Player("ace").Flush(t.Context()))
		require.NoError(t, r.Player("ace").End(t.Context()))
		r.track("ace")
		require.NoError(t, r.Player("blitz").Flush(t.Context()), "another player's events do not matter")
		require.NoError(t, r.Player("ace").Flush(t.Context()))
		require.NoError(t, r.Flush(t.Context()))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, r.Flush(ended), "what is done is done")
		assert.Zero(t, r.since())
	})
}

func TestFlushCoversWhatCameBeforeAndNotWhatComesAfter(t *testing.T) {
	t.Parallel()
	for _, whose := range []string{"all players", "one player"} {
		t.Run(whose, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchEvents: 5, OnOutcome: func(Outcome) { time.Sleep(100 * time.Millisecond) }}, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error { time.Sleep(time.Second); return nil })
				r.tracks("ace", 12) // two full batches and two events
				if whose == "all players" {
					r.tracks("blitz", 3)
				}
				flushed := make(chan error, 1)
				go func() {
					if whose == "all players" {
						flushed <- r.Flush(t.Context())
					} else {
						flushed <- r.Player("ace").Flush(t.Context())
					}
				}()
				synctest.Wait()
				r.tracks("ace", 2)
				require.NoError(t, <-flushed)
				assert.Equal(t, 3300*time.Millisecond, r.since(), "the callbacks have returned")
				assert.Equal(t, upTo(12), r.numbered("ace", Delivered))
				if whose == "all players" {
					assert.Equal(t, upTo(3), r.numbered("blitz", Delivered))
				}
				assert.Equal(t, int64(2), r.Ledger().Pending)
				assert.Equal(t, [][]int{upTo(5), from(5, 5), {10, 11}}, r.service.batches("ace"))
			})
		})
	}
}

func TestFlushReturnsWithEveryResult(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		answer func(request) error
		want   Result
	}{
		{"delivered", nil, Delivered},
		{"delivered in the end", script(failure(InDoubt), failure(Unavailable), failure(TooLarge)), Delivered},
		{"rejected", answersWith(Invalid), Rejected},
		{"unknown", answersWith(InDoubt), Unknown},
		{"expired", answersWith(Forbidden), Expired},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{MaxAge: time.Minute}
			if row.want == Unknown {
				cfg.AtMostOnce = []EventType{LevelCompleted}
			}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(row.answer)
				r.tracks("ace", 4)
				require.NoError(t, r.Flush(t.Context()))
				assert.ElementsMatch(t, upTo(4), r.numbered("ace", row.want))
			})
		})
	}
}

func TestAFlushThatIsCancelledKeepsAll(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(time.Minute); return nil })
		r.tracks("ace", 3)
		r.track("blitz")
		began := r.since()
		err := r.Flush(within(t, time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "batcher: flush: 2 players are not through: context deadline exceeded")
		assert.Equal(t, time.Second, r.since()-began, "at its deadline")
		assert.Equal(t, Ledger{Accepted: 4, Pending: 4}, r.Ledger())
		require.NoError(t, r.Flush(t.Context()), "the next one waits for the same")
		assert.Equal(t, int64(4), r.Ledger().Delivered)
	})
}

func TestCancelledFlushesOfAParkedPlayerLeaveNoTrace(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(Forbidden))
		r.track("ace")
		for range 100 {
			require.ErrorIs(t, r.Flush(within(t, time.Second)), context.DeadlineExceeded)
		}
		l := r.find("ace")
		l.mu.Lock()
		assert.LessOrEqual(t, len(l.tail.barriers), 1)
		l.mu.Unlock()
		done := make(chan error, 1)
		go func() { done <- r.Flush(t.Context()) }()
		synctest.Wait()
		r.service.answers(nil)
		r.Resume("ace")
		require.NoError(t, <-done)
	})
}

func TestConcurrentFlushes(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 3}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(10 * time.Millisecond); return nil })
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				user := fmt.Sprint("device-", i%4)
				for range 10 {
					if !assert.NoError(t, r.trackType(t.Context(), user, LevelCompleted)) {
						return
					}
					before := r.Ledger().Accepted
					if i%2 == 0 {
						assert.NoError(t, r.Flush(t.Context()))
						assert.GreaterOrEqual(t, r.Ledger().Delivered, before)
					} else {
						assert.NoError(t, r.Player(user).Flush(t.Context()))
					}
				}
			})
		}
		wg.Wait()
		assert.Equal(t, Ledger{Accepted: 200, Delivered: 200}, r.Ledger())
	})
}

// TestAFlushDuringACallbackWaitsForIt: the batch is out of the service's hands, but its result is being told.
func TestAFlushDuringACallbackWaitsForIt(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var once sync.Once
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		release = make(chan struct{}) // of the bubble
		r.cfg.OnOutcome = func(o Outcome) {
			once.Do(func() { <-release })
			r.mu.Lock()
			r.begins[o.Result] += int64(len(o.Records))
			r.ends[o.Result] += int64(len(o.Records))
			r.mu.Unlock()
		}
		r.track("ace")
		after(5 * time.Second)
		flushed := make(chan error, 1)
		go func() { flushed <- r.Flush(t.Context()) }()
		synctest.Wait()
		assert.Empty(t, flushed)
		close(release)
		require.NoError(t, <-flushed)
	})
}

func TestEndFlushesAndForgets(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		p := r.Player("ace")
		r.tracks("ace", 3)
		require.NoError(t, p.End(t.Context()))
		assert.Equal(t, upTo(3), r.numbered("ace", Delivered))
		assert.Zero(t, r.Stats().Players)
		assert.Zero(t, p.Stats())
		require.NoError(t, p.Track(t.Context(), Event{Type: AppOpen}), "the player comes back")
		r.accepted++
		require.NoError(t, p.Flush(t.Context()))
		assert.Equal(t, []string{"token-1", "token-2"}, tokensOf(r.service.requests()), "the token was forgotten as well")
		assert.Len(t, s.times("ace"), 2)
	})
}

func TestEndThatFailsForgetsNothing(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, _ *source) {
		r.service.answers(answersWith(Throttled))
		r.track("ace")
		require.ErrorIs(t, r.Player("ace").End(within(t, time.Second)), context.DeadlineExceeded)
		assert.Equal(t, 1, r.Stats().Players)
		assert.Equal(t, int64(1), r.Ledger().Pending)
		r.service.answers(nil)
		require.NoError(t, r.Player("ace").End(t.Context()))
		assert.Zero(t, r.Stats().Players)
	})
}

func TestEndOfAPlayerWithOnlyAToken(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		r.SetToken("ace", Token{Value: "set"})
		require.NoError(t, r.Player("ace").End(t.Context()))
		assert.Zero(t, r.Stats().Players)
		r.track("ace")
		require.NoError(t, r.Flush(t.Context()))
		assert.Len(t, s.times("ace"), 1)
	})
}

func TestIdlePlayersAreForgottenAndComeBack(t *testing.T) {
	t.Parallel()
	bubble(t, Config{IdleTimeout: time.Minute}, func(t *testing.T, r *rig) {
		p := r.Player("ace")
		play := func() {
			require.NoError(t, p.Track(t.Context(), Event{Type: AppOpen}))
			r.accepted++
		}
		play()
		after(5*time.Second + time.Minute - 1)
		assert.Equal(t, 1, r.Stats().Players)
		after(1)
		assert.Zero(t, r.Stats().Players)
		after(time.Hour)
		play() // by the same handle
		after(time.Minute)
		assert.Equal(t, 1, r.Stats().Players)
		play() // 55 s idle: remembered anew
		after(5*time.Second + time.Minute - 1)
		assert.Equal(t, 1, r.Stats().Players)
		after(1)
		assert.Zero(t, r.Stats().Players)
		assert.Equal(t, int64(3), r.Ledger().Delivered)
	})
}

// TestALaneIsNotForgottenWithANewToken: the alarm of an idle lane goes off, and before it is removed it gets a token.
func TestALaneIsNotForgottenWithANewToken(t *testing.T) {
	t.Parallel()
	bubble(t, Config{IdleTimeout: time.Minute}, func(t *testing.T, r *rig) {
		r.SetToken("ace", Token{Value: "old"})
		time.Sleep(time.Minute - 1)
		l := r.find("ace")
		r.SetToken("ace", Token{Value: "new"})
		r.forget(l, int64(time.Minute))
		assert.Same(t, l, r.find("ace"))
	})
}

func TestFlushDuringAnOutageWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error {
			if r.since() < 30*time.Second {
				return errors.New("connection reset")
			}
			return nil
		})
		for i := range 20 {
			r.track(fmt.Sprint("device-", i))
		}
		require.NoError(t, r.Flush(t.Context()))
		assert.Less(t, r.since(), 31*time.Second+time.Millisecond)
		assert.GreaterOrEqual(t, r.since(), 30*time.Second)
	})
}

// TestEndForgetsAPlayerWhoseAnswerHasJustCome: the last event has its result and the flush returns, while the goroutine that sent it is not
// done with the lane yet.
func TestEndForgetsAPlayerWhoseAnswerHasJustCome(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	everyOther := func(request) error { // or the gate would shut
		if calls.Add(1)%2 == 0 {
			return nil
		}
		return failure(InDoubt)
	}
	for name, answer := range map[string]func(request) error{
		"delivered": nil, "rejected": answersWith(Invalid), "unknown": everyOther, "expired": answersWith(Forbidden),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{AtMostOnce: []EventType{LevelCompleted}, Linger: time.Millisecond}
			if name == "expired" {
				cfg.MaxAge = 2 * time.Millisecond
			}
			r := newRig(t, cfg)
			r.cfg.OnAllRefused = func(AllRefused) { r.RejectRefused() }
			r.service.answers(answer)
			for range 100 {
				r.track("ace")
				require.NoError(t, r.Player("ace").End(t.Context()))
				require.Zero(t, r.Stats().Players)
			}
			r.close()
		})
	}
}

// TestAPlayerWhoComesAndGoesHasOneAlarm: a player who plays, idles and plays again for as long as idle players are remembered has one alarm
// that would forget him, not one for each time he went idle.
func TestAPlayerWhoComesAndGoesHasOneAlarm(t *testing.T) {
	t.Parallel()
	bubble(t, Config{IdleTimeout: time.Hour}, func(t *testing.T, r *rig) {
		alarms := func() int {
			r.sched.mu.Lock()
			defer r.sched.mu.Unlock()
			return r.sched.idle.count + r.sched.linger.count + r.sched.pausing.count
		}
		for range 100 {
			r.track("ace")
			r.track("blitz")
			after(10 * time.Second)
			require.LessOrEqual(t, alarms(), 2, "each player is idle")
		}
		after(time.Hour - 5*time.Second - 1)
		assert.Equal(t, 2, r.Stats().Players)
		after(1)
		assert.Zero(t, r.Stats().Players, "an hour after their last event")
		assert.Zero(t, alarms())
	})
}
