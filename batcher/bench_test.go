package batcher

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"
)

// discard is a Sender that builds every body and accepts it at once.
type discard struct{ bodies sync.Pool }

func (d *discard) Send(_ context.Context, b Batch) (Receipt, error) {
	body, _ := d.bodies.Get().(*[]byte)
	if body == nil {
		body = new([]byte)
	}
	*body = b.AppendBody((*body)[:0])
	d.bodies.Put(body)
	return Receipt{}, nil
}

func discarding(b *testing.B) *Batcher {
	b.Helper()
	out, err := New(&discard{}, Config{
		GameID: "com.example.stackblaster", MaxPlayerEvents: 900_000, MaxPlayerBytes: 200 << 20,
		Tokens: TokenFunc(func(context.Context, string) (Token, error) { return Token{Value: "t"}, nil }),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = out.Close(context.Background()) }) //nolint:usetesting // the benchmark's context has ended by then
	return out
}

// BenchmarkEncode is the same event by a bare append encoder, written for its three fields: what TrackAttrs is measured against.
func BenchmarkEncode(b *testing.B) {
	buf := make([]byte, 0, 512)
	weapon, damage, eid := "plasma-rifle", 41, 123456
	b.ReportAllocs()
	for b.Loop() {
		buf = append(buf[:0], `{"type":"LevelCompleted","timestamp":"`...)
		buf = appendTimestamp(buf, time.Now().UTC())
		buf = append(buf, `","customdata":{"weapon":"`...)
		buf = append(buf, weapon...)
		buf = append(buf, `","damage":`...)
		buf = strconv.AppendInt(buf, int64(damage), 10)
		buf = append(buf, `,"eid":`...)
		buf = strconv.AppendInt(buf, int64(eid), 10)
		buf = append(buf, "}}"...)
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkTrackAttrs is one event of one player.
func BenchmarkTrackAttrs(b *testing.B) {
	p := discarding(b).Player("device-abc-123")
	b.ReportAllocs()
	for b.Loop() {
		err := p.TrackAttrs(b.Context(), LevelCompleted, slog.String("weapon", "plasma-rifle"), slog.Int("damage", 41), slog.Int("eid", 123456))
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrackMap is the same with a map, beside encoding/json of that map alone.
func BenchmarkTrackMap(b *testing.B) {
	b.Run("track", func(b *testing.B) {
		p := discarding(b).Player("device-abc-123")
		b.ReportAllocs()
		for b.Loop() {
			err := p.Track(b.Context(), Event{Type: LevelCompleted, Data: map[string]any{"weapon": "plasma-rifle", "damage": 41, "eid": 123456}})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(map[string]any{"weapon": "plasma-rifle", "damage": 41, "eid": 123456}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTrackPlayers spreads events over players.
func BenchmarkTrackPlayers(b *testing.B) {
	for _, n := range []int{1, 1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			out := discarding(b)
			players := make([]*Player, n)
			for i := range players {
				players[i] = out.Player(fmt.Sprintf("device-%06d", i))
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				err := players[i%n].TrackAttrs(b.Context(), LevelCompleted, slog.String("weapon", "plasma-rifle"), slog.Int("damage", 41), slog.Int("eid", 123456))
				if err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
