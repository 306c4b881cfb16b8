package batcher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hangs answers when its request's context ends.
func hangs(q request) error { <-q.ctx.Done(); return q.ctx.Err() }

func TestCloseSendsWhatWaits(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(time.Second); return nil })
		r.tracks("ace", 450)
		r.tracks("blitz", 10)
		report, err := r.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Report{Ledger: Ledger{Accepted: 460, Delivered: 460}, Players: 2}, report)
		assert.Equal(t, 3*time.Second, r.since())
	})
}

func TestAfterCloseNothingIsTaken(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.track("ace")
		p := r.Player("ace")
		_, err := r.Close(t.Context())
		require.NoError(t, err)
		e := Event{Type: AppOpen}
		require.ErrorIs(t, p.Track(t.Context(), e), ErrClosed)
		require.ErrorIs(t, p.TryTrack(e), ErrClosed)
		require.ErrorIs(t, p.TrackAttrs(t.Context(), AppOpen), ErrClosed)
		require.ErrorIs(t, p.TryTrackAttrs(AppOpen), ErrClosed)
		require.ErrorIs(t, p.TrackCustom(t.Context(), "combo"), ErrClosed)
		require.ErrorIs(t, r.Track(t.Context(), "blitz", e), ErrClosed)
		require.ErrorIs(t, r.TryTrack("blitz", e), ErrClosed)
		require.NoError(t, r.Flush(t.Context()))
		require.NoError(t, p.End(t.Context()))
		r.Signal(LevelEnd)
		p.Signal(LevelEnd)
		r.SetToken("ace", Token{Value: "t"})
		r.Resume("ace")
		after(time.Hour)
		assert.Len(t, r.service.requests(), 1)
		assert.Equal(t, int64(1), r.Stats().Accepted)
	})
}

func TestEveryCallOfCloseReturnsTheSameReport(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(hangs)
		r.tracks("ace", 3)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var reports []Report
		var errs []error
		first, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		for i := range 10 {
			ctx := t.Context()
			if i == 0 {
				ctx = first
			}
			wg.Go(func() {
				report, err := r.Close(ctx)
				mu.Lock()
				defer mu.Unlock()
				reports, errs = append(reports, report), append(errs, err)
			})
			synctest.Wait()
		}
		impatient, err := r.Close(within(t, time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, Report{Ledger: Ledger{Accepted: 3, Pending: 3}}, impatient)
		wg.Wait()
		assert.Equal(t, 10*time.Second, r.since(), "the first call's context is the one that counts")
		for i := range reports {
			require.EqualError(t, errs[i], "batcher: closed with 3 events of 1 players not delivered: they are in Report.LeftOver: context deadline exceeded")
			assert.Equal(t, reports[0], reports[i])
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			report, err := r.Close(ended)
			require.NotErrorIs(t, err, context.Canceled, "the report is there")
			assert.Equal(t, reports[0], report)
		}
	})
}

func TestCloseHandsBackTheRestAtItsDeadline(t *testing.T) {
	t.Parallel()
	bubble(t, Config{BatchEvents: 2, MaxInFlight: 3}, func(t *testing.T, r *rig) {
		sources := map[string]func(request) error{
			"hangs": hangs, "throttled": answersWith(Throttled, time.Hour), "refused": answersWith(Forbidden), "fine": nil,
		}
		r.service.answers(func(q request) error {
			if f := sources[q.user]; f != nil {
				return f(q)
			}
			return nil
		})
		for user := range sources {
			r.tracks(user, 5)
		}
		after(time.Second)
		report, err := r.Close(within(t, 9*time.Second))
		require.Error(t, err)
		assert.Equal(t, 10*time.Second, r.since())
		assert.Equal(t, Ledger{Accepted: 20, Delivered: 5, Returned: 15}, report.Ledger)
		assert.Equal(t, 4, report.Players)
		back := map[string][]int{}
		for _, o := range report.LeftOver {
			assert.Equal(t, Returned, o.Result)
			back[o.UserID] = append(back[o.UserID], numbersOf(o.Records)...)
			for _, record := range o.Records {
				e, err := record.Event()
				require.NoError(t, err)
				assert.Equal(t, LevelCompleted, e.Type)
				assert.True(t, record.Accepted.Equal(r.service.start), "when it was accepted")
			}
			require.Error(t, o.Err, o.UserID)
			if o.UserID == "hangs" {
				assert.Equal(t, o.Records[0].JSON[0] == '{' && numbersOf(o.Records)[0] == 0, o.PossibleDuplicates, "the first batch may have arrived")
			} else {
				assert.False(t, o.PossibleDuplicates)
			}
		}
		assert.Equal(t, map[string][]int{"hangs": upTo(5), "throttled": upTo(5), "refused": upTo(5)}, back)
	})
}

func TestCloseReturnsTheEventsOfAHangingServerAtItsDeadline(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(hangs)
		for i := range 20 {
			r.tracks(fmt.Sprint("device-", i), 100)
		}
		report, err := r.Close(within(t, 10*time.Second))
		require.Error(t, err)
		assert.Equal(t, 10*time.Second, r.since())
		assert.Equal(t, Ledger{Accepted: 2000, Returned: 2000}, report.Ledger)
		n := 0
		for _, o := range report.LeftOver {
			n += len(o.Records)
		}
		assert.Equal(t, 2000, n)
		assert.Zero(t, r.service.inFlight, "no request is under way")
	})
}

func TestCloseReportsAtMostOnceEventsUnderWayAsUnknown(t *testing.T) {
	t.Parallel()
	bubble(t, Config{AtMostOnce: []EventType{IAPPurchase}}, func(t *testing.T, r *rig) {
		r.service.answers(hangs)
		for _, kind := range []EventType{IAPPurchase, AppOpen, IAPPurchase} {
			require.NoError(t, r.trackType(t.Context(), "ace", kind))
		}
		report, err := r.Close(within(t, time.Second))
		require.Error(t, err)
		assert.Equal(t, Ledger{Accepted: 3, Unknown: 2, Returned: 1}, report.Ledger)
		assert.Equal(t, []int{0, 2}, r.numbered("ace", Unknown))
		assert.Equal(t, []int{1}, numbersOf(report.LeftOver[0].Records))
		assert.True(t, report.LeftOver[0].PossibleDuplicates)
	})
}

func TestCloseWithOnlyParkedPlayersReturnsEarly(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(_ context.Context, user string, _ int) (Token, error) {
			if user == "nobody" {
				return Token{}, ErrNoToken
			}
			return Token{Value: "t"}, nil
		})
		r.service.answers(func(q request) error {
			time.Sleep(time.Second)
			if q.user == "refused" {
				return failure(Forbidden)
			}
			return nil
		})
		r.track("nobody")
		r.track("refused")
		r.tracks("fine", 401)
		after(10 * time.Second)
		require.Len(t, r.Parked(), 2)
		r.tracks("fine", 401)
		report, err := r.Close(t.Context())
		require.Error(t, err)
		assert.Equal(t, 13*time.Second, r.since())
		assert.Equal(t, Ledger{Accepted: 804, Delivered: 802, Returned: 2}, report.Ledger)
		assert.Len(t, s.times("nobody"), 2, "a last try")
		require.ErrorIs(t, func() error {
			for _, o := range report.LeftOver {
				if o.UserID == "nobody" {
					return o.Err
				}
			}
			return nil
		}(), ErrNoToken)
	})
}

func TestCloseGivesParkedPlayersALastTry(t *testing.T) {
	t.Parallel()
	withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(_ context.Context, _ string, n int) (Token, error) {
			if n == 1 {
				return Token{}, ErrNoToken
			}
			return Token{Value: "t"}, nil
		})
		r.track("ace")
		after(time.Minute)
		require.Len(t, r.Parked(), 1)
		report, err := r.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(1), report.Delivered)
	})
}

// TestCloseWithPlayersThatParkWhileItDrains: the last one that is not parked yet is parked by its request.
func TestCloseWithPlayersThatParkWhileItDrains(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			time.Sleep(time.Duration(len(q.user)) * time.Second)
			return failure(Forbidden)
		})
		for _, user := range []string{"a", "bb", "ccc"} {
			r.track(user)
		}
		report, err := r.Close(t.Context())
		require.Error(t, err)
		assert.Equal(t, 3*time.Second, r.since())
		assert.Equal(t, int64(3), report.Returned)
	})
}

func TestCloseSendsWhoWaitsAway(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{"all are full": {MaxEvents: 1, MaxPlayerEvents: 1}, "the player is full": {MaxPlayerEvents: 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error { time.Sleep(time.Second); return nil })
				r.track("ace")
				errs := make(chan error, 5)
				for range 5 {
					go func() { errs <- r.trackType(t.Context(), "ace", LevelCompleted) }()
				}
				synctest.Wait()
				report, err := r.Close(t.Context())
				require.NoError(t, err)
				for range 5 {
					require.ErrorIs(t, <-errs, ErrClosed)
				}
				assert.Equal(t, int64(1), report.Accepted)
			})
		})
	}
}

func TestFlushDuringClose(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error {
			if q.user == "ace" {
				return hangs(q)
			}
			time.Sleep(time.Second)
			return nil
		})
		r.track("ace")
		r.track("blitz")
		errs := make(chan error, 3)
		go func() { errs <- r.Player("blitz").Flush(t.Context()) }()
		go func() { errs <- r.Player("ace").Flush(t.Context()) }()
		go func() { errs <- r.Flush(t.Context()) }()
		synctest.Wait()
		_, err := r.Close(within(t, 5*time.Second))
		require.Error(t, err)
		require.NoError(t, <-errs)
		for range 2 {
			require.ErrorIs(t, <-errs, ErrClosed)
		}
	})
}

// TestCloseWithASenderThatDoesNotHeedItsContext: its request goes on after Close, and its end changes nothing any more.
func TestCloseWithASenderThatDoesNotHeedItsContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"accepted": nil, "in doubt": failure(InDoubt), "401": failure(Unauthorized), "400": failure(Invalid)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchEvents: 2}, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error { time.Sleep(time.Minute); return answer })
				r.tracks("ace", 5)
				report, err := r.Close(within(t, 10*time.Second))
				require.Error(t, err)
				assert.Equal(t, 10*time.Second+graceAfterCancel, r.since())
				want := Ledger{Accepted: 5, Returned: 5}
				assert.Equal(t, want, report.Ledger)
				require.Len(t, report.LeftOver, 3)
				for i, o := range report.LeftOver {
					assert.Equal(t, i == 0, o.PossibleDuplicates, "what is under way may arrive yet")
				}
				after(time.Hour)
				assert.Equal(t, want, r.Ledger())
				assert.Empty(t, r.told())
				assert.Len(t, r.service.requests(), 1)
			})
		})
	}
}

// TestCloseWithASourceThatDoesNotHeedItsContext is the same with a TokenSource.
func TestCloseWithASourceThatDoesNotHeedItsContext(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"a token": nil, "no token": ErrNoToken, "failed": errors.New("session table is down")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{}, func(t *testing.T, r *rig, s *source) {
				s.gives(func(context.Context, string, int) (Token, error) {
					time.Sleep(time.Minute)
					return Token{Value: "late"}, err
				})
				r.track("ace")
				report, _ := r.Close(within(t, time.Second)) // the report says it
				assert.Equal(t, Ledger{Accepted: 1, Returned: 1}, report.Ledger)
				after(time.Hour)
				assert.Equal(t, Ledger{Accepted: 1, Returned: 1}, r.Ledger())
			})
		})
	}
}

// TestCloseWithACallbackThatDoesNotReturn: its events have their result, and are neither handed back nor lost.
func TestCloseWithACallbackThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{BatchEvents: 2, OnOutcome: func(Outcome) { time.Sleep(time.Minute) }})
		r.tracks("ace", 5)
		report, err := r.Close(within(t, 10*time.Second))
		require.Error(t, err)
		assert.Equal(t, 10*time.Second+graceAfterCancel, r.since())
		assert.Equal(t, Ledger{Accepted: 5, Pending: 2, Returned: 3}, report.Ledger)
		assert.Len(t, report.LeftOver, 2)
		after(time.Minute)
		assert.Equal(t, Ledger{Accepted: 5, Delivered: 2, Returned: 3}, r.Ledger())
		assert.Len(t, r.service.requests(), 1)
	})
}

func TestCloseDuringEveryState(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Duration{
		0, time.Millisecond, 5 * time.Second, 5*time.Second + time.Millisecond, 5100 * time.Millisecond, 6 * time.Second, 11 * time.Second, time.Minute,
	} {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchEvents: 3, MaxInFlight: 2, OnOutcome: func(Outcome) { time.Sleep(time.Millisecond) }}, func(t *testing.T, r *rig) {
				n := 0
				answers := []error{nil, failure(InDoubt), failure(Invalid), failure(Unavailable), failure(Unauthorized), failure(NotSent)}
				r.service.answers(func(request) error {
					time.Sleep(10 * time.Millisecond)
					r.service.mu.Lock()
					defer r.service.mu.Unlock()
					n++
					return answers[n%len(answers)]
				})
				for i := range 40 {
					r.track(fmt.Sprint("device-", i%7))
				}
				time.Sleep(at)
				report, _ := r.Close(within(t, 50*time.Millisecond)) // the report says it
				assert.LessOrEqual(t, r.since(), at+50*time.Millisecond+10*time.Millisecond+time.Millisecond)
				assert.Zero(t, report.Pending)
			})
		})
	}
}
