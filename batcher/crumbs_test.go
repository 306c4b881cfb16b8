package batcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How full requests are while there is no room: whoever waits for room makes everything go, and must not make it go in crumbs.

// TestAFullBudgetSendsFullBatches tracks a long backlog from one goroutine, as a relay does, into a batcher that is always full.
func TestAFullBudgetSendsFullBatches(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		players, run int // players take turns, each with so many events
		want         float64
	}{
		{32, 1, 150},
		{32, 50, 150},
		{320, 1, 20},
		{320, 50, 20},
	} {
		t.Run(fmt.Sprintf("%d players, runs of %d", row.players, row.run), func(t *testing.T) {
			t.Parallel()
			cfg := Config{MaxEvents: 8192, MaxPlayerEvents: 819, MaxInFlight: 8, Linger: 200 * time.Millisecond}
			bubble(t, cfg, func(t *testing.T, r *rig) {
				r.started()
				r.service.answers(func(request) error { time.Sleep(18 * time.Millisecond); return nil })
				for n := range 100_000 {
					if n == 20_000 { // it is full by now
						r.service.forget()
					}
					r.track(fmt.Sprint("device-", n/row.run%row.players))
				}
				events := 0
				for _, ns := range r.service.batches() {
					events += len(ns)
				}
				require.Greater(t, events, 50_000)
				assert.GreaterOrEqual(t, float64(events)/float64(len(r.service.requests())), row.want, "events a request")
				t.Logf("%.1f events a request", float64(events)/float64(len(r.service.requests())))
				require.NoError(t, r.Flush(t.Context()))
				for i := range row.players {
					got := r.numbered(fmt.Sprint("device-", i), Delivered)
					assert.Equal(t, upTo(len(got)), got)
				}
			})
		})
	}
}

// TestAFullPlayerSendsFullBatches: the same for the bound of one player.
func TestAFullPlayerSendsFullBatches(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxPlayerEvents: 600}, func(t *testing.T, r *rig) {
		r.service.answers(func(request) error { time.Sleep(18 * time.Millisecond); return nil })
		r.tracks("ace", 20_000)
		require.NoError(t, r.Flush(t.Context()))
		assert.LessOrEqual(t, len(r.service.requests()), 110, "of 200 events nearly all")
		assert.Equal(t, upTo(20_000), r.numbered("ace", Delivered))
	})
}

// TestSignalsDuringAPauseSendFullBatches: each level's end signals, and the player cannot send for a while.
func TestSignalsDuringAPauseSendFullBatches(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		r.service.answers(script(throttled(time.Minute)))
		for range 51 {
			r.track("ace")
			r.Player("ace").Signal(LevelEnd)
			after(time.Second)
		}
		r.service.forget()
		after(time.Minute)
		assert.Equal(t, [][]int{{0}, from(1, 50)}, r.service.batches())
	})
}

// BenchmarkTrackAtTheBound is a Track that waits for room each time, by how many players are remembered.
func BenchmarkTrackAtTheBound(b *testing.B) {
	for _, remembered := range []int{10, 100_000} {
		b.Run(fmt.Sprint(remembered), func(b *testing.B) {
			cfg := Config{GameID: game, Tokens: oneToken, MaxEvents: 100, MaxPlayerEvents: 100, MaxInFlight: 4, BatchEvents: 1}
			out, err := New(&discard{}, cfg)
			require.NoError(b, err)
			b.Cleanup(func() { _, _ = out.Close(b.Context()) })
			for i := range remembered {
				out.SetToken(fmt.Sprint("idle-", i), Token{Value: "t"})
			}
			var players [50]*Player
			for i := range players {
				players[i] = out.Player(fmt.Sprint("device-", i))
			}
			for i := 0; b.Loop(); i++ {
				if err := players[i%len(players)].Track(b.Context(), Event{Type: AppOpen}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
