package batcher

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests of Erase: whatever a player's lane is doing, what waits is dropped and told, and nothing of it is sent afterwards.

func TestEraseDropsWhatWaitsAndTellsIt(t *testing.T) {
	t.Parallel()
	outage := func(t *testing.T, r *rig) {
		r.service.answers(answersWith(NotSent))
		for _, user := range []string{"blitz", "comet", "dash"} {
			r.track(user)
		}
		after(20 * time.Second)
		require.True(t, r.Stats().Outage)
	}
	for _, tt := range []struct {
		name string
		cfg  Config
		// before is done before Erase, which is to drop so many events of ace.
		before func(t *testing.T, r *rig)
		want   Erasure
	}{
		{"nothing was ever tracked", Config{}, func(*testing.T, *rig) {}, Erasure{}},
		{"everything was delivered", Config{}, func(_ *testing.T, r *rig) { r.tracks("ace", 3); after(time.Minute) }, Erasure{}},
		{"they linger", Config{}, func(_ *testing.T, r *rig) { r.tracks("ace", 3) }, Erasure{Events: 3}},
		{"several blocks", Config{BatchEvents: 2, Linger: time.Hour, MaxInFlight: 1}, func(_ *testing.T, r *rig) {
			r.service.answers(func(q request) error { <-q.ctx.Done(); return q.ctx.Err() })
			r.tracks("blitz", 2) // has the only sending goroutine
			after(time.Second)
			r.tracks("ace", 5)
		}, Erasure{Events: 5}},
		{"a pause after a failure", Config{}, func(_ *testing.T, r *rig) {
			r.service.answers(answersWith(Throttled, time.Minute))
			r.tracks("ace", 3)
			after(10 * time.Second)
		}, Erasure{Events: 3}},
		{"a pause in doubt", Config{}, func(_ *testing.T, r *rig) {
			r.service.answers(answersWith(InDoubt, time.Minute))
			r.tracks("ace", 3)
			after(10 * time.Second)
		}, Erasure{Events: 3, InDoubt: 3}},
		{"parked without a token", Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{}, ErrNoToken })}, func(t *testing.T, r *rig) {
			r.tracks("ace", 3)
			after(10 * time.Second)
			require.Len(t, r.Parked(), 1)
		}, Erasure{Events: 3}},
		{"ready while the gate is shut", Config{}, func(t *testing.T, r *rig) {
			outage(t, r)
			r.tracks("ace", 3)
			r.Player("ace").Signal(LevelEnd)
		}, Erasure{Events: 3}},
		{"two batches, one of them tried in an outage", Config{BatchEvents: 2}, func(t *testing.T, r *rig) {
			r.service.answers(answersWith(NotSent))
			r.tracks("ace", 4)
			outage(t, r)
		}, Erasure{Events: 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, tt.cfg, func(t *testing.T, r *rig) {
				r.started()
				tt.before(t, r)
				delivered := r.numbered("ace", Delivered)
				begin := r.since()
				got, err := r.Erase(t.Context(), "ace")
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
				assert.Zero(t, r.since()-begin, "it does not wait for a gate, a pause or other players")
				assert.Equal(t, delivered, r.numbered("ace", Delivered))
				for _, o := range r.told() {
					if o.Result == Erased {
						assert.Equal(t, "ace", o.User)
						assert.ErrorIs(t, o.Err, ErrErased)
					}
				}
				assert.Len(t, r.numbered("ace", Erased), tt.want.Events)
				assert.Equal(t, int64(tt.want.Events), r.Ledger().Erased)
				assert.Equal(t, PlayerStats{}, r.Player("ace").Stats())
				assert.NotContains(t, r.Parked(), "ace")
				r.balances()

				requests := len(r.service.requests("ace"))
				r.service.answers(nil)
				r.SetToken("ace", Token{Value: "new"})
				r.Resume("ace")
				require.ErrorIs(t, r.try("ace"), ErrErased)
				require.ErrorIs(t, r.Player("ace").TrackAttrs(t.Context(), AppOpen), ErrErased)
				after(time.Hour)
				assert.Len(t, r.service.requests("ace"), requests, "nothing is sent any more")
				assert.Nil(t, r.find("ace").token, "a token that came later is not kept")

				again, err := r.Erase(t.Context(), "ace")
				require.NoError(t, err)
				assert.Equal(t, Erasure{}, again, "a second call finds nothing")
				assert.Zero(t, r.Ledger().Pending, "the others are not touched: they were delivered when the service came back")
			})
		})
	}
}

func TestEraseWaitsForTheRequestUnderWay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		end       error // of the request
		want      Erasure
		delivered int
	}{
		{"that succeeds", nil, Erasure{Events: 2}, 2},
		{"that is in doubt", failure(InDoubt), Erasure{Events: 4, InDoubt: 2}, 0},
		{"that was not sent", failure(NotSent), Erasure{Events: 4}, 0},
		{"that is throttled", throttled(time.Minute), Erasure{Events: 4}, 0},
		{"whose token is refused", failure(Unauthorized), Erasure{Events: 4}, 0},
		{"whose token is another's", failure(Forbidden), Erasure{Events: 4}, 0},
		{"that is too large", failure(TooLarge), Erasure{Events: 4}, 0},
		{"that holds a bad event", failure(Invalid), Erasure{Events: 4}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchEvents: 2}, func(t *testing.T, r *rig) {
				r.service.answers(func(request) error { time.Sleep(10 * time.Second); return tt.end })
				r.tracks("ace", 4)
				synctest.Wait()
				short := within(t, time.Second)
				got, err := r.Erase(short, "ace")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, Erasure{}, got)
				assert.False(t, r.Readmit("ace"), "it is not over")
				require.ErrorIs(t, r.try("ace"), ErrErased, "but nothing more is taken")

				got, err = r.Erase(t.Context(), "ace")
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
				assert.Equal(t, 10*time.Second, r.since())
				assert.Len(t, r.numbered("ace", Delivered), tt.delivered)
				assert.Len(t, r.numbered("ace", Erased), tt.want.Events)
				assert.Zero(t, r.Ledger().Pending)
				after(time.Hour)
				assert.Len(t, r.service.requests("ace"), 1)
			})
		})
	}
}

func TestEraseWhileATokenIsFetched(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	cfg := Config{Tokens: TokenFunc(func(context.Context, string) (Token, error) { <-asked; return Token{Value: "late"}, nil })}
	bubble(t, cfg, func(t *testing.T, r *rig) {
		asked = make(chan struct{})
		r.tracks("ace", 3)
		after(6 * time.Second)
		var wait sync.WaitGroup
		wait.Go(func() {
			_, err := r.Erase(t.Context(), "ace")
			assert.NoError(t, err)
		})
		synctest.Wait()
		close(asked)
		wait.Wait()
		assert.Zero(t, r.Ledger().Pending)
		l := r.find("ace")
		l.mu.Lock() // the lane may not have settled down yet
		defer l.mu.Unlock()
		assert.Nil(t, l.token)
	})
}

func TestTrackThatWaitsForRoomIsToldOfTheErasure(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxPlayerEvents: 2, Linger: time.Hour}, func(t *testing.T, r *rig) {
		r.service.answers(answersWith(Throttled, time.Minute))
		r.tracks("ace", 2)
		var wait sync.WaitGroup
		wait.Go(func() { assert.ErrorIs(t, r.trackType(t.Context(), "ace", AppOpen), ErrErased) })
		after(time.Second)
		got, err := r.Erase(t.Context(), "ace")
		require.NoError(t, err)
		assert.Equal(t, Erasure{Events: 2}, got)
		wait.Wait()
	})
}

func TestReadmit(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		assert.True(t, r.Readmit("ace"), "who is not erased is taken anyway")
		_, err := r.Erase(t.Context(), "ace")
		require.NoError(t, err)
		after(time.Hour)
		require.ErrorIs(t, r.try("ace"), ErrErased, "an erased player is not forgotten")
		assert.True(t, r.Readmit("ace"))
		r.track("ace")
		require.NoError(t, r.Player("ace").Flush(t.Context()))
		assert.Equal(t, []int{0}, r.numbered("ace", Delivered))
		after(time.Hour)
		assert.Zero(t, r.Stats().Players, "and is forgotten like others")
	})
}

func TestEraseAndFlushAndClose(t *testing.T) {
	t.Parallel()
	t.Run("Flush returns when what it waited for was erased", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			r.service.answers(answersWith(Throttled, time.Minute))
			r.tracks("ace", 3)
			var wait sync.WaitGroup
			wait.Go(func() { assert.NoError(t, r.Flush(t.Context())) })
			after(time.Second)
			_, err := r.Erase(t.Context(), "ace")
			require.NoError(t, err)
			wait.Wait()
		})
	})
	t.Run("Close waits for the callback of an erasing", func(t *testing.T) {
		t.Parallel()
		slow := func(o Outcome) {
			if o.Result == Erased {
				time.Sleep(50 * time.Millisecond)
			}
		}
		bubble(t, Config{OnOutcome: slow}, func(t *testing.T, r *rig) {
			r.tracks("ace", 3)
			var wait sync.WaitGroup
			wait.Go(func() {
				got, err := r.Erase(t.Context(), "ace")
				assert.NoError(t, err)
				assert.Equal(t, Erasure{Events: 3}, got)
			})
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			report, err := r.Close(ctx)
			require.NoError(t, err)
			assert.Equal(t, Ledger{Accepted: 3, Erased: 3}, report.Ledger)
			wait.Wait()
		})
	})
	t.Run("after Close the report has the events", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			r.service.answers(answersWith(Throttled, time.Minute))
			r.tracks("ace", 3)
			r.close()
			_, err := r.Erase(t.Context(), "ace")
			require.ErrorIs(t, err, ErrClosed)
			_, err = r.Erase(t.Context(), "blitz")
			require.NoError(t, err, "of whom nothing was left")
		})
	})
	t.Run("Close comes while Erase waits", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			r.service.answers(func(q request) error { <-q.ctx.Done(); return q.ctx.Err() })
			r.tracks("ace", 3)
			after(6 * time.Second)
			var wait sync.WaitGroup
			wait.Go(func() {
				_, err := r.Erase(t.Context(), "ace")
				assert.ErrorIs(t, err, ErrClosed)
			})
			synctest.Wait()
			r.close()
			wait.Wait()
			assert.Equal(t, int64(3), r.Ledger().Returned, "one that was cancelled by Close is handed back with its doubt")
		})
	})
}

func TestEraseRefusesWhatNoPlayerIsCalled(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		for _, user := range []string{"", "\xff"} {
			_, err := r.Erase(t.Context(), user)
			var invalid *InvalidEventError
			require.ErrorAs(t, err, &invalid)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r.track("ace")
		_, err := r.Erase(ctx, "ace")
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, r.Player("ace").TryTrackAttrs(AppOpen, slog.Int("n", 1)), "nothing was done")
		r.count(nil)
		require.NoError(t, r.Flush(t.Context()))
	})
}
