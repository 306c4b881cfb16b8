package proxytest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// TestBatchingByFault shows the effect of one fault on the events of one request: of a type that
// may be sent again, and of one that is sent at most once.
func TestBatchingByFault(t *testing.T) {
	t.Parallel()
	type with = map[string]int
	const events = 3
	rows := []struct {
		name   string
		toxic  toxic
		cut    bool
		once   batcher.Result // of the events sent at most once
		stored int            // copies of those
		copies int            // at least, of the others
	}{
		{name: "latency and jitter", toxic: toxic{"latency", downstream, with{"latency": 20, "jitter": 15}}, stored: 1},
		{name: "a thin line", toxic: toxic{"bandwidth", upstream, with{"rate": 8}}, stored: 1},
		{name: "small slices", toxic: toxic{"slicer", upstream, with{"average_size": 9, "size_variation": 4, "delay": 100}}, stored: 1},
		{name: "slow to close", toxic: toxic{"slow_close", downstream, with{"delay": 50}}, stored: 1},

		{name: "no connection", cut: true, stored: 1},
		{name: "reset at the request", toxic: toxic{"reset_peer", upstream, with{"timeout": 0}}, once: batcher.Unknown},
		{name: "the request is cut", toxic: toxic{"limit_data", upstream, with{"bytes": 40}}, once: batcher.Unknown},
		{name: "the request is swallowed", toxic: toxic{"timeout", upstream, with{"timeout": 0}}, once: batcher.Unknown},
		{name: "reset at the answer", toxic: toxic{"reset_peer", downstream, with{"timeout": 0}}, once: batcher.Unknown, stored: 1, copies: 1},
		{name: "the answer is cut", toxic: toxic{"limit_data", downstream, with{"bytes": 40}}, once: batcher.Unknown, stored: 1, copies: 1},
		{name: "the answer is swallowed", toxic: toxic{"timeout", downstream, with{"timeout": 0}}, once: batcher.Unknown, stored: 1, copies: 1},
	}
	for _, row := range rows {
		for _, once := range []bool{false, true} {
			name := row.name
			if once {
				name += ", at most once"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLine(t)
				failed := make(chan struct{}, 1)
				cfg := batcher.Config{
					GameID: "com.example.stackblaster", SendTimeout: hung, Linger: time.Hour, BatchEvents: events,
					Log: slog.New(signalled{slog.DiscardHandler, failed}),
					Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
						return batcher.Token{Value: batcher.Secret(l.server.Token(user, time.Hour))}, nil
					}),
				}
				if row.toxic.kind == "timeout" {
					cfg.SendTimeout = 5 * time.Second
				}
				if once {
					cfg.AtMostOnce = []batcher.EventType{batcher.LevelCompleted}
				}
				b := newBook(t, cfg.AtMostOnce)
				cfg.OnOutcome = b.outcome
				batching, err := l.client(playline.RetryPolicy{}).NewBatcher(cfg)
				require.NoError(t, err)
				if row.cut {
					l.cut()
				} else {
					l.add(row.toxic)
				}
				p := batching.Player("device-abc-123")
				for range events {
					n := b.open("device-abc-123", batcher.LevelCompleted, 0)
					require.NoError(t, p.TrackAttrs(t.Context(), batcher.LevelCompleted, slog.Int("n", n)))
				}
				flushed := make(chan error, 1)
				go func() { flushed <- flushIn(t, hung, batching.Flush) }()
				select {
				case <-failed:
				case err := <-flushed: // nothing failed: the line is only slow
					require.NoError(t, err)
					flushed <- nil
				}
				l.heal()
				require.NoError(t, <-flushed)

				report, err := batching.Close(t.Context())
				require.NoError(t, err)
				l.hangUp()
				b.check(l.server, report.Ledger)
				for n, e := range b.events {
					if once {
						assert.Equal(t, row.once, e.result, "event %d", n)
						assert.Equal(t, row.stored, e.stored, "event %d", n)
						continue
					}
					assert.Equal(t, batcher.Delivered, e.result, "event %d", n)
					assert.GreaterOrEqual(t, e.stored, 1+row.copies, "event %d", n)
					assert.Equal(t, row.once == batcher.Unknown, e.doubt, "event %d", n)
				}
			})
		}
	}
}

// signalled tells of every line that is logged: the batcher logs a request that failed.
type signalled struct {
	slog.Handler
	logged chan<- struct{}
}

// Enabled implements slog.Handler.
func (s signalled) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (s signalled) Handle(context.Context, slog.Record) error {
	select {
	case s.logged <- struct{}{}:
	default:
	}
	return nil
}
