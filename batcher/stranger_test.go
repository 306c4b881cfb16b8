package batcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Answers that are not the service's own word, answers that confirm only a part, and a service that refuses everything.

func stranger(f Failure) error {
	return &SendError{Failure: f, Stranger: true, Why: "Ingest.Send: status 400: error is missing", Err: errors.New("a page")}
}

// TestAStrangersRefusalLosesNothing: a page instead of an answer for a while, for 20 players with 200 events each.
func TestAStrangersRefusalLosesNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		failure  Failure
		lasts    time.Duration
		requests int // at most, while it lasts
		within   time.Duration
	}{
		{"400", Invalid, 1500 * time.Millisecond, 6, 5 * time.Second},
		{"401", Unauthorized, 500 * time.Millisecond, 50, 5 * time.Second},
		{"403", Forbidden, 500 * time.Millisecond, 6, 5 * time.Second},
		{"404", Unavailable, 1500 * time.Millisecond, 6, 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error {
					if r.since() < row.lasts {
						return stranger(row.failure)
					}
					return nil
				})
				for i := range 20 {
					r.tracks(fmt.Sprint("device-", i), 200)
				}
				time.Sleep(row.lasts - r.since())
				assert.LessOrEqual(t, len(r.service.requests()), row.requests)
				assert.Empty(t, r.Parked())
				after(row.within)
				l := r.Ledger()
				if row.failure == Unauthorized {
					assert.Zero(t, l.PossibleDuplicates, "a gateway checks tokens before it passes a request on")
				} else {
					assert.NotZero(t, l.PossibleDuplicates, "a page does not say that the request did not arrive")
				}
				l.PossibleDuplicates = 0
				assert.Equal(t, Ledger{Accepted: 4000, Delivered: 4000}, l)
				assert.Empty(t, r.Parked())
			})
		})
	}
	t.Run("a busy batcher", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{MaxInFlight: 16}, func(t *testing.T, r *rig) {
			r.started()
			r.service.answers(func(request) error {
				time.Sleep(10 * time.Millisecond)
				if r.since() < 1500*time.Millisecond {
					return stranger(Invalid)
				}
				return nil
			})
			for i := range 50 {
				r.tracks(fmt.Sprint("device-", i), 200)
			}
			time.Sleep(1500*time.Millisecond - r.since())
			assert.LessOrEqual(t, len(r.service.requests()), 16+6)
			require.NoError(t, r.Flush(t.Context()))
			l := r.Ledger()
			assert.LessOrEqual(t, l.PossibleDuplicates, int64((16+6)*200), "one for each event of a request that a page answered")
			l.PossibleDuplicates = 0
			assert.Equal(t, Ledger{Accepted: 10_000, Delivered: 10_000}, l)
		})
	})
}

// TestAStrangers401AsksTheSourceOnceAndNeverParks: for as long as it lasts; the pauses grow to a minute.
func TestAStrangers401AsksTheSourceOnceAndNeverParks(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	cfg := Config{BatchEvents: 1, Tokens: TokenFunc(func(context.Context, string) (Token, error) { asked.Add(1); return Token{Value: "the same"}, nil })}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if q.user == "ace" && r.since() < 10*time.Minute {
				return stranger(Unauthorized)
			}
			return nil
		})
		r.track("ace")
		synctest.Wait()
		assert.Len(t, r.service.requests("ace"), 2)
		assert.Equal(t, int64(2), asked.Load(), "once more")
		after(10 * time.Minute)
		assert.Empty(t, r.Parked())
		assert.Less(t, len(r.service.requests("ace")), 30, "a request a minute in the end")
		r.track("blitz")
		synctest.Wait()
		assert.Equal(t, []time.Duration{10 * time.Minute}, r.service.times("blitz"), "others go on")
		after(time.Minute)
		assert.Equal(t, int64(2), r.Ledger().Delivered)
	})
}

// TestASingleEventThatAStrangerFindsTooLarge is rejected if others pass meanwhile, and kept while none does.
func TestASingleEventThatAStrangerFindsTooLarge(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		who    error
		others bool
		want   Ledger
	}{
		{"the service says so", failure(TooLarge), false, Ledger{Accepted: 1, Rejected: 1}},
		{"a stranger, and nothing passes", stranger(TooLarge), false, Ledger{Accepted: 1, Pending: 1}},
		{"a stranger, and others pass", stranger(TooLarge), true, Ledger{Accepted: 2, Delivered: 1, Rejected: 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{}, func(t *testing.T, r *rig) {
				r.service.answers(func(q request) error {
					if q.user == "ace" {
						return row.who
					}
					return nil
				})
				r.track("ace")
				after(5 * time.Second)
				if row.others {
					r.track("blitz")
				}
				after(10 * time.Minute)
				assert.Equal(t, row.want, r.Ledger())
			})
		})
	}
}

// TestEmptySuccessesAreAnOutage: 20 players with 200 events each, and a service that stores what it gets and says nothing, for a minute.
func TestEmptySuccessesAreAnOutage(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lines []string
	cfg := Config{Log: slog.New(logged(func(rec slog.Record) {
		line := rec.Message
		rec.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
		mu.Lock()
		defer mu.Unlock()
		if rec.Level >= slog.LevelWarn {
			lines = append(lines, line)
		}
	}))}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		stored := map[string]int64{}
		copies := func() (n int64) {
			mu.Lock()
			defer mu.Unlock()
			for _, times := range stored {
				n += times - 1
			}
			return n
		}
		r.service.answers(func(q request) error {
			mu.Lock()
			for _, n := range q.ns {
				stored[fmt.Sprintf("%s/%d", q.user, n)]++
			}
			mu.Unlock()
			if r.since() < time.Minute+time.Second {
				return &SendError{Failure: InDoubt, Stranger: true, Why: "Ingest.Send: status 202: success is missing", Err: errors.New("empty")}
			}
			return nil
		})
		for i := range 20 {
			r.tracks(fmt.Sprint("device-", i), 200)
		}
		after(time.Minute)
		assert.LessOrEqual(t, copies(), int64(70))
		assert.Equal(t, "in doubt: Ingest.Send: status 202: success is missing", r.Stats().OutageCause)
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, copies(), r.Ledger().PossibleDuplicates, "each is counted")
		assert.Empty(t, r.Stats().OutageCause)
		mu.Lock()
		defer mu.Unlock()
		require.Len(t, lines, 2, "when it begins, and after a minute")
		for _, line := range lines {
			assert.Contains(t, line, "cause=in doubt: Ingest.Send: status 202: success is missing")
		}
	})
}

// TestAnAnswerThatConfirmsAPart: accepted:1 for 3 events.
func TestAnAnswerThatConfirmsAPart(t *testing.T) {
	t.Parallel()
	var outcomes []Outcome
	var mu sync.Mutex
	warnings := 0
	cfg := Config{
		OnOutcome: func(o Outcome) { mu.Lock(); defer mu.Unlock(); outcomes = append(outcomes, o) },
		Log:       slog.New(logged(func(rec slog.Record) { warnings += strings.Count(rec.Message, "does not account for") })),
	}
	for _, row := range []struct {
		says, unconfirmed int
		outcome           string
	}{{1, 2, "confirmed=1 of 3"}, {0, 3, "confirmed=0 of 3"}, {3, 0, ""}, {7, 0, ""}, {-1, 3, "confirmed=0 of 3"}} {
		outcomes, warnings = nil, 0
		bubble(t, cfg, func(t *testing.T, r *rig) {
			r.service.answers(func(request) error { return confirmed(row.says) })
			r.tracks("ace", 3)
			after(time.Minute)
			assert.Equal(t, Ledger{Accepted: 3, Delivered: 3, Unconfirmed: int64(row.unconfirmed)}, r.Ledger())
			assert.Len(t, r.service.requests(), 1, "nobody knows which to send again")
			require.Len(t, outcomes, 1)
			assert.Equal(t, Delivered, outcomes[0].Result)
			assert.Equal(t, row.unconfirmed, outcomes[0].Unconfirmed)
			text := outcomes[0].LogValue().String()
			if row.unconfirmed > 0 {
				assert.Contains(t, text, row.outcome)
				assert.Contains(t, r.Ledger().String(), fmt.Sprintf("unconfirmed %d", row.unconfirmed))
			} else {
				assert.NotContains(t, text, "confirmed=")
			}
			assert.Equal(t, min(row.unconfirmed, 1), warnings)
			r.service.answers(nil)
		})
	}
}

// TestAServiceThatRefusesEverything: a wrong GameID, by how many players have how many events.
func TestAServiceThatRefusesEverything(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ players, events, rejected int }{
		{1000, 1, 2}, {20, 50, 45}, {5, 200, 25}, {2, 500, 9}, {1, 1000, 9}, {3, 2, 5},
	} {
		t.Run(fmt.Sprintf("%d players, %d events each", row.players, row.events), func(t *testing.T) {
			t.Parallel()
			var told []AllRefused
			var mu sync.Mutex
			cfg := Config{OnAllRefused: func(a AllRefused) { mu.Lock(); defer mu.Unlock(); told = append(told, a) }}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(answersWith(Invalid))
				for i := range row.players {
					r.tracks(fmt.Sprint("device-", i), row.events)
				}
				after(time.Hour)
				lost := r.Ledger().Rejected
				assert.LessOrEqual(t, lost, int64(row.rejected))
				assert.True(t, r.Stats().AllRefused)
				require.Len(t, told, 1)
				assert.EqualValues(t, lost, told[0].Rejected)
				require.ErrorContains(t, told[0].Cause, "scripted")
				r.service.forget()
				after(time.Minute)
				for _, ns := range r.service.batches() {
					assert.Len(t, ns, 1, "probes are single events")
				}
				assert.LessOrEqual(t, len(r.service.requests()), 65)
				assert.GreaterOrEqual(t, len(r.service.requests()), 55)
				assert.Equal(t, lost, r.Ledger().Rejected, "nothing more is lost")

				r.service.answers(nil) // somebody has mended it
				require.NoError(t, r.Flush(t.Context()))
				assert.False(t, r.Stats().AllRefused)
				assert.Equal(t, int64(row.players*row.events)-lost, r.Ledger().Delivered)
			})
		})
	}
	t.Run("the caller says go on", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			r.RejectRefused() // without a hold it does nothing
			r.service.answers(answersWith(Invalid))
			for i := range 20 {
				r.tracks(fmt.Sprint("device-", i), 50)
			}
			after(time.Minute)
			require.True(t, r.Stats().AllRefused)
			r.RejectRefused()
			after(time.Minute)
			assert.Equal(t, int64(1000), r.Ledger().Rejected)
			assert.False(t, r.Stats().AllRefused)

			r.service.answers(nil)
			r.track("ace")
			after(time.Minute)
			r.service.answers(answersWith(Invalid))
			r.tracks("ace", 1000)
			after(time.Minute)
			assert.True(t, r.Stats().AllRefused, "an event that was taken in between ends the leave")
		})
	})
}

// TestBadEventsAmongGoodOnesHoldNothing: the first event of each of 40 players is bad, all at once.
func TestBadEventsAmongGoodOnesHoldNothing(t *testing.T) {
	t.Parallel()
	bubble(t, Config{OnAllRefused: func(AllRefused) { t.Error("something was taken of each player") }}, func(t *testing.T, r *rig) {
		r.started()
		r.service.answers(func(q request) error {
			time.Sleep(10 * time.Millisecond)
			if q.ns[0] == 0 {
				return failure(Invalid)
			}
			return nil
		})
		for i := range 40 {
			r.tracks(fmt.Sprint("device-", i), 50)
		}
		after(time.Minute)
		assert.Equal(t, Ledger{Accepted: 2000, Delivered: 40 * 49, Rejected: 40}, r.Ledger())
	})
}

// TestABufferThatIsFull: an answer that says no and blames nothing is a 429.
func TestABufferThatIsFull(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error {
			if r.since() < 10*time.Second {
				return failure(Throttled)
			}
			return nil
		})
		for i := range 3 {
			r.track(fmt.Sprint("device-", i))
		}
		after(6 * time.Second)
		assert.True(t, r.Stats().Outage, "three players in a row")
		after(10 * time.Second)
		assert.Equal(t, Ledger{Accepted: 3, Delivered: 3}, r.Ledger())
	})
}

// TestAtMostOnceBehindAStranger: a page does not say that the request did not arrive, so an event that
// must not be sent twice is not sent again. A gateway's 401 and 413 come before the request is passed on.
func TestAtMostOnceBehindAStranger(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		err  error
		want Result
	}{
		{"400", stranger(Invalid), Unknown},
		{"403", stranger(Forbidden), Unknown},
		{"404, 409 or 422", stranger(Unavailable), Unknown},
		{"202", stranger(InDoubt), Unknown},
		{"401", stranger(Unauthorized), Delivered},
		{"413", stranger(TooLarge), Delivered},
		{"503", failure(Unavailable), Delivered},
		{"429", failure(Throttled), Delivered},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{AtMostOnce: []EventType{IAPPurchase}}, func(t *testing.T, r *rig) {
				r.service.answers(script(row.err))
				require.NoError(t, r.trackType(t.Context(), "ace", IAPPurchase))
				require.NoError(t, r.trackType(t.Context(), "ace", LevelCompleted))
				after(10 * time.Minute)
				assert.Equal(t, row.want == Delivered, len(r.numbered("ace", Delivered)) == 2)
				assert.Equal(t, row.want == Unknown, len(r.numbered("ace", Unknown)) == 1)
				assert.Equal(t, int64(2), r.Ledger().Delivered+r.Ledger().Unknown)
			})
		})
	}
}
