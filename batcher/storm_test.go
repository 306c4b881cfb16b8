package batcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noTrace checks that nothing is left of those who waited: no room taken, no place in line, no lane of a player without events.
func (r *rig) noTrace() {
	r.t.Helper()
	synctest.Wait()
	assert.Zero(r.t, r.budget.events(), "events of the budget")
	assert.Zero(r.t, r.budget.bytes(), "bytes of the budget")
	assert.Zero(r.t, r.budget.waiting.Load(), "waiters")
	assert.Zero(r.t, r.budget.line.Len(), "places in line")
	after(r.cfg.IdleTimeout)
	assert.Zero(r.t, r.Stats().Players, "lanes")
	assert.Zero(r.t, r.sched.pausing.count+r.sched.linger.count+r.sched.idle.count, "alarms")
}

// TestATrackStormOnAFullBufferIsServedInOrder lets 400 calls wait for room, cancels each third of them, and frees one place after the other.
func TestATrackStormOnAFullBufferIsServedInOrder(t *testing.T) {
	t.Parallel()
	const room, callers = 4, 400
	bubble(t, Config{MaxEvents: room, MaxPlayerEvents: room, BatchEvents: 1, MaxInFlight: 1}, func(t *testing.T, r *rig) {
		answer := make(chan struct{})
		r.service.answers(func(request) error { <-answer; return nil })
		for i := range room {
			r.track(fmt.Sprint("first-", i))
		}
		user := func(i int) string { return fmt.Sprint("caller-", i%200) } // each of 200 players waits twice
		results := make(chan string, callers)
		var cancels []context.CancelFunc
		var want []string
		for i := range callers {
			ctx, cancel := context.WithCancel(t.Context())
			cancels = append(cancels, cancel)
			if i%3 != 1 {
				want = append(want, fmt.Sprint(i, " <nil>"))
			}
			go func() {
				err := r.Track(ctx, user(i), Event{Type: LevelCompleted, Data: []slog.Attr{slog.Int("n", i)}})
				r.count(err)
				results <- fmt.Sprint(i, " ", err)
			}()
			synctest.Wait() // it stands in line now
		}
		assert.Equal(t, callers, r.Stats().Waiting)
		assert.Equal(t, int64(room), r.Ledger().Pending)
		require.ErrorIs(t, r.try("passer-by"), ErrFull)
		for i := 1; i < callers; i += 3 {
			cancels[i]()
		}
		synctest.Wait()
		assert.Equal(t, callers-callers/3, r.Stats().Waiting)
		assert.Equal(t, callers-callers/3, r.budget.line.Len())
		for range callers / 3 {
			assert.Contains(t, <-results, " context canceled")
		}
		var got []string
		for range want {
			answer <- struct{}{}
			synctest.Wait()
			got = append(got, <-results)
			require.Empty(t, results, "one place, one caller")
		}
		assert.Equal(t, want, got)
		assert.Zero(t, r.Stats().Waiting)
		close(answer)
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, int64(room+len(want)), r.Ledger().Delivered)
		r.noTrace()
		for _, cancel := range cancels {
			cancel()
		}
	})
}

// TestATrackStormStarvesNobody: 300 goroutines track without a pause, some with little patience. Who waits is served after those who stood
// in line before, and a request takes a millisecond: so nobody waits for more milliseconds than there are goroutines.
func TestATrackStormStarvesNobody(t *testing.T) {
	t.Parallel()
	const goroutines, each = 300, 20
	for _, row := range []struct {
		name string
		cfg  Config
	}{
		{"events", Config{MaxEvents: 8, MaxPlayerEvents: 8}},
		{"bytes", Config{EventBytes: 256, MaxBytes: 800, MaxPlayerBytes: 800}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.cfg.BatchEvents, row.cfg.MaxInFlight = 1, 1
			bubble(t, row.cfg, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error { time.Sleep(time.Millisecond); return nil })
				var mu sync.Mutex
				longest, gaveUp := time.Duration(0), 0
				var wg sync.WaitGroup
				for g := range goroutines {
					user := fmt.Sprint("device-", g)
					wg.Go(func() {
						for range each {
							patience := time.Hour
							if g%4 == 0 {
								patience = rand.N(400 * time.Millisecond)
							}
							ctx, cancel := context.WithTimeout(t.Context(), patience)
							began := time.Now()
							err := r.trackType(ctx, user, LevelCompleted)
							took := time.Since(began)
							cancel()
							mu.Lock()
							longest = max(longest, took)
							if err != nil {
								gaveUp++
								assert.ErrorIs(t, err, context.DeadlineExceeded)
								assert.Zero(t, g%4, "only the impatient give up")
							}
							mu.Unlock()
						}
					})
				}
				wg.Wait()
				require.NoError(t, r.Flush(t.Context()))
				assert.LessOrEqual(t, longest, (goroutines+8)*time.Millisecond)
				assert.Equal(t, int64(goroutines*each-gaveUp), r.Ledger().Delivered)
				assert.Positive(t, gaveUp)
				r.noTrace()
			})
		})
	}
}

// TestATrackStormOnAFullPlayer: at the bound of one player there is no line; who waits for it holds no room of the others, and all are
// served once room comes. Who gave up leaves no trace.
func TestATrackStormOnAFullPlayer(t *testing.T) {
	t.Parallel()
	const callers = 300
	bubble(t, Config{MaxEvents: 100, MaxPlayerEvents: 4, BatchEvents: 2, MaxInFlight: 4}, func(t *testing.T, r *rig) {
		answer := make(chan struct{})
		r.service.answers(func(q request) error {
			if q.user == "ace" {
				<-answer
			}
			return nil
		})
		r.tracks("ace", 4)
		patient, impatient := make(chan error, callers), make(chan error, callers)
		ctx, cancel := context.WithCancel(t.Context())
		for i := range callers {
			go func() {
				if i%3 == 0 {
					impatient <- r.trackType(ctx, "ace", LevelCompleted)
				} else {
					patient <- r.trackType(t.Context(), "ace", LevelCompleted)
				}
			}()
		}
		synctest.Wait()
		assert.Zero(t, r.Stats().Waiting, "they do not stand in the line of all")
		assert.Equal(t, int64(4), r.Ledger().Pending)
		assert.Equal(t, 4, r.Player("ace").Stats().Pending)
		require.ErrorIs(t, r.try("ace"), ErrFull)
		for i := range 96 {
			r.track(fmt.Sprint("device-", i)) // all the room that is left
		}
		cancel()
		for range callers / 3 {
			require.ErrorIs(t, <-impatient, context.Canceled)
		}
		synctest.Wait()
		assert.Equal(t, int64(100), r.Ledger().Pending)
		r.Signal(LevelEnd)
		for left := callers * 2 / 3; left > 0; {
			answer <- struct{}{}
			synctest.Wait()
			assert.LessOrEqual(t, r.Player("ace").Stats().Pending, 4)
			require.NotEmpty(t, patient, "room for two, and two came in")
			for len(patient) > 0 {
				require.NoError(t, <-patient)
				left--
			}
		}
		close(answer)
		require.NoError(t, r.Flush(t.Context()))
		assert.Equal(t, int64(100+callers*2/3), r.Ledger().Delivered)
		r.noTrace()
	})
}

// TestATrackStormThatCloseEnds: all who wait are sent away, and nothing of theirs is kept.
func TestATrackStormThatCloseEnds(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxEvents: 4, MaxPlayerEvents: 2}, func(t *testing.T, r *rig) {
		r.service.answers(func(q request) error { <-q.ctx.Done(); return q.ctx.Err() })
		r.tracks("ace", 2)
		r.tracks("blitz", 2)
		var wg sync.WaitGroup
		for i := range 300 {
			user := []string{"ace", "blitz", fmt.Sprint("device-", i)}[i%3]
			wg.Go(func() {
				if err := r.trackType(t.Context(), user, LevelCompleted); !errors.Is(err, ErrClosed) {
					t.Errorf("%s: %v", user, err)
				}
			})
		}
		synctest.Wait()
		assert.Equal(t, 100, r.Stats().Waiting)
		report, err := r.Close(within(t, time.Minute))
		require.Error(t, err)
		wg.Wait()
		assert.Equal(t, int64(4), report.Accepted)
		assert.Equal(t, int64(4), report.Returned)
		assert.Zero(t, r.budget.line.Len())
	})
}
