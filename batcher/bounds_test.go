package batcher

import (
	"context"
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

// The bounds of events and bytes: who waits, who is told ErrFull, and who goes first when there is room.

func TestTryTrackReturnsErrFullAtTheBound(t *testing.T) {
	t.Parallel()
	size := len(`{"type":"LevelCompleted","timestamp":"2000-01-01T00:00:00.000+00:00","customdata":{"n":0}}`)
	hold := func(r *rig) { r.service.answers(func(q request) error { <-q.ctx.Done(); return q.ctx.Err() }) }
	for _, row := range []struct {
		name   string
		cfg    Config
		first  int  // events of ace that fit
		others bool // another player has room then
	}{
		{"events of all", Config{MaxEvents: 3, MaxPlayerEvents: 3}, 3, false},
		{"events of a player", Config{MaxEvents: 10, MaxPlayerEvents: 3}, 3, true},
		{"bytes of all", Config{EventBytes: 256, MaxBytes: 4 * size, MaxPlayerBytes: 4 * size}, 4, false},
		{"bytes of all, one short of the next", Config{EventBytes: 256, MaxBytes: 5*size - 1, MaxPlayerBytes: 5*size - 1}, 4, false},
		{"bytes of a player", Config{EventBytes: 256, MaxPlayerBytes: 4 * size}, 4, true},
		{"a tenth of all by default", Config{MaxEvents: 20}, 2, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, row.cfg, func(t *testing.T, r *rig) {
				hold(r)
				for range row.first {
					require.NoError(t, r.try("ace"))
				}
				require.ErrorIs(t, r.try("ace"), ErrFull)
				require.ErrorIs(t, r.Player("ace").TryTrack(Event{Type: AppOpen, Data: map[string]any{"longer": strings.Repeat("x", 100)}}), ErrFull)
				assert.Equal(t, int64(row.first), r.Ledger().Accepted)
				err := r.try("blitz")
				if row.others {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, ErrFull)
				}
				r.service.answers(nil)
			})
		})
	}
}

func TestRoomComesBackWithEveryResult(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxEvents: 2, MaxPlayerEvents: 2, AtMostOnce: []EventType{IAPPurchase}, MaxAge: time.Minute}, func(t *testing.T, r *rig) {
		full := func() {
			t.Helper()
			for range 2 {
				require.NoError(t, r.trackType(t.Context(), "ace", IAPPurchase))
			}
			require.ErrorIs(t, r.try("ace"), ErrFull)
			assert.Equal(t, int64(2), r.Ledger().Pending)
		}
		for _, answer := range []error{nil, failure(Invalid), failure(InDoubt)} {
			r.service.answers(func(request) error { time.Sleep(time.Millisecond); return answer })
			full()
			after(time.Second)
			assert.Zero(t, r.Stats().PendingBytes)
		}
		r.service.answers(answersWith(Forbidden))
		full()
		after(time.Minute)
		assert.Equal(t, int64(2), r.Ledger().Expired)
		full()
	})
}

// TestTrackWaitsInOrder lets five calls wait for room, and two of them give up.
func TestTrackWaitsInOrder(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxEvents: 1, MaxPlayerEvents: 1}, func(t *testing.T, r *rig) {
		answer := make(chan struct{})
		r.service.answers(func(request) error { <-answer; return nil })
		r.track("first")
		var order []string
		var cancels []context.CancelFunc
		for i := range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			cancels = append(cancels, cancel)
			go func() {
				user := fmt.Sprint("waiter-", i)
				err := r.trackType(ctx, user, LevelCompleted)
				r.mu.Lock()
				defer r.mu.Unlock()
				order = append(order, fmt.Sprint(user, " ", err))
			}()
			synctest.Wait()
			assert.Equal(t, i+1, r.Stats().Waiting)
		}
		require.ErrorIs(t, r.try("passer-by"), ErrFull, "nobody passes the line")
		cancels[2]()
		synctest.Wait()
		assert.Equal(t, 4, r.Stats().Waiting)
		cancels[0]() // the first in line
		synctest.Wait()
		assert.Equal(t, 3, r.Stats().Waiting)
		assert.Equal(t, 3, r.budget.line.Len(), "who gave up leaves no trace")
		for range 4 {
			answer <- struct{}{}
			synctest.Wait()
		}
		assert.Equal(t, []string{
			"waiter-2 context canceled", "waiter-0 context canceled", "waiter-1 <nil>", "waiter-3 <nil>", "waiter-4 <nil>",
		}, order)
		assert.Zero(t, r.Stats().Waiting)
		assert.Equal(t, int64(4), r.Ledger().Delivered)
		assert.Equal(t, 5*time.Second, r.since(), "who waits makes everything go; the last one lingers")
		for _, cancel := range cancels {
			cancel()
		}
	})
}

func TestWaitersThatGaveUpDoNotPileUpBehindTheFirst(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxEvents: 1, MaxPlayerEvents: 1}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error { <-q.ctx.Done(); return q.ctx.Err() })
		r.track("first")
		go r.trackType(t.Context(), "second", LevelCompleted) //nolint:errcheck // it ends with Close
		synctest.Wait()
		for i := range 100 {
			require.ErrorIs(t, r.trackType(within(t, time.Millisecond), fmt.Sprint("device-", i), LevelCompleted), context.DeadlineExceeded)
		}
		assert.Equal(t, 1, r.budget.line.Len())
		assert.Equal(t, 1, r.Stats().Waiting)
	})
}

func TestAWaitingTrackMakesEverythingGo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		users []string
		cfg   Config
	}{
		{"all are full", []string{"ace"}, Config{MaxEvents: 3, MaxPlayerEvents: 3, Linger: time.Hour}},
		{"all are full, with other players' events", []string{"ace", "blitz", "nova", "rook"}, Config{MaxEvents: 3, MaxPlayerEvents: 3, Linger: time.Hour}},
		{"the player is full", []string{"ace"}, Config{MaxPlayerEvents: 3, Linger: time.Hour}},
		{"bytes", []string{"ace"}, Config{EventBytes: 256, MaxBytes: 300, MaxPlayerBytes: 300, Linger: time.Hour}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, row.cfg, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error { time.Sleep(time.Millisecond); return nil })
				for i := range 100 {
					r.track(row.users[i%len(row.users)])
				}
				assert.Less(t, r.since(), time.Second)
			})
		})
	}
}

func TestTryTrackOfAFullPlayerMakesItGo(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxPlayerEvents: 3, Linger: time.Hour}, func(t *testing.T, r *rig) {
		r.tracks("ace", 3)
		require.ErrorIs(t, r.try("ace"), ErrFull)
		synctest.Wait()
		require.NoError(t, r.try("ace"))
	})
}

// TestNothingLingersBehindAWaitersBack: a Track that finds no room makes everything go that lingers, and then waits. Between the two all
// can be delivered and the room be taken by new events, which linger; who waits would wait as long as they do. The second of the two
// players' locks holds it there.
func TestNothingLingersBehindAWaitersBack(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxEvents: 2, MaxPlayerEvents: 2, Linger: time.Hour}, func(t *testing.T, r *rig) {
		var users []string
		for user := range r.inOrder("a", "b") {
			users = append(users, user)
		}
		r.tracks(users[0], 2)
		entered := make(chan struct{})
		r.service.answers(func(request) error { entered <- struct{}{}; return nil })
		second := r.find(users[1])
		second.mu.Lock()
		done := make(chan struct{}, 3)
		track := func(user string) {
			go func() {
				assert.NoError(t, r.trackType(t.Context(), user, LevelCompleted))
				done <- struct{}{}
			}()
		}
		track("waiter")
		<-entered // of the first; the waiter now stands at the lock of the second
		for r.Ledger().Delivered == 0 {
			runtime.Gosched()
		}
		track(users[0]) // these take the room, or stand in line behind the waiter
		track(users[0])
		for r.Ledger().Pending < 2 && r.budget.waiting.Load() == 0 {
			runtime.Gosched()
		}
		second.mu.Unlock()
		go func() {
			for range entered {
			}
		}()
		for range 3 {
			<-done
		}
		assert.Zero(t, r.since())
		r.service.answers(nil)
		r.Signal(SessionEnd)
		synctest.Wait()
		close(entered)
	})
}

// inOrder makes lanes whose order within lanes is known, and yields their players in that order.
func (r *rig) inOrder(users ...string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, user := range users {
			r.SetToken(user, Token{Value: "t"})
		}
		for l := range r.lanes() {
			if !yield(l.user) {
				return
			}
		}
	}
}

func TestAWaiterWhosePlayerIsFullHoldsNoRoom(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxEvents: 3, MaxPlayerEvents: 1}, func(t *testing.T, r *rig) {
		answer := make(chan struct{})
		r.service.answers(func(q request) error {
			if q.user == "ace" {
				<-answer
			}
			return nil
		})
		r.track("ace")
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { ended <- r.trackType(ctx, "ace", LevelCompleted) }()
		synctest.Wait()
		assert.Equal(t, int64(1), r.Ledger().Accepted)
		for i := range 10 {
			r.track(fmt.Sprint("device-", i)) // others go on
		}
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		close(answer)
	})
}

func TestEventBytes(t *testing.T) {
	t.Parallel()
	bubble(t, Config{EventBytes: 256}, func(t *testing.T, r *rig) {
		at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
		fits := 256 - len(`{"type":"AppOpen","timestamp":"2026-03-04T05:06:07.000+00:00","customdata":{"k":""}}`)
		var invalid *InvalidEventError
		require.ErrorAs(t, r.Track(t.Context(), "ace", Event{Type: AppOpen, Time: at, Data: map[string]any{"k": strings.Repeat("x", fits+1)}}), &invalid)
		assert.Equal(t, "event", invalid.Field)
		assert.EqualError(t, invalid, "batcher: event refused: event has 257 bytes as JSON, Config.EventBytes allows 256")
		require.NoError(t, r.Track(t.Context(), "ace", Event{Type: AppOpen, Time: at, Data: map[string]any{"k": strings.Repeat("x", fits)}}))
		r.accepted++
		assert.Equal(t, int64(256), r.Stats().PendingBytes)
		assert.Equal(t, PlayerStats{Pending: 1, PendingBytes: 256}, r.Player("ace").Stats())
	})
}

func TestPlayerStats(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		p := r.Player("ace")
		assert.Zero(t, p.Stats())
		require.NoError(t, p.TrackAttrs(t.Context(), LevelCompleted, slog.Int("n", 0)))
		r.count(nil)
		r.service.answers(answersWith(Unavailable))
		after(5 * time.Second)
		s := p.Stats()
		assert.Equal(t, 1, s.Pending)
		assert.Equal(t, 1, s.Failures)
		assert.False(t, s.Parked)
		require.Error(t, s.LastError)
		r.service.answers(answersWith(Forbidden))
		require.NoError(t, within(t, time.Minute).Err())
		after(time.Minute)
		s = p.Stats()
		assert.True(t, s.Parked)
		all := r.Stats()
		assert.Equal(t, 1, all.Parked)
		assert.Equal(t, 1, all.Players)
		assert.Equal(t, int64(2), all.Requests)
		assert.Equal(t, int64(s.PendingBytes), all.PendingBytes)
		require.Error(t, all.LastError)
		assert.Zero(t, all.InFlight)
	})
}
