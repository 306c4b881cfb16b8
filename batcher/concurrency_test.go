package batcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBatcherIsConcurrentSafe does everything from many goroutines at once, against a service and a source that fail at random, and closes
// in the middle of it. It runs in a bubble: a deadlock or a goroutine that is left ends the test.
func TestBatcherIsConcurrentSafe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		cfg  Config
	}{
		{"roomy", Config{BatchEvents: 10}},
		{"tight", Config{BatchEvents: 3, MaxEvents: 12, MaxPlayerEvents: 4, MaxInFlight: 2}},
		{"few bytes", Config{BatchEvents: 3, EventBytes: 256, MaxBytes: 1024, MaxPlayerBytes: 512, MaxInFlight: 3}},
		{"all options", Config{
			BatchEvents: 5, MaxAge: 2 * time.Second, Linger: 10 * time.Millisecond, AtMostOnce: []EventType{IAPPurchase}, EventIDKey: "eid",
			IdleTimeout: 20 * time.Millisecond, MaxEvents: 100, MaxInFlight: 4,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var told, accepted atomic.Int64
			cfg := row.cfg
			cfg.OnOutcome = func(o Outcome) { told.Add(int64(len(o.Records))) }
			cfg.Tokens = TokenFunc(func(ctx context.Context, _ string) (Token, error) {
				switch rand.N(20) {
				case 0:
					return Token{}, ErrNoToken
				case 1:
					return Token{}, errors.New("session table is down")
				case 2:
					time.Sleep(time.Millisecond)
				}
				return Token{Value: Secret("t" + fmt.Sprint(rand.N(1000))), Expires: time.Now().Add(time.Minute + rand.N(time.Second))}, ctx.Err()
			})
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.service.answers(func(q request) error {
					select {
					case <-time.After(rand.N(5 * time.Millisecond)):
					case <-q.ctx.Done():
						return q.ctx.Err()
					}
					if f := Failure(rand.N(24)); f <= TooLarge {
						return failure(f)
					}
					return nil
				})
				const players = 6
				var users, closers sync.WaitGroup
				for g := range 12 {
					users.Go(func() {
						p := r.Player(fmt.Sprint("device-", g%players))
						for i := range 60 {
							ctx, cancel := context.WithTimeout(t.Context(), rand.N(50*time.Millisecond))
							var err error
							switch (g + i) % 4 {
							case 0:
								err = p.TrackAttrs(ctx, LevelCompleted, slog.Int("i", i))
							case 1:
								err = r.Track(ctx, fmt.Sprint("device-", i%players), Event{Type: IAPPurchase, Data: map[string]any{"i": []int{i}}})
							case 2:
								err = p.TryTrack(Event{Type: AppOpen})
							default:
								err = p.TryTrackAttrs(GameEnd, slog.Int("i", i))
							}
							switch {
							case err == nil:
								accepted.Add(1)
							case !errors.Is(err, ErrFull) && !errors.Is(err, ErrClosed) && !errors.Is(err, context.DeadlineExceeded):
								t.Errorf("unexpected: %v", err)
							}
							cancel()
						}
					})
				}
				for g := range 4 {
					users.Go(func() {
						for i := range 30 {
							user := fmt.Sprint("device-", i%players)
							p := r.Player(user)
							ctx, cancel := context.WithTimeout(t.Context(), rand.N(20*time.Millisecond))
							switch (g + i) % 8 {
							case 0:
								_ = r.Flush(ctx) // its deadline may come first
							case 1:
								_ = p.Flush(ctx) // the same
							case 2:
								_ = p.End(ctx) // the same
							case 3:
								r.Signal(LevelEnd)
								p.Signal(SessionEnd)
							case 4:
								r.SetToken(user, Token{Value: "set", Expires: time.Now().Add(time.Minute + rand.N(time.Second))})
							case 5:
								for _, parked := range r.Parked() {
									r.Resume(parked.UserID)
								}
							case 6:
								l := r.Stats().Ledger
								assert.Equal(t, l.Accepted, l.Delivered+l.Rejected+l.Expired+l.Unknown+l.Returned+l.Pending)
								p.Stats()
							default:
								time.Sleep(rand.N(10 * time.Millisecond))
							}
							cancel()
						}
					})
				}
				reports := make(chan Report, 3)
				time.Sleep(rand.N(300 * time.Millisecond))
				for range cap(reports) {
					closers.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						report, err := r.Close(ctx)
						if !errors.Is(err, context.DeadlineExceeded) {
							reports <- report
						}
					})
				}
				users.Wait()
				closers.Wait()
				report, _ := r.Close(t.Context()) // what is left over is counted
				close(reports)
				for other := range reports {
					assert.Equal(t, report, other)
				}
				back := int64(0)
				for _, o := range report.LeftOver {
					back += int64(len(o.Records))
				}
				assert.Equal(t, accepted.Load(), report.Accepted)
				assert.Equal(t, accepted.Load(), told.Load()+back, "every event is told or handed back, once")
				assert.Zero(t, report.Pending)
				r.accepted = accepted.Load()
			})
		})
	}
}

// TestTrackIsConcurrentSafe is about Track alone, in real time: many goroutines, players that are shared and players that are not.
func TestTrackIsConcurrentSafe(t *testing.T) {
	t.Parallel()
	r := newRig(t, Config{Linger: time.Millisecond, MaxEvents: 500, MaxPlayerEvents: 100, BatchEvents: 20})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			own := fmt.Sprint("device-", g)
			for range 50 {
				if !assert.NoError(t, r.trackType(t.Context(), own, LevelCompleted)) ||
					!assert.NoError(t, r.trackType(t.Context(), "shared", LevelCompleted)) {
					return
				}
			}
		})
	}
	wg.Wait()
	report, err := r.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Ledger{Accepted: 1600, Delivered: 1600}, report.Ledger)
	for g := range 16 {
		assert.Equal(t, upTo(50), r.numbered(fmt.Sprint("device-", g), Delivered), "order")
	}
	assert.ElementsMatch(t, upTo(800), r.numbered("shared", Delivered))
	assert.Empty(t, r.service.twice)
}

// TestCloseIsConcurrentSafe has Track and Close meet in every way: an event that was accepted is delivered or handed back.
func TestCloseIsConcurrentSafe(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{MaxEvents: 10, MaxPlayerEvents: 5})
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for {
						if err := r.trackType(t.Context(), fmt.Sprint("device-", g%3), LevelCompleted); err != nil {
							assert.ErrorIs(t, err, ErrClosed)
							return
						}
					}
				})
			}
			for range 3 {
				wg.Go(func() {
					_, err := r.Close(t.Context())
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			r.close()
		})
	}
}
