package transport_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// through puts calls through one gate.
func through(gate *transport.Gate) func(*transport.Request) {
	return func(r *transport.Request) { r.Service.Gate = gate }
}

func TestTheLimiterCountsAttemptsAndNotCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := transport.NewGate(rate.NewLimiter(rate.Every(10*time.Second), 1))
		start, next := time.Now(), newScript(broken, status(503), status(200), status(201))
		client := newClient(next)
		for range 2 {
			_, failure := client.Do(t.Context(), newRequest(t, origin, retry.Safe, nil, through(gate)))
			require.Nil(t, failure)
		}
		assert.Equal(t, []time.Duration{0, 10 * time.Second, 20 * time.Second, 30 * time.Second}, next.instants(start))
	})
}

// TestAThrottledAnswerHoldsEveryCallerOfTheService, including callers that already had their turn
// at the limiter and callers that come later. It does not hold callers of another service.
func TestAThrottledAnswerHoldsEveryCallerOfTheService(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name     string
		answer   step
		throttle time.Duration
		held     time.Duration
	}{
		{"for Retry-After", status(429, "Retry-After", "40"), 0, 40 * time.Second},
		{"for Retry-After, which wins over the default", status(429, "Retry-After", "40"), 20 * time.Second, 40 * time.Second},
		{"for the default, where the answer does not say", status(429), 20 * time.Second, 20 * time.Second},
		{"for the default, where the answer makes no sense", status(429, "Retry-After", "soon"), 20 * time.Second, 20 * time.Second},
		{"for the cap of a long Retry-After", status(429, "Retry-After", "86400"), 0, time.Minute},
		{"for the cap of a long default", status(429), time.Hour, time.Minute},
		{"where the 429 stands in the body of a success", answer(200, "no 429", "Retry-After", "40"), 0, 40 * time.Second},
		{"not at all without either", status(429), 0, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := transport.NewGate(nil)
				start := time.Now()
				first := newRequest(t, origin, retry.Never, nil, through(gate), func(r *transport.Request) { r.Service.Throttle = row.throttle })
				_, failure := newClient(newScript(row.answer)).Do(t.Context(), first)
				require.NotNil(t, failure)
				assert.Equal(t, start, time.Now(), "the call itself ends at once: its class allows no second attempt")

				other := newScript(status(200))
				_, failure = newClient(other).Do(t.Context(), newRequest(t, origin, retry.Never, nil))
				require.Nil(t, failure)
				assert.Equal(t, []time.Duration{0}, other.instants(start), "another service")

				next := newScript(status(200))
				client := newClient(next)
				var callers sync.WaitGroup
				for range 5 {
					callers.Go(func() {
						_, failure := client.Do(t.Context(), newRequest(t, origin, retry.Never, nil, through(gate)))
						assert.Nil(t, failure)
					})
				}
				callers.Wait()
				assert.Equal(t, slices.Repeat([]time.Duration{row.held}, 5), next.instants(start))
			})
		})
	}
}

func TestOnlyThrottlingHoldsTheGate(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]step{
		"503 with Retry-After": status(503, "Retry-After", "40"),
		"500 with Retry-After": status(500, "Retry-After", "40"),
		"400 with Retry-After": status(400, "Retry-After", "40"),
		"200 with Retry-After": status(200, "Retry-After", "40"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := transport.NewGate(nil)
				start := time.Now()
				newClient(newScript(one)).Do(t.Context(), newRequest(t, origin, retry.Never, nil, through(gate)))
				require.NoError(t, gate.Wait(t.Context()))
				assert.Equal(t, start, time.Now())
			})
		})
	}
}

// TestALongerHoldStays, in either order.
func TestALongerHoldStays(t *testing.T) {
	t.Parallel()
	for _, holds := range [][]time.Duration{{30 * time.Second, 10 * time.Second}, {10 * time.Second, 30 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			gate := transport.NewGate(nil)
			start := time.Now()
			for _, hold := range holds {
				gate.Hold(hold)
			}
			require.NoError(t, gate.Wait(t.Context()))
			assert.Equal(t, 30*time.Second, time.Since(start))
		})
	}
}

// TestAHoldThatGrowsWhileItIsWaitedFor: waiting callers wait for the longer hold.
func TestAHoldThatGrowsWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := transport.NewGate(nil)
		start := time.Now()
		gate.Hold(10 * time.Second)
		time.AfterFunc(5*time.Second, func() { gate.Hold(30 * time.Second) })
		require.NoError(t, gate.Wait(t.Context()))
		assert.Equal(t, 35*time.Second, time.Since(start))
	})
}

// TestAfterAHoldTheLimiterStillMeters: callers whose turn at the limiter came during the hold must
// not all start together at its end. Otherwise the service throttles again, and for longer.
func TestAfterAHoldTheLimiterStillMeters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, burst = 30, 2
		gate := transport.NewGate(rate.NewLimiter(rate.Every(time.Second), burst))
		start := time.Now()
		// The answer comes when all the others have their reservations.
		next := newScript(after(100*time.Millisecond, status(429, "Retry-After", "20")), status(200))
		client := newClient(next)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				_, failure := client.Do(t.Context(), newRequest(t, origin, retry.Safe, nil, through(gate)))
				assert.Nil(t, failure)
			})
		}
		all.Wait()
		instants := next.instants(start)
		require.Len(t, instants, callers+1, "one call needed a second attempt")
		for i := burst; i < len(instants); i++ { // the first two started before the first answer
			assert.GreaterOrEqual(t, instants[i], 20*time.Second, "request %d came during the hold", i)
			if i+burst < len(instants) {
				assert.Greater(t, instants[i+burst]-instants[i], time.Second-time.Millisecond, "more than %d requests in a second from %s on", burst, instants[i])
			}
		}
	})
}

func TestANearDeadlineIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		gate func() *transport.Gate
		want error
	}{
		{"by the limiter", func() *transport.Gate {
			l := rate.NewLimiter(rate.Every(time.Minute), 1)
			l.Allow()
			return transport.NewGate(l)
		}, &transport.LimitError{Wait: time.Minute}},
		{"by a hold", func() *transport.Gate {
			g := transport.NewGate(nil)
			g.Hold(time.Minute)
			return g
		}, &transport.LimitError{Wait: time.Minute}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, deadline := range []time.Duration{time.Second, time.Minute} {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), deadline)
					defer cancel()
					next := newScript(status(200))
					gate := row.gate()
					resp, failure := newClient(next).Do(ctx, newRequest(t, origin, retry.Never, nil, through(gate)))
					require.NotNil(t, failure)
					assert.Empty(t, next.sent)
					assert.Zero(t, resp.Attempts)
					assert.Zero(t, resp.Duration)
					assert.False(t, failure.Doubt, "nothing was sent")
					assert.Equal(t, row.want, failure.Cause)
					assert.Equal(t, row.want, failure.Stopped)
					assert.ErrorIs(t, failure.Stopped, context.DeadlineExceeded)
					assert.EqualError(t, failure.Stopped, "the rate limit takes 1m0s, and the context's deadline comes before")
				})
			}
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute+1)
				defer cancel()
				_, failure := newClient(newScript(status(200))).Do(ctx, newRequest(t, origin, retry.Never, nil, through(row.gate())))
				assert.Nil(t, failure, "the deadline leaves room")
			})
		})
	}
}

// TestADeadlineAtTheSecondAttempt: the call returns the failure of the first attempt, and the
// reason why there was no second one.
func TestADeadlineAtTheSecondAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		gate := transport.NewGate(rate.NewLimiter(rate.Every(time.Minute), 1))
		resp, failure := newClient(newScript(answer(500, "down"))).Do(ctx, newRequest(t, origin, retry.Safe, nil, through(gate)))
		require.NotNil(t, failure)
		assert.Equal(t, 1, resp.Attempts)
		assert.Equal(t, 500, resp.Status)
		assert.Equal(t, "down", string(resp.Body))
		assert.Equal(t, "down", failure.Refusal.Message)
		assert.Equal(t, &transport.LimitError{Wait: time.Minute}, failure.Stopped)
		assert.Zero(t, resp.Duration)
	})
}

// TestAWaiterThatGivesUpLeavesNoReservation: the next caller gets its turn.
func TestAWaiterThatGivesUpLeavesNoReservation(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name  string
		giver func(context.Context) (context.Context, context.CancelFunc)
		want  error
	}{
		{"cancelled while it waits", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Second, cancel)
			return ctx, cancel
		}, context.Canceled},
		{"refused for its deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, context.DeadlineExceeded},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := transport.NewGate(rate.NewLimiter(rate.Every(10*time.Second), 1))
				start := time.Now()
				require.NoError(t, gate.Wait(t.Context()))
				for range 3 {
					ctx, cancel := row.giver(t.Context())
					require.ErrorIs(t, gate.Wait(ctx), row.want)
					cancel()
					if row.want == context.Canceled { //nolint:errorlint // a row of the table
						assert.Equal(t, 5*time.Second, time.Since(start))
						break
					}
				}
				require.NoError(t, gate.Wait(t.Context()))
				assert.Equal(t, 10*time.Second, time.Since(start), "as if nobody had waited before")
			})
		})
	}
}

func TestCancellingEndsAWaitAtTheGateAtThatInstant(t *testing.T) {
	t.Parallel()
	cause := errors.New("the level was left")
	for name, limit := range map[string]bool{"limiter": true, "hold": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				limiter := rate.NewLimiter(rate.Every(time.Hour), 1)
				gate := transport.NewGate(limiter)
				if limiter.Allow(); !limit {
					gate = transport.NewGate(nil)
					gate.Hold(time.Hour)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(7*time.Second, func() { cancel(cause) })
				start := time.Now()
				err := gate.Wait(ctx)
				assert.Equal(t, 7*time.Second, time.Since(start))
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorIs(t, err, cause)
			})
		})
	}
}

func TestALimiterWithoutRoomIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := newScript(status(200))
		gate := transport.NewGate(rate.NewLimiter(10, 0))
		resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, through(gate)))
		require.NotNil(t, failure)
		assert.ErrorContains(t, failure.Cause, "its burst is 0")
		assert.Empty(t, next.sent)
		assert.Zero(t, resp.Attempts)
		assert.False(t, failure.Doubt)
		assert.NotErrorIs(t, failure.Cause, context.DeadlineExceeded)

		gate = transport.NewGate(rate.NewLimiter(rate.Inf, 0))
		_, failure = newClient(next).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, through(gate)))
		assert.Nil(t, failure, "no limit at all needs no burst")
	})
}

func ExampleLimitError() {
	fmt.Println(&transport.LimitError{Wait: 1500 * time.Millisecond})
	fmt.Println(&transport.LimitError{Wait: 2 * time.Second, Pause: true})
	// Output:
	// the rate limit takes 1.5s, and the context's deadline comes before
	// the pause before the next attempt takes 2s, and the context's deadline comes before
}
