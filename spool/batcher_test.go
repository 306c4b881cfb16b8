package spool_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// discard is a batcher.Sender that builds every body and accepts it at once.
type discard struct{ bodies sync.Pool }

func (d *discard) Send(_ context.Context, b batcher.Batch) (batcher.Receipt, error) {
	body, _ := d.bodies.Get().(*[]byte)
	if body == nil {
		body = new([]byte)
	}
	*body = b.AppendBody((*body)[:0])
	d.bodies.Put(body)
	return batcher.Receipt{}, nil
}

// BenchmarkTrack is one event of one player, without a store and with one; the events are delivered
// meanwhile. Mean counts commits in.
//
//	go test -run '^$' -bench Track ./spool
func BenchmarkTrack(b *testing.B) {
	for _, row := range []struct {
		name      string
		stored    bool
		sync      spool.Sync
		producers int
	}{{"none", false, 0, 1}, {"interval", true, spool.Interval, 1}, {"always-64", true, spool.Always, 64}} {
		b.Run(row.name, func(b *testing.B) {
			cfg := batcher.Config{
				GameID: "com.example.stackblaster", MaxPlayerEvents: 900_000, MaxPlayerBytes: 200 << 20,
				Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{Value: "t"}, nil }),
			}
			if row.stored {
				store := must(spool.Open(b.TempDir(), spool.Options{Sync: row.sync}))
				defer store.Close()
				cfg.Store = store
			}
			out := must(batcher.New(&discard{}, cfg))
			defer out.Close(b.Context())
			p := out.Player("device-abc-123")
			track := func() error {
				return p.TrackAttrs(b.Context(), batcher.LevelCompleted, slog.String("weapon", "plasma-rifle"), slog.Int("damage", 41), slog.Int("eid", 123456))
			}
			b.ReportAllocs()
			if row.producers == 1 {
				for b.Loop() {
					if err := track(); err != nil { // check's Helper would cost as much as Track
						b.Fatal(err)
					}
				}
			} else {
				b.SetParallelism(row.producers / 2) // times two processors
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := track(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// TestEventsOfAPlayerWhoNeverComesBack fill a spool, outlive their process, expire by Config.MaxAge
// in the next one, and give their space back.
func TestEventsOfAPlayerWhoNeverComesBack(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		options := spool.Options{Sync: spool.Interval, Every: time.Minute, SegmentBytes: 128 << 10, MaxBytes: 1 << 20}
		var mu sync.Mutex
		told := map[string]int{}
		cfg := batcher.Config{
			GameID: "com.example.stackblaster", MaxAge: 24 * time.Hour, MaxPlayerEvents: 10_000, MaxPlayerBytes: 16 << 20,
			Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
				if user == "device-gone" {
					return batcher.Token{}, batcher.ErrNoToken
				}
				return batcher.Token{Value: "t"}, nil
			}),
			OnOutcome: func(o batcher.Outcome) {
				mu.Lock()
				defer mu.Unlock()
				told[fmt.Sprint(o.UserID, " ", o.Result)] += len(o.Records)
			},
		}
		results := func() map[string]int {
			mu.Lock()
			defer mu.Unlock()
			return maps.Clone(told)
		}
		begin := func() (*spool.Spool, *batcher.Batcher) {
			store, err := spool.Open(dir, options)
			require.NoError(t, err)
			cfg.Store = store
			b, err := batcher.New(&discard{}, cfg)
			require.NoError(t, err)
			return store, b
		}
		track := func(b *batcher.Batcher, user string) error {
			return b.Player(user).TrackAttrs(t.Context(), batcher.AppOpen, slog.String("pad", strings.Repeat("x", 900)))
		}

		store, b := begin()
		n := 0
		for ; ; n++ {
			if err := track(b, "device-gone"); err != nil {
				require.ErrorIs(t, err, spool.ErrFull)
				break
			}
		}
		require.Greater(t, n, 900)
		report, err := b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, batcher.Ledger{Accepted: int64(n), Spooled: int64(n)}, report.Ledger)
		require.NoError(t, store.Close())
		full := segmentBytes(t, dir)
		require.Greater(t, full, int64(900<<10))

		time.Sleep(time.Hour) // nothing runs
		store, b = begin()
		time.Sleep(22 * time.Hour)
		assert.Empty(t, results())
		assert.Equal(t, int64(n), b.Ledger().Pending)
		require.ErrorIs(t, track(b, "device-back"), spool.ErrFull)
		time.Sleep(time.Hour + 2*time.Minute)
		assert.Equal(t, map[string]int{"device-gone expired": n}, results())
		assert.Less(t, segmentBytes(t, dir), full/5)
		require.NoError(t, track(b, "device-back"), "there is room again")
		report, err = b.Close(t.Context())
		require.NoError(t, err)
		assert.Equal(t, batcher.Ledger{Accepted: int64(n) + 1, Expired: int64(n), Delivered: 1}, report.Ledger)
		require.NoError(t, store.Close())
	})
	view, err := spool.Inspect(dir)
	require.NoError(t, err)
	for e, err := range view.Events() {
		require.NoError(t, err)
		assert.Fail(t, "it waits", "%s", e.JSON)
	}
	require.NoError(t, view.Close())
}
