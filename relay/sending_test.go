package relay

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// Events that must not be sent twice, when relays die and leases vanish.

func onceLevels(c *Config) { c.Batcher.AtMostOnce = []batcher.EventType{batcher.LevelCompleted} }

// TestOnlyRequestsUnderWayAreInDoubt: of a relay that is killed, exactly the events of its requests
// under way are unknown. What it had taken and not sent is delivered by the next one.
func TestOnlyRequestsUnderWayAreInDoubt(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = 2 * time.Second })
	const players, n = 30, 20
	p := f.publisher()
	play(t, p, players, n)
	require.NoError(t, p.Flush(t.Context()))
	var mu sync.Mutex
	underWay, blocked, refused := 0, 0, map[string]bool{}
	first := f.relay(onceLevels, func(c *Config) {
		c.Batcher.MaxInFlight, c.Batcher.BatchEvents = 2, 4
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			mu.Lock()
			again := refused[b.UserID]
			refused[b.UserID] = true
			mu.Unlock()
			if !again { // it is noted, and surely not stored
				return &batcher.SendError{Failure: batcher.Unavailable, Err: context.DeadlineExceeded}
			}
			if f.service.EventCount() < 30 {
				return sendOnce(ctx, f.sender, b)
			}
			mu.Lock()
			underWay += b.Events
			blocked++
			mu.Unlock()
			<-ctx.Done()
			return ctx.Err()
		})
	})
	eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		s := first.Stats()
		return blocked > 1 && s.InFlight == blocked && s.Waiting+int(s.Delivered) == players*n && s.Unconfirmed == 0
	}, "not taken")
	for _, part := range first.list() {
		require.NoError(t, part.sending.tidy(t.Context())) // as each beat does
	}
	kill(first)
	mu.Lock()
	most := underWay
	mu.Unlock()
	second := f.relay(onceLevels)
	f.idle()
	s := second.Stats()
	assert.LessOrEqual(t, s.DeadLetters["unknown"], int64(most), "no more than was under way")
	assert.Positive(t, s.DeadLetters["unknown"])
	assert.Equal(t, int64(players*n), first.Stats().Delivered+s.Delivered+s.DeadLetters["unknown"])
	for i := range players {
		seen := map[int]bool{}
		for _, number := range f.numbers(player(i)) {
			assert.False(t, seen[number], "%s: event %d is there twice", player(i), number)
			seen[number] = true
		}
	}
	t.Logf("%d under way, %d unknown", most, s.DeadLetters["unknown"])
}

// deafRelay is a connection on which renewals hang once it is told to, so that its relay goes on to
// the end of its lease by its own clock.
type deafRelay struct {
	jetstream.JetStream

	deaf atomic.Bool
}

func (d *deafRelay) Publish(ctx context.Context, subject string, body []byte, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if d.deaf.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return d.JetStream.Publish(ctx, subject, body, o...)
}

// slowTaker is a connection whose relay waits before it writes its first notes.
type slowTaker struct {
	jetstream.JetStream

	at   chan struct{}
	pass chan struct{}
}

func (s slowTaker) PublishMsg(ctx context.Context, m *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if strings.Contains(m.Subject, ".note.") && !strings.Contains(m.Subject, ".sending.") {
		select {
		case s.at <- struct{}{}:
		default:
		}
		<-s.pass
		ctx = context.WithoutCancel(ctx)
	}
	return s.JetStream.PublishMsg(ctx, m, o...)
}

// TestLeasesVanishUnderARelay: somebody purges the leases, or creates their stream again. A second
// relay takes the partitions while the first still takes messages and sends. No event that must not
// be sent twice is there twice, and copies of the others are counted.
func TestLeasesVanishUnderARelay(t *testing.T) {
	t.Parallel()
	for name, vanish := range map[string]func(*testing.T, *fleet){
		"purged": func(t *testing.T, f *fleet) {
			t.Helper()
			s, err := f.connect().Stream(t.Context(), "EVENTS-leases")
			require.NoError(t, err)
			require.NoError(t, s.Purge(t.Context()))
		},
		"created again": func(t *testing.T, f *fleet) {
			t.Helper()
			require.NoError(t, f.connect().DeleteStream(t.Context(), "EVENTS-leases"))
			require.NoError(t, CreateStream(t.Context(), f.connect(), f.stream))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t, func(c *StreamConfig) { c.LeaseTTL = 6 * time.Second })
			half := func(c *Config) {
				onceLevels(c)
				c.Batcher.GameID = gameID
			}
			both := func(from, to int, p *Publisher) {
				for i := range 6 {
					for n := from; n < to; n++ {
						typ := batcher.LevelCompleted
						if n%2 == 1 {
							typ = batcher.GameEnd
						}
						require.NoError(t, p.Track(t.Context(), player(i), batcher.Event{Type: typ, Data: []slog.Attr{slog.Int("n", n)}}))
					}
				}
				require.NoError(t, p.Flush(t.Context()))
			}
			p := f.publisher()
			d := &deafRelay{JetStream: f.connect()}
			cfg := Config{Stream: "EVENTS", Sender: f.sender, DrainTimeout: time.Second, Batcher: batcher.Config{
				Linger: 10 * time.Millisecond,
				Tokens: batcher.TokenFunc(func(_ context.Context, id string) (batcher.Token, error) {
					return batcher.Token{Value: batcher.Secret(f.service.Token(id, time.Hour))}, nil
				}),
			}}
			half(&cfg)
			first := f.begin(d, cfg)
			both(0, 4, p)
			eventually(t, func() bool { return first.Stats().Delivered == 24 && first.Stats().Unconfirmed == 0 }, "not delivered")
			d.deaf.Store(true)
			vanish(t, f)
			w := slowTaker{f.connect(), make(chan struct{}, 1), make(chan struct{})}
			second := f.begin(w, cfg)
			eventually(t, func() bool { // it has read how far the first one has come, or waits
				select {
				case <-w.at:
					return true
				default:
					return len(second.Stats().Partitions) == f.stream.Partitions
				}
			}, "not taken over")
			both(4, 8, p)
			eventually(t, func() bool { // or it has ended its partitions before, on a busy machine
				s := first.Stats()
				return s.Delivered > 24 || s.LastError != nil || len(s.Partitions) == 0
			}, "the first relay has not tried")
			close(w.pass)
			f.idle()
			var copies, possible int64
			for i := range 6 {
				times := map[int]int64{}
				for _, n := range f.numbers(player(i)) {
					times[n]++
				}
				for n, seen := range times {
					if n%2 == 0 {
						assert.Equal(t, int64(1), seen, "%s: event %d", player(i), n)
					} else {
						copies += seen - 1
					}
				}
			}
			possible = first.Stats().PossibleDuplicates + second.Stats().PossibleDuplicates
			assert.LessOrEqual(t, copies, possible)
			t.Logf("%d copies, %d counted, %v", copies, possible, second.Stats().DeadLetters)
		})
	}
}

// TestLeasesAndConsumersVanish: a relay has sent events and does not know their result, when the leases and then its
// consumers are removed. The next relay finds neither a note nor a position, and sends none of them again.
func TestLeasesAndConsumersVanish(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		vanish func(*testing.T, *fleet)
		early  bool // the consumers are gone before the next relay looks at them
	}{
		"leases purged, consumers deleted while the next relay waits": {func(t *testing.T, f *fleet) {
			t.Helper()
			s, err := f.connect().Stream(t.Context(), "EVENTS-leases")
			require.NoError(t, err)
			require.NoError(t, s.Purge(t.Context()))
		}, false},
		"leases created again, consumers deleted before": {func(t *testing.T, f *fleet) {
			t.Helper()
			require.NoError(t, f.connect().DeleteStream(t.Context(), "EVENTS-leases"))
			require.NoError(t, CreateStream(t.Context(), f.connect(), f.stream))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t, func(c *StreamConfig) { c.LeaseTTL = 6 * time.Second })
			p := f.publisher()
			play(t, p, 6, 1)
			require.NoError(t, p.Flush(t.Context()))
			first := f.relay(onceLevels, func(c *Config) {
				c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
					if _, err := f.sender.Send(ctx, b); err != nil {
						return err
					}
					<-ctx.Done() // the answer does not come
					return ctx.Err()
				})
			})
			eventually(t, func() bool { return f.service.EventCount() == 6 }, "not sent")
			kill(first)
			test.vanish(t, f)
			if test.early {
				f.deleteConsumers(first.game)
			}
			var log lines
			second := f.relay(onceLevels, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			if !test.early {
				eventually(t, func() bool { return log.count("waiting until the lease") >= f.stream.Partitions }, "it does not wait")
				f.deleteConsumers(first.game)
			}
			f.idle()
			assert.Equal(t, 6, f.service.EventCount(), "none is sent again")
			assert.Equal(t, map[string]int64{"unknown": 6}, second.Stats().DeadLetters)
		})
	}
}
