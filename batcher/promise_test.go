package batcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The promises of the package's documentation, in its order: accepted means kept, order, isolation, bounds.

func TestTheLedgerBalancesDuringSendsAndCallbacks(t *testing.T) {
	t.Parallel()
	var r *rig
	synctest.Test(t, func(t *testing.T) {
		// Every answer and every result there is.
		answers := []error{
			nil, failure(NotSent), failure(InDoubt), failure(Invalid), failure(TooLarge), failure(Unauthorized), failure(Unavailable),
			throttled(time.Second), failure(Forbidden), errors.New("no SendError"),
		}
		r = newRig(t, Config{
			BatchEvents: 4, Linger: time.Second, MaxAge: time.Minute, AtMostOnce: []EventType{IAPPurchase}, MaxEvents: 60, MaxPlayerEvents: 30,
			OnOutcome: func(Outcome) { r.balances(); time.Sleep(time.Millisecond); r.balances() },
		})
		n := 0
		r.service.answers(func(request) error {
			r.balances()
			time.Sleep(10 * time.Millisecond)
			r.balances()
			r.service.mu.Lock()
			defer r.service.mu.Unlock()
			n++
			return answers[n%len(answers)]
		})
		for i := range 200 {
			kind := LevelCompleted
			if i%3 == 0 {
				kind = IAPPurchase
			}
			user := fmt.Sprint("device-", i%5)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_ = r.trackType(ctx, user, kind) // a full player is part of the test
			cancel()
			r.balances()
			for _, parked := range r.Parked() {
				r.Resume(parked.UserID)
			}
		}
		for result, n := range map[string]int64{"delivered": r.Ledger().Delivered, "rejected": r.Ledger().Rejected, "unknown": r.Ledger().Unknown} {
			assert.Positive(t, n, result)
		}
		r.close()
		assert.Zero(t, r.Ledger().Pending)
	})
}

func TestTheLedgerOfEachResult(t *testing.T) {
	t.Parallel()
	bubble(t, Config{AtMostOnce: []EventType{IAPPurchase}, MaxAge: time.Hour}, func(t *testing.T, r *rig) {
		check := func(want Ledger) {
			t.Helper()
			assert.Equal(t, want, r.Ledger())
			assert.Equal(t, want, r.Stats().Ledger)
		}
		check(Ledger{})
		r.track("ace")
		check(Ledger{Accepted: 1, Pending: 1})
		after(5 * time.Second)
		check(Ledger{Accepted: 1, Delivered: 1})

		r.service.answers(answersWith(Invalid))
		r.track("ace")
		after(5 * time.Second)
		check(Ledger{Accepted: 2, Delivered: 1, Rejected: 1})

		r.service.answers(answersWith(InDoubt))
		require.NoError(t, r.trackType(t.Context(), "ace", IAPPurchase))
		after(5 * time.Second)
		check(Ledger{Accepted: 3, Delivered: 1, Rejected: 1, Unknown: 1})

		r.service.answers(answersWith(Forbidden))
		r.track("ace")
		after(time.Hour)
		check(Ledger{Accepted: 4, Delivered: 1, Rejected: 1, Unknown: 1, Expired: 1})

		r.track("blitz")
		after(5 * time.Second)
		report, err := r.Close(t.Context())
		require.Error(t, err)
		want := Ledger{Accepted: 5, Delivered: 1, Rejected: 1, Unknown: 1, Expired: 1, Returned: 1}
		check(want)
		assert.Equal(t, want, report.Ledger)
		assert.Equal(t, "accepted 5 = delivered 1 + rejected 1 + expired 1 + unknown 1 + returned 1 + spooled 0 + erased 0 + pending 0; possible duplicates 0",
			report.String())
	})
}

func TestARefusedTrackChangesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		var invalid *InvalidEventError
		require.ErrorAs(t, r.Track(t.Context(), "ace", Event{Type: "Jump"}), &invalid)
		require.ErrorAs(t, r.Track(t.Context(), "", Event{Type: AppOpen}), &invalid)
		assert.Equal(t, "user_id", invalid.Field)
		require.ErrorAs(t, r.Track(t.Context(), "a\xff", Event{Type: AppOpen}), &invalid)
		assert.Equal(t, "user_id", invalid.Field)
		assert.Equal(t, Stats{MaxEvents: 1_000_000, MaxBytes: 256 << 20}, r.Stats())
	})
}

func TestCallbacksRunWithoutALock(t *testing.T) {
	t.Parallel()
	var r *rig
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		r = newRig(t, Config{OnOutcome: func(o Outcome) {
			calls++
			p := r.Player(o.UserID)
			r.Stats()
			r.Parked()
			r.Ledger()
			p.Stats()
			p.Signal(LevelEnd)
			r.Signal(LevelEnd)
			r.Resume(o.UserID)
			r.SetToken(o.UserID, Token{Value: "another"})
			if calls == 1 {
				r.track(o.UserID)
			}
		}})
		r.track("ace")
		after(10 * time.Second)
		assert.Equal(t, 2, calls)
		r.close()
	})
}

func TestLogsAreWrittenWithoutALock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		var said []string
		log := slog.New(logged(func(rec slog.Record) {
			said = append(said, rec.Message)
			// Another goroutine may hold a lock for a moment; the one that logs would hold it for ever.
			free := func(mu interface {
				TryLock() bool
				Unlock()
			},
			) bool {
				for range 100_000 {
					if mu.TryLock() {
						mu.Unlock()
						return true
					}
					runtime.Gosched()
				}
				return false
			}
			for l := range r.lanes() {
				assert.True(t, free(&l.mu), "%q: the lane is locked", rec.Message)
			}
			assert.True(t, free(&r.sched.mu), "%q: the scheduler is locked", rec.Message)
			assert.True(t, free(&r.ledger.mu), "%q: the ledger is locked", rec.Message)
			assert.True(t, free(&r.budget.mu), "%q: the budget is locked", rec.Message)
		}))
		r = newRig(t, Config{Log: log, MaxInFlight: 1, Tokens: TokenFunc(func(_ context.Context, user string) (Token, error) {
			if user == "nobody" {
				return Token{}, ErrNoToken
			}
			return Token{Value: "t"}, nil
		})})
		r.service.answers(func(q request) error {
			switch {
			case q.user == "ace":
				return failure(Forbidden)
			case r.since() < 10*time.Second:
				return failure(Unavailable)
			}
			return nil
		})
		for _, user := range []string{"nobody", "ace", "a", "b", "c"} {
			r.track(user)
		}
		after(time.Minute)
		all := strings.Join(said, "\n")
		for _, want := range []string{"parked", "is down", "is back", "request failed"} {
			assert.Contains(t, all, want)
		}
		r.close()
	})
}

func TestOrderWithinAPlayer(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 7}, func(t *testing.T, r *rig) {
		// Each request fails once, in every way that is repeated, before it is answered.
		ways := []error{failure(NotSent), failure(InDoubt), failure(Unavailable), throttled(time.Second), failure(Unauthorized), failure(TooLarge)}
		seen := map[string]bool{}
		n := 0
		r.service.answers(func(q request) error {
			time.Sleep(50 * time.Millisecond)
			if seen[q.body] {
				return nil
			}
			seen[q.body] = true
			n++
			if err := ways[n%len(ways)]; len(q.ns) > 1 || failureOf(err).Failure != TooLarge {
				return err
			}
			return nil
		})
		// One player, so that the fake needs no lock: one request of a player is under way at a time.
		token := 0
		r.cfg.Tokens = TokenFunc(func(context.Context, string) (Token, error) {
			token++
			return Token{Value: Secret(fmt.Sprint("token-", token))}, nil
		})
		for range 100 {
			r.track("ace")
			time.Sleep(20 * time.Millisecond)
		}
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, upTo(100), r.numbered("ace", Delivered))
		assert.Equal(t, 1, r.service.most)
	})
}

func TestDifferentPlayersAreSentSideBySide(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxInFlight: 10}, func(t *testing.T, r *rig) {
		r.started()
		r.service.answers(func(request) error { time.Sleep(time.Second); return nil })
		for i := range 30 {
			r.track(fmt.Sprint("device-", i))
		}
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, 10, r.service.most)
		assert.Equal(t, 3*time.Second, r.since())
	})
}

// TestABadPlayerDelaysNobody runs the same play of ten players twice, with and without an eleventh that has a problem, and compares every
// instant at which the ten were sent.
func TestABadPlayerDelaysNobody(t *testing.T) {
	t.Parallel()
	type problem struct {
		name   string
		answer func(q request, now time.Duration) error
		token  func(ctx context.Context) (Token, error)
	}
	fails := func(f Failure, after time.Duration) func(request, time.Duration) error {
		return func(request, time.Duration) error {
			return &SendError{Failure: f, RetryAfter: after, Err: errors.New("scripted")}
		}
	}
	for _, row := range []problem{
		{name: "bad token", answer: fails(Unauthorized, 0)},
		{name: "another player's token", answer: fails(Forbidden, 0)},
		{name: "bad data", answer: fails(Invalid, 0)},
		{name: "data too large", answer: fails(TooLarge, 0)},
		{name: "throttled", answer: fails(Throttled, 0)},
		{name: "throttled with Retry-After", answer: fails(Throttled, time.Minute)},
		{name: "no token", token: func(context.Context) (Token, error) { return Token{}, ErrNoToken }},
		{name: "empty token", token: func(context.Context) (Token, error) { return Token{}, nil }},
		{name: "a source that fails", token: func(context.Context) (Token, error) { return Token{}, errors.New("session table is down") }},
		{name: "a slow source", token: func(ctx context.Context) (Token, error) { <-ctx.Done(); return Token{}, ctx.Err() }},
		{name: "slow answers", answer: func(request, time.Duration) error { time.Sleep(20 * time.Second); return nil }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play := func(t *testing.T, withBad bool) (out []string) {
				t.Helper()
				bubble(t, Config{BatchEvents: 5, MaxInFlight: 32, Tokens: TokenFunc(func(ctx context.Context, user string) (Token, error) {
					if user == "bad" && row.token != nil {
						return row.token(ctx)
					}
					return Token{Value: "t"}, nil
				})}, func(t *testing.T, r *rig) {
					r.service.answers(func(q request) error {
						if q.user == "bad" && row.answer != nil {
							return row.answer(q, r.since())
						}
						time.Sleep(30 * time.Millisecond)
						return nil
					})
					for tick := range 1200 {
						if withBad && tick%20 == 0 {
							require.NoError(t, r.try("bad"))
						}
						// Most of the time nobody but the bad one has something to say.
						if tick%150 < 50 {
							r.track(fmt.Sprint("device-", tick%10))
						}
						time.Sleep(100 * time.Millisecond)
					}
					require.NoError(t, func() error {
						for i := range 10 {
							if err := r.Player(fmt.Sprint("device-", i)).Flush(t.Context()); err != nil {
								return err
							}
						}
						return nil
					}())
					for i := range 10 {
						user := fmt.Sprint("device-", i)
						out = append(out, fmt.Sprint(user, r.service.times(user), r.service.batches(user)))
						assert.Equal(t, upTo(r.next[user]), r.numbered(user, Delivered))
					}
					if withBad {
						assert.False(t, r.Stats().Outage)
					}
				})
				return out
			}
			assert.Equal(t, play(t, false), play(t, true))
		})
	}
}

func TestGoroutinesAreAtMostMaxInFlight(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxInFlight: 8}, func(t *testing.T, r *rig) {
		r.started()
		gate := make(chan struct{})
		r.service.answers(func(request) error { <-gate; return nil })
		for i := range 1000 {
			r.track(fmt.Sprint("device-", i))
		}
		synctest.Wait()
		assert.Zero(t, sendingGoroutines(), "nothing is sent yet")
		after(5 * time.Second)
		assert.Equal(t, 8, sendingGoroutines())
		assert.Equal(t, 8, r.Stats().InFlight)
		close(gate)
		require.NoError(t, r.Flush(t.Context()))
		synctest.Wait()
		assert.Zero(t, sendingGoroutines(), "all is sent")
		assert.Equal(t, 8, r.service.most)
		assert.Equal(t, 1000, r.Stats().Players)
	})
}

// sendingGoroutines counts the sending goroutines of the bubble's batcher: those below this test's fake.
func sendingGoroutines() int {
	buf := make([]byte, 8<<20)
	all := string(buf[:runtime.Stack(buf, true)])
	n := 0
	for _, g := range strings.Split(all, "\n\n") {
		if strings.Contains(g, "batcher.(*Batcher).work(") && strings.Contains(g, "TestGoroutinesAreAtMostMaxInFlight") {
			n++
		}
	}
	return n
}
