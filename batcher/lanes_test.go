package batcher

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowd is a Sender that counts: for a crowd of players too large to be written down.
type crowd struct {
	down     atomic.Bool  // nothing is sent
	events   atomic.Int64 // that were accepted
	inFlight atomic.Int64
	most     atomic.Int64 // requests under way at once
	routines atomic.Int64 // goroutines of the process at once, at most
}

// Send implements Sender.
func (c *crowd) Send(_ context.Context, b Batch) (Receipt, error) {
	if c.down.Load() {
		return Receipt{}, failure(NotSent)
	}
	raise(&c.most, c.inFlight.Add(1))
	raise(&c.routines, int64(runtime.NumGoroutine()))
	runtime.Gosched()
	c.inFlight.Add(-1)
	c.events.Add(int64(b.Events))
	return Receipt{}, nil
}

// raise sets a maximum to n where that is more.
func raise(most *atomic.Int64, n int64) {
	for was := most.Load(); was < n && !most.CompareAndSwap(was, n); was = most.Load() {
	}
}

// newCrowd returns a batcher with room for a crowd whose events linger until somebody flushes.
func newCrowd(t testing.TB, c *crowd, players int) *Batcher {
	t.Helper()
	b, err := New(c, Config{GameID: game, Tokens: oneToken, Linger: time.Hour, MaxEvents: 4*players + 1000, MaxBytes: 1 << 30})
	require.NoError(t, err)
	return b
}

// trackAll tracks an event of each player; the pad is one of its texts.
func trackAll(t testing.TB, b *Batcher, players int, pad string) {
	t.Helper()
	for i := range players {
		if err := b.Player(fmt.Sprintf("device-%07d", i)).TryTrackAttrs(LevelCompleted, slog.String("pad", pad)); err != nil {
			t.Fatal(err)
		}
	}
}

// alive returns the bytes of the objects that are alive.
func alive() int64 {
	runtime.GC()
	runtime.GC() // a pool keeps what it holds for one more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAMillionLanes has 50,000 of them; BenchmarkAMillionLanes the million. Stats, Flush and Close see all players, with no more
// goroutines than MaxInFlight, and all players are forgotten in the end.
func TestAMillionLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const players = 50_000
		c := &crowd{}
		b := newCrowd(t, c, players)
		trackAll(t, b, players, "x")
		s := b.Stats()
		assert.Equal(t, players, s.Players)
		assert.Equal(t, int64(players), s.Pending)
		assert.Zero(t, s.InFlight, "all of them linger")
		require.NoError(t, b.Flush(t.Context()))
		assert.Equal(t, int64(players), c.events.Load())
		assert.Equal(t, players, b.Stats().Players, "remembered")
		after(10 * time.Minute)
		assert.Zero(t, b.Stats().Players, "forgotten after IdleTimeout")
		trackAll(t, b, players, "x")
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, players, report.Players)
		assert.Equal(t, int64(2*players), report.Delivered)
		assert.Equal(t, int64(2*players), c.events.Load())
		assert.LessOrEqual(t, c.most.Load(), int64(64), "MaxInFlight")
	})
}

// TestAMillionLanesThatCannotSend has 20,000 of them: Close hands all back, and the outage costs no request for each.
func TestAMillionLanesThatCannotSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const players = 20_000
		c := &crowd{}
		c.down.Store(true)
		b := newCrowd(t, c, players)
		trackAll(t, b, players, "x")
		flush := make(chan error, 1)
		go func() { flush <- b.Flush(within(t, time.Minute)) }()
		report, err := b.Close(within(t, 2*time.Minute))
		require.Error(t, err)
		require.ErrorIs(t, <-flush, context.DeadlineExceeded)
		assert.Equal(t, players, report.Players)
		assert.Len(t, report.LeftOver, players)
		assert.Equal(t, int64(players), report.Returned)
		assert.Less(t, b.Stats().Requests, int64(200), "about a probe a second")
	})
}

// BenchmarkAMillionLanes prints what a million players cost.
func BenchmarkAMillionLanes(b *testing.B) {
	const players = 1_000_000
	for b.Loop() {
		c := &crowd{}
		before := alive()
		out := newCrowd(b, c, players)
		timed := func(name string, f func()) {
			began := time.Now()
			f()
			b.ReportMetric(time.Since(began).Seconds(), name)
		}
		timed("s-track", func() { trackAll(b, out, players, "x") })
		b.ReportMetric(float64(alive()-before)/players, "B/lane-with-event")
		timed("s-stats", func() { require.Equal(b, players, out.Stats().Players) })
		timed("s-flush", func() { require.NoError(b, out.Flush(b.Context())) })
		b.ReportMetric(float64(alive()-before)/players, "B/lane-remembered")
		trackAll(b, out, players, "x")
		timed("s-close", func() {
			report, err := out.Close(b.Context())
			require.NoError(b, err)
			require.Equal(b, players, report.Players)
		})
		require.Equal(b, int64(2*players), c.events.Load())
		require.LessOrEqual(b, c.most.Load(), int64(64))
		b.ReportMetric(float64(c.routines.Load()), "goroutines")
	}
}

// BenchmarkMemoryOfEvents prints the heap that a byte of JSON takes while it waits: what Config.MaxBytes does not count.
func BenchmarkMemoryOfEvents(b *testing.B) {
	for _, pad := range []int{10, 400, 4000} {
		for _, each := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("pad=%d/events=%d", pad, each), func(b *testing.B) {
				text := strings.Repeat("x", pad)
				players := max(32<<20/each/(pad+90), 1)
				for b.Loop() {
					c := &crowd{}
					c.down.Store(true)
					before := alive()
					out, err := New(c, Config{
						GameID: game, Tokens: oneToken, Linger: time.Hour, MaxEvents: 10_000_000, MaxBytes: 1 << 30,
					})
					require.NoError(b, err)
					for range each {
						trackAll(b, out, players, text)
					}
					bytes := out.Stats().PendingBytes
					b.ReportMetric(float64(alive()-before)/float64(bytes), "heap-B/json-B")
					b.ReportMetric(float64(bytes)/float64(each*players), "json-B/event")
					ctx, cancel := context.WithCancel(b.Context())
					cancel()
					_, _ = out.Close(ctx) // what is left over was never to be sent
				}
			})
		}
	}
}

// TestStatsOfManyPlayersFromManyGoroutines: nobody who looks at all players holds those up who track.
func TestStatsOfManyPlayersFromManyGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const players = 5_000
		c := &crowd{}
		b := newCrowd(t, c, players)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 5 {
					s := b.Stats()
					assert.LessOrEqual(t, s.Players, players)
					assert.NoError(t, b.Flush(t.Context()))
				}
			})
			wg.Go(func() { trackAll(t, b, players, "x") })
		}
		wg.Wait()
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(4*players), report.Delivered)
		assert.Equal(t, int64(4*players), c.events.Load())
	})
}
