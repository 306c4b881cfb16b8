package batcher

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// MaxAge: events that wait too long expire, each in its time, and parked players cost no wake-ups.

func TestEventsExpire(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: time.Minute}, func(t *testing.T, r *rig) {
		// Attempts at 5, 40 and 75 s.
		r.service.answers(script(throttled(35*time.Second), throttled(35*time.Second)))
		r.tracks("ace", 3)
		after(39 * time.Second)
		r.tracks("ace", 2)
		after(time.Minute)
		assert.Equal(t, upTo(3), r.numbered("ace", Expired))
		assert.Equal(t, from(3, 2), r.numbered("ace", Delivered))
		o := r.told()[0]
		require.EqualError(t, o.Err, "batcher: not delivered within 1m0s")
		assert.Positive(t, o.Attempts)
	})
}

func TestWithoutMaxAgeNothingExpires(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if q.user == "ace" {
				return failure(Forbidden) // it is parked
			}
			return throttled(5 * time.Minute)
		})
		r.track("ace")
		r.track("bee")
		after(1000 * time.Hour)
		assert.Equal(t, Ledger{Accepted: 2, Pending: 2}, r.Ledger())
	})
}

func TestEventsOfAParkedPlayerExpireEachInItsTime(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: time.Minute, IdleTimeout: time.Hour}, func(t *testing.T, r *rig) {
		asked := 0
		r.cfg.Tokens = TokenFunc(func(context.Context, string) (Token, error) { asked++; return Token{}, ErrNoToken })
		for range 6 {
			r.track("ace")
			after(3 * time.Second)
		}
		require.Len(t, r.Parked(), 1)
		after(time.Minute)
		var at []time.Duration
		for i, o := range r.told() {
			assert.Equal(t, Expired, o.Result)
			assert.Equal(t, []int{i}, o.Ns)
			at = append(at, o.At)
		}
		assert.Equal(t, []time.Duration{
			60 * time.Second, 63 * time.Second, 66 * time.Second, 69 * time.Second, 72 * time.Second, 75 * time.Second,
		}, at)
		assert.Equal(t, 1, asked, "it stays parked")
		r.track("ace")
		after(5 * time.Second)
		require.Len(t, r.Parked(), 1, "and what comes later waits as well")
		after(time.Minute)
		assert.Equal(t, int64(7), r.Ledger().Expired)
	})
}

// TestAParkedPlayerIsNotLookedAtAllTheTime: once the first events of a block have expired, the alarm for the others is theirs.
func TestAParkedPlayerIsNotLookedAtAllTheTime(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: time.Hour}, func(t *testing.T, r *rig) {
		r.cfg.Tokens = TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })
		r.track("ace")
		after(time.Second)
		r.track("ace")
		after(time.Hour - time.Second)
		require.Equal(t, int64(1), r.Ledger().Expired)
		r.ages.mu.Lock()
		assert.Equal(t, int64(time.Hour+sweepPause), r.ages.rings)
		r.ages.mu.Unlock()
	})
}

func TestAParkedPlayerWithoutEventsIsForgotten(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: time.Minute, IdleTimeout: time.Minute}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(Forbidden))
		r.track("ace")
		after(time.Minute)
		assert.Equal(t, int64(1), r.Ledger().Expired)
		assert.Equal(t, Stats{
			Ledger: r.Ledger(), MaxEvents: 1_000_000, MaxBytes: 256 << 20, Players: 1, Requests: 1, LastError: r.Stats().LastError,
		}, r.Stats())
		after(time.Minute)
		assert.Zero(t, r.Stats().Players)
		assert.Empty(t, r.Parked())
	})
}

func TestAProbeOfExpiredEventsLeavesTheWayToTheNext(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: 10 * time.Second, MaxInFlight: 1}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error {
			if r.since() < 20*time.Second {
				return throttled(15 * time.Second)
			}
			return nil
		})
		for i := range 10 {
			r.track(fmt.Sprint("device-", i))
		}
		after(19 * time.Second)
		assert.True(t, r.Stats().Outage)
		r.track("ace")
		r.Player("ace").Signal(LevelEnd)
		after(time.Second + 1)
		synctest.Wait()
		after(time.Minute)
		assert.Equal(t, int64(10), r.Ledger().Expired)
		assert.Equal(t, int64(1), r.Ledger().Delivered)
		assert.Equal(t, []time.Duration{20 * time.Second}, r.service.times("ace"))
	})
}

// TestMaxAgeCountsFromAccepted: an event that waited in a queue before has that much less time left, lingers as long as
// others, and has the time of when it happened.
func TestMaxAgeCountsFromAccepted(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxAge: time.Hour, IdleTimeout: 2 * time.Hour}, func(t *testing.T, r *rig) {
		parked := true
		r.cfg.Tokens = TokenFunc(func(context.Context, string) (Token, error) {
			if parked {
				return Token{}, ErrNoToken
			}
			return Token{Value: "token"}, nil
		})
		ago := func(d time.Duration) Event { return Event{Type: AppOpen, Accepted: time.Now().Add(-d)} }
		take := func(user string, e Event) {
			require.NoError(t, r.TryTrack(user, e))
			r.accepted++
		}
		take("old", ago(2*time.Hour))
		take("ace", ago(50*time.Minute))
		take("ace", ago(0))
		take("to-come", ago(-time.Hour))
		after(9*time.Minute + 59*time.Second)
		assert.Equal(t, int64(1), r.Ledger().Expired, "it was too old when it came")
		after(2 * time.Second)
		assert.Equal(t, int64(2), r.Ledger().Expired)
		after(50 * time.Minute)
		assert.Equal(t, int64(4), r.Ledger().Expired, "one that is accepted in the future is accepted now")
		parked = false
		take("lingers", ago(30*time.Minute))
		after(r.cfg.Linger - time.Millisecond)
		assert.Zero(t, r.Ledger().Delivered)
		after(2 * time.Millisecond)
		assert.Equal(t, int64(1), r.Ledger().Delivered)
	})
}
