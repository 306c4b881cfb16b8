package batcher

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTenThousandParkedLanesGetTokensAtOnce: all that waited is delivered in order, with no more requests and no more questions to the
// token source at once than MaxInFlight, and one question for each player who has no token.
func TestTenThousandParkedLanesGetTokensAtOnce(t *testing.T) {
	t.Parallel()
	const (
		players = 10_000
		events  = 3
		most    = 16
	)
	for _, row := range []struct {
		name   string
		unpark func(r *rig, user string)
		asked  int  // per player, after they were parked
		late   bool // the source has tokens then
	}{
		{"SetToken", func(r *rig, user string) { r.SetToken(user, Token{Value: "set"}) }, 0, false},
		{"Resume", func(r *rig, user string) { r.Resume(user) }, 1, true},
		{"both", func(r *rig, user string) { r.Resume(user); r.SetToken(user, Token{Value: "set"}) }, 1, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			withSource(t, Config{MaxInFlight: most}, func(t *testing.T, r *rig, s *source) {
				user := func(i int) string { return fmt.Sprint("device-", i) }
				s.gives(func(context.Context, string, int) (Token, error) { return Token{}, ErrNoToken })
				for i := range players {
					r.tracks(user(i), events)
				}
				after(time.Minute)
				require.Len(t, r.Parked(), players)
				total, _ := s.calls()
				require.Equal(t, players, total, "one question each")
				assert.Empty(t, r.service.requests())

				if row.late {
					s.gives(func(context.Context, string, int) (Token, error) {
						time.Sleep(time.Millisecond)
						return Token{Value: "late"}, nil
					})
				}
				r.service.answers(func(request) error { time.Sleep(time.Millisecond); return nil })
				began := r.since()
				var wg sync.WaitGroup
				for g := range 8 {
					wg.Go(func() {
						for i := g; i < players; i += 8 {
							row.unpark(r, user(i))
						}
					})
				}
				wg.Wait()
				assert.Zero(t, r.since()-began, "nobody who gives tokens waits")
				assert.LessOrEqual(t, r.Stats().InFlight, most)
				require.NoError(t, r.Flush(t.Context()))
				synctest.Wait()

				assert.Empty(t, r.Parked())
				assert.Equal(t, int64(players*events), r.Ledger().Delivered)
				assert.Equal(t, most, r.service.most, "requests at once: as many as there may be, and no more")
				assert.Len(t, r.service.requests(), players, "one request each")
				total, peak := s.calls()
				assert.LessOrEqual(t, total, players+players*row.asked)
				assert.LessOrEqual(t, peak, most, "questions to the source at once")
				for _, o := range r.told() {
					if !assert.Equal(t, upTo(events), o.Ns, "order, of "+o.User) {
						return
					}
				}
				// A request and a question take a millisecond each, and as many run side by side as there may be.
				took := r.since() - began
				assert.LessOrEqual(t, took, time.Duration(1+row.asked)*players/most*time.Millisecond+time.Second)
				for i := range players {
					if len(s.times(user(i))) > 1+row.asked {
						t.Fatalf("%s: asked for %d times", user(i), len(s.times(user(i))))
					}
				}
			})
		})
	}
}

// TestTenThousandParkedLanesGetBadTokensAtOnce: the service refuses them all. Each is tried once, and parked again.
func TestTenThousandParkedLanesGetBadTokensAtOnce(t *testing.T) {
	t.Parallel()
	const players = 10_000
	withSource(t, Config{MaxInFlight: 16}, func(t *testing.T, r *rig, s *source) {
		s.gives(func(context.Context, string, int) (Token, error) { return Token{}, ErrNoToken })
		for i := range players {
			r.track(fmt.Sprint("device-", i))
		}
		after(time.Minute)
		require.Len(t, r.Parked(), players)
		r.service.answers(func(request) error { time.Sleep(time.Millisecond); return failure(Forbidden) })
		for i := range players {
			r.SetToken(fmt.Sprint("device-", i), Token{Value: "stale"})
		}
		after(time.Hour)
		assert.Len(t, r.Parked(), players)
		assert.Len(t, r.service.requests(), players)
		total, _ := s.calls()
		assert.Equal(t, players, total)
		assert.Equal(t, int64(players), r.Ledger().Pending, "kept")
		assert.False(t, r.Stats().Outage)
	})
}
