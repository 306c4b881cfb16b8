package batcher

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests that fail because of their size, or of what is in them, in words that say neither.

// tooLargeWays are what a path does with a request that it finds too large.
var tooLargeWays = map[string]func(r *rig, q request) error{
	"a 413":               func(*rig, request) error { return stranger(TooLarge) },
	"a 502":               func(*rig, request) error { return failure(InDoubt) },
	"a 500":               func(*rig, request) error { return failure(InDoubt) },
	"a reset":             func(*rig, request) error { return failure(NotSent) },
	"a firewall's 403":    func(*rig, request) error { return stranger(Forbidden) },
	"a maintenance's 503": func(*rig, request) error { return failure(Unavailable) },
	"a hang": func(_ *rig, q request) error {
		<-q.ctx.Done()
		return &SendError{Failure: InDoubt, Err: q.ctx.Err()}
	},
}

// TestAnOutagesBacklogPassesASizeLimit: before the outage requests are small; after it they hold what waited, and are too large.
func TestAnOutagesBacklogPassesASizeLimit(t *testing.T) {
	t.Parallel()
	for name, answer := range tooLargeWays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const players = 20
			bubble(t, Config{Linger: 100 * time.Millisecond, SendTimeout: 5 * time.Second}, func(t *testing.T, r *rig) {
				down := true
				r.service.answers(func(q request) error {
					time.Sleep(5 * time.Millisecond)
					switch {
					case len(q.ns) > 50:
						return answer(r, q)
					case down && r.since() > time.Second:
						return failure(Unavailable)
					}
					return nil
				})
				track := func(lasts time.Duration, n int) {
					for range n {
						for i := range players {
							r.track(fmt.Sprint("device-", i))
						}
						time.Sleep(lasts / time.Duration(n))
					}
				}
				track(time.Second, 10)
				track(2*time.Second, 100)
				down = false
				track(12*time.Second, 60)
				if name == "a hang" {
					after(20 * time.Second) // each try takes five
				}
				after(2 * time.Second)
				assert.Equal(t, int64(players*170), r.Ledger().Delivered)
				assert.Zero(t, r.Ledger().Pending)
				for i := range players {
					assert.Equal(t, upTo(170), r.numbered(fmt.Sprint("device-", i), Delivered))
				}
			})
		})
	}
}

// TestOthersAreNotHeldUpByPlayersWhoseRequestsAreTooLarge: 30 of 60 players.
func TestOthersAreNotHeldUpByPlayersWhoseRequestsAreTooLarge(t *testing.T) {
	t.Parallel()
	for name, answer := range tooLargeWays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{SendTimeout: 5 * time.Second}, func(t *testing.T, r *rig) {
				r.started()
				r.service.answers(func(q request) error {
					time.Sleep(5 * time.Millisecond)
					if len(q.ns) > 50 {
						return answer(r, q)
					}
					return nil
				})
				for minute := range 3 {
					for range 20 {
						for i := range 30 {
							r.tracks(fmt.Sprint("large-", i), 10)
							r.track(fmt.Sprint("small-", i))
						}
						after(5 * time.Second / 20)
					}
					after(55 * time.Second)
					for i := range 30 {
						got := r.numbered(fmt.Sprint("small-", i), Delivered)
						require.Equal(t, upTo(20*(minute+1)), got, "minute %d", minute)
					}
				}
				late := 0
				for _, q := range r.service.requests() {
					if q.user[:5] == "small" && q.at%time.Minute > 11*time.Second {
						late++
					}
				}
				assert.Zero(t, late, "requests of the others that came later than their linger and one pause")
				assert.False(t, r.Stats().Outage)
				for i := range 30 {
					assert.Equal(t, upTo(600), r.numbered(fmt.Sprint("large-", i), Delivered))
				}
			})
		})
	}
}

// TestASingleEventThatFailsWhileOthersPassIsKept: nothing is rejected because of it, its player pauses alone, and one can see it.
func TestASingleEventThatFailsWhileOthersPassIsKept(t *testing.T) {
	t.Parallel()
	for _, err := range []error{failure(InDoubt), failure(NotSent), failure(Unavailable), stranger(Forbidden), errors.New("a reset")} {
		t.Run(err.Error(), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchEvents: 10}, func(t *testing.T, r *rig) {
				r.service.answers(func(q request) error {
					for _, n := range q.ns {
						if q.user == "ace" && n == 7 {
							return err
						}
					}
					return nil
				})
				r.tracks("ace", 10)
				for range 600 {
					r.track("blitz")
					after(time.Second)
				}
				assert.Equal(t, upTo(7), r.numbered("ace", Delivered))
				assert.Equal(t, int64(3), int64(r.Player("ace").Stats().Pending))
				assert.Zero(t, r.Ledger().Rejected)
				assert.False(t, r.Stats().Outage)
				late := 0
				for _, q := range r.service.requests("ace") {
					if q.at >= 4*time.Minute { // the pauses are as long as they get
						late++
					}
				}
				// Jitter leaves of a pause at least half. How many requests find the event first is up to
				// chance as well, so their number has room.
				assert.LessOrEqual(t, late, int(6*time.Minute/(laneMaxPause/2))+1, "in the last six minutes")
				assert.Less(t, len(r.service.requests("ace")), 60)
				failing := r.Failing(10)
				require.Len(t, failing, 1)
				assert.Equal(t, "ace", failing[0].UserID)
				assert.Equal(t, 3, failing[0].Events)
				assert.Positive(t, failing[0].Failures)
				assert.GreaterOrEqual(t, failing[0].Oldest, 599*time.Second)
				require.ErrorIs(t, failing[0].Cause, err)
				assert.Empty(t, r.Failing(0))
				r.service.answers(nil)
				after(time.Minute)
				assert.Equal(t, upTo(10), r.numbered("ace", Delivered))
				assert.Empty(t, r.Failing(10))
			})
		})
	}
}

// TestTheSizeThatPassedIsRemembered: after one search there are no more failures, but for a try to grow now and then.
func TestTheSizeThatPassedIsRemembered(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Linger: time.Second}, func(t *testing.T, r *rig) {
		failed, limit := 0, 50
		r.service.answers(func(q request) error {
			if len(q.ns) > limit {
				failed++
				return failure(InDoubt)
			}
			return nil
		})
		round := func() {
			for i := range 5 {
				r.tracks(fmt.Sprint("device-", i), 100)
			}
			r.track("small")
			after(10 * time.Second)
		}
		for range 12 { // two minutes
			round()
		}
		searched := failed
		for range 60 { // ten minutes
			round()
		}
		assert.Less(t, failed-searched, 30, "tries to grow, of 300 requests that would be too large")
		limit = 200
		for range 120 {
			round()
		}
		r.service.forget()
		round()
		assert.Greater(t, len(r.service.batches("device-3")[0]), 80, "it has grown again")
	})
}

func TestSizeClass(t *testing.T) {
	t.Parallel()
	last := -1
	for n := range 1 << 16 {
		class := sizeClass(n)
		require.GreaterOrEqual(t, class, last, "%d bytes", n)
		last = class
	}
	assert.Less(t, sizeClass(math.MaxInt), sizeClasses)
	assert.NotEqual(t, sizeClass(400_000), sizeClass(260_000))
}
