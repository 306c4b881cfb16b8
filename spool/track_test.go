package spool_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// discard is a batcher.Sender that builds every body and accepts it at once.
type discard struct{ bodies sync.Pool }

func (d *discard) Send(_ context.Context, b batcher.Batch) error {
	body, _ := d.bodies.Get().(*[]byte)
	if body == nil {
		body = new([]byte)
	}
	*body = b.AppendBody((*body)[:0])
	d.bodies.Put(body)
	return nil
}

// BenchmarkTrack is one event of one player, without a store and with one; the events are delivered meanwhile. Mean counts commits in.
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
