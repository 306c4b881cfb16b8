package batcher

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sized returns an event whose JSON has so many bytes.
func sized(bytes int) Event {
	e := Event{Type: AppOpen, Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	frame := len(`{"type":"AppOpen","timestamp":"2026-03-04T05:06:07.000+00:00","customdata":{"k":""}}`)
	e.Data = map[string]any{"k": strings.Repeat("x", bytes-frame)}
	return e
}

// TestEventsAtTheSizeLimit: Config.EventBytes is what the JSON may have, whatever way it comes in and however long it is before.
func TestEventsAtTheSizeLimit(t *testing.T) {
	t.Parallel()
	const limit = 32 << 10 // the default
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	frame := len(`{"type":"AppOpen","timestamp":"2026-03-04T05:06:07.000+00:00","customdata":{"k":""}}`)
	text := func(n int) string { return strings.Repeat("x", n) }
	attrs := func(n int) any { return []slog.Attr{slog.String("k", text(n))} }
	type data struct {
		K string `json:"k"`
	}
	for _, row := range []struct {
		name  string
		cfg   Config
		data  func(n int) any // n is what is left for the value of k, in bytes of JSON
		extra int             // bytes that the batcher adds
	}{
		{"a map", Config{}, func(n int) any { return map[string]any{"k": text(n)} }, 0},
		{"attributes", Config{}, attrs, 0},
		{"a struct", Config{}, func(n int) any { return data{text(n)} }, 0},
		{"raw JSON", Config{}, func(n int) any { return json.RawMessage(`{"k":"` + text(n) + `"}`) }, 0},
		{"raw JSON with spaces, which are not sent", Config{}, func(n int) any {
			return json.RawMessage(`{ "k" : "` + text(n) + `" ` + strings.Repeat(" ", limit) + `}`)
		}, 0},
		{"a text that is longer as JSON", Config{}, func(n int) any { return map[string]any{"k": text(n%6) + strings.Repeat("\x01", n/6)} }, 0},
		{"with an id", Config{EventIDKey: "id"}, attrs, len(`,"id":"`) + 13 + len(`1"`)},
		{"a limit of its own", Config{EventBytes: 256}, attrs, 0},
	} {
		for over := -1; over <= 1; over++ {
			t.Run(row.name+", "+[]string{"a byte less", "exactly", "a byte more"}[over+1], func(t *testing.T) {
				t.Parallel()
				bubble(t, row.cfg, func(t *testing.T, r *rig) {
					want := r.cfg.EventBytes + over
					err := r.Track(t.Context(), "ace", Event{Type: AppOpen, Time: at, Data: row.data(want - frame - row.extra)})
					if over > 0 {
						var invalid *InvalidEventError
						require.ErrorAs(t, err, &invalid)
						assert.Equal(t, "event", invalid.Field)
						assert.Zero(t, r.Ledger())
						assert.Zero(t, r.Stats().PendingBytes)
						assert.Zero(t, r.Stats().Players)
						return
					}
					require.NoError(t, err)
					r.count(nil)
					assert.Equal(t, int64(want), r.Stats().PendingBytes)
					after(5 * time.Second)
					assert.Equal(t, int64(1), r.Ledger().Delivered)
					assert.Len(t, r.service.requests()[0].body, len(appendPrefix(nil, "ace", game))+want+len("]}"))
				})
			})
		}
	}
}

// TestBatchesAtTheSizeLimit: a request's body may have Config.BatchBytes bytes with all that stands around its events. One event more, or
// one byte, begins the next request.
func TestBatchesAtTheSizeLimit(t *testing.T) {
	t.Parallel()
	const each = 300
	frame := len(`{"user_id":"ace","game_id":"` + game + `","events":[]}`)
	body := func(events, bytes int) int { return frame + events*bytes + events - 1 } // with the commas
	for _, row := range []struct {
		name   string
		limit  int
		bytes  []int // of the events
		bodies []int // of the requests
	}{
		{"five fit exactly", body(5, each), []int{each, each, each, each, each}, []int{body(5, each)}},
		{"five, and a sixth", body(5, each), []int{each, each, each, each, each, each}, []int{body(5, each), body(1, each)}},
		{"five are a byte too many", body(5, each) - 1, []int{each, each, each, each, each}, []int{body(4, each), body(1, each)}},
		{"the last one is a byte too long", body(3, each), []int{each, each, each + 1}, []int{body(2, each), body(1, each+1)}},
		{"one alone fits exactly", body(1, each), []int{each, each}, []int{body(1, each), body(1, each)}},
		{"a long one between short ones", body(1, 4*each), []int{each, 4 * each, each}, []int{body(1, each), body(1, 4*each), body(1, each)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{BatchBytes: row.limit, EventBytes: 256}, func(t *testing.T, r *rig) {
				r.cfg.EventBytes = row.limit // so that BatchBytes alone decides
				for _, n := range row.bytes {
					require.NoError(t, r.Track(t.Context(), "ace", sized(n)))
					r.count(nil)
				}
				after(time.Minute)
				var got []int
				for _, q := range r.service.requests() {
					got = append(got, len(q.body))
				}
				assert.Equal(t, row.bodies, got)
				assert.Equal(t, int64(len(row.bytes)), r.Ledger().Delivered)
			})
		})
	}
	t.Run("one alone is a byte too long: refused", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{BatchBytes: body(1, each) - 1, EventBytes: each}, func(t *testing.T, r *rig) {
			var invalid *InvalidEventError
			require.ErrorAs(t, r.Track(t.Context(), "ace", sized(each)), &invalid)
			assert.Zero(t, r.Ledger())
			require.NoError(t, r.Track(t.Context(), "ace", sized(each-1)))
			r.count(nil)
		})
	})
	t.Run("as many of the longest events as the default batch takes", func(t *testing.T) {
		t.Parallel()
		bubble(t, Config{}, func(t *testing.T, r *rig) {
			const longest = 32 << 10
			fit := (1<<20 - frame + 1) / (longest + 1)
			for range 3 * fit {
				require.NoError(t, r.Track(t.Context(), "ace", sized(longest)))
				r.count(nil)
			}
			after(time.Minute)
			require.Len(t, r.service.requests(), 3)
			for _, q := range r.service.requests() {
				assert.Len(t, q.body, body(fit, longest))
				assert.LessOrEqual(t, len(q.body), 1<<20)
				assert.True(t, json.Valid([]byte(q.body)))
			}
		})
	})
}
