package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Gate controls when an attempt to one service may start: it has the rate limit, and a hold while
// the service throttles.
type Gate struct {
	limiter *rate.Limiter // nil: no limit

	mu    sync.Mutex // guards the following
	until time.Time  // closed until then
}

// NewGate returns a gate with a limit; nil means no limit.
func NewGate(limiter *rate.Limiter) *Gate { return &Gate{limiter: limiter} }

// Beside returns a gate with the same limit and its own hold, for callers that must not wait while
// others are throttled.
func (g *Gate) Beside() *Gate { return NewGate(g.limiter) }

// LimitError means that the caller's deadline is before the next attempt could start. That attempt
// was not made.
type LimitError struct {
	Wait  time.Duration
	Pause bool // the wait is the pause after a failed attempt, not the rate limit
}

// Error names the wait and how long it would take.
func (e *LimitError) Error() string {
	why := "the rate limit"
	if e.Pause {
		why = "the pause before the next attempt"
	}
	return fmt.Sprintf("%s takes %s, and the context's deadline comes before", why, e.Wait.Round(time.Millisecond))
}

// Unwrap makes it match context.DeadlineExceeded, unlike rate.Limiter's own error.
func (e *LimitError) Unwrap() error { return context.DeadlineExceeded }

// Hold closes the gate for all callers for d. It does not shorten a longer hold.
func (g *Gate) Hold(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
	}
}

// Wait returns when an attempt may start. It returns a *LimitError at once if the deadline of ctx
// would pass first.
func (g *Gate) Wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	for {
		if err := g.waitHold(ctx); err != nil || g.limiter == nil {
			return err
		}
		r := g.limiter.Reserve()
		if !r.OK() {
			return fmt.Errorf("the rate limiter of the service allows no request at all: its burst is %d", g.limiter.Burst())
		}
		if err := sleep(ctx, r.Delay()); err != nil {
			r.Cancel()
			return err
		}
		// While this attempt waited for its turn, another one may have got a 429. In that case this
		// attempt loses its turn. Otherwise all attempts whose turns came during the hold would
		// start together at its end, and be throttled again.
		if g.held() <= 0 {
			return nil
		}
	}
}

// Turn waits only for the rate limit, for a caller that obeys holds by itself.
func (g *Gate) Turn(ctx context.Context) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if g.limiter == nil {
		return nil
	}
	r := g.limiter.Reserve()
	if !r.OK() {
		return fmt.Errorf("the rate limiter of the service allows no request at all: its burst is %d", g.limiter.Burst())
	}
	if err := sleep(ctx, r.Delay()); err != nil {
		r.Cancel()
		return err
	}
	return nil
}

func (g *Gate) waitHold(ctx context.Context) error {
	for wait := g.held(); wait > 0; wait = g.held() {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

// held returns for how much longer the gate is closed.
func (g *Gate) held() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.until)
}

// sleep waits for d or until ctx ends. It does not start a wait that the deadline would cut.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return &LimitError{Wait: d}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // both can be ready
		return contextError(ctx)
	}
	return nil
}
