package relay

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// TestConsumerIsMadeAnew: whatever happens to a consumer, the partition begins anew, lets pass what
// it has, and delivers once.
func TestConsumerIsMadeAnew(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, f *fleet, r *Relay){
		"a person deletes the consumers": func(t *testing.T, f *fleet, r *Relay) {
			t.Helper()
			f.deleteConsumers(r.game)
		},
		"messages are lost on the way": func(t *testing.T, f *fleet, r *Relay) {
			t.Helper()
			// Somebody else takes messages from the consumer: to the relay that looks as if they
			// had been lost.
			for n := range f.stream.Partitions {
				js := f.connect()
				c, err := js.Consumer(t.Context(), "EVENTS", consumerName(r.game, n))
				require.NoError(t, err)
				_, err = c.Fetch(1, jetstream.FetchMaxWait(30*time.Second))
				require.NoError(t, err)
				require.NoError(t, js.Conn().Flush()) // the server has the request
			}
		},
		"the connection is cut": func(t *testing.T, _ *fleet, r *Relay) {
			t.Helper()
			require.NoError(t, r.js.Conn().ForceReconnect())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			p := f.publisher()
			open := make(chan struct{})
			r := f.relay(func(c *Config) {
				c.Batcher.MaxPlayerEvents = 8192
				c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
					select {
					case <-open:
					case <-ctx.Done():
						return ctx.Err()
					}
					return sendOnce(ctx, f.sender, b)
				})
			})
			const players, n = 12, 40
			play(t, p, players, n/2)
			require.NoError(t, p.Flush(t.Context()))
			eventually(t, func() bool { return r.Stats().Waiting == players*n/2 }, "not taken")
			harm(t, f, r)
			playOn(t, p, players, n/2, n)
			eventually(t, func() bool { s := r.Stats(); return s.Waiting == players*n && s.Resets > 0 }, "not taken after the harm")
			close(open)
			f.idle()
			assert.Zero(t, f.requireOrder(players, n))
			s := r.Stats()
			assert.Equal(t, int64(players*n), s.Delivered)
			eventually(t, func() bool { return r.Stats().Unconfirmed == 0 }, "acknowledgements are not confirmed")
		})
	}
}

// TestAcknowledgementIsRepeated: one that is not confirmed is sent again, until it is.
func TestAcknowledgementIsRepeated(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
	r := f.relay()
	p := unserved(t, r)
	var heard atomic.Int64
	server := f.connect().Conn()
	_, err := server.Subscribe("acks.ace", func(m *nats.Msg) {
		assert.Equal(t, "+ACK", string(m.Data))
		if heard.Add(1) == 2 { // the first one is lost
			assert.NoError(t, m.Respond(nil))
		}
	})
	require.NoError(t, err)
	require.NoError(t, server.Flush())
	e := &entry{seq: 99, reply: "acks.ace"}
	p.hand.bySeq[99] = e
	p.hand.waiting++
	p.ack(e)
	eventually(t, func() bool {
		waiting, unconfirmed := p.hand.size()
		return heard.Load() >= 2 && waiting == 0 && unconfirmed == 0
	}, "not repeated")
}

// unserved adds a partition to a relay's that takes no messages: one that is served makes its
// consumer anew when it begins and whenever something is wrong with it, and forgets then what it
// was to acknowledge.
func unserved(t *testing.T, r *Relay) *partition {
	t.Helper()
	l := newLease(t.Context(), 0, time.Now().Add(time.Hour))
	p, err := newPartition(r, r.stream.Partitions, l)
	require.NoError(t, err)
	r.mu.Lock()
	r.parts[p.n] = p
	r.mu.Unlock()
	t.Cleanup(func() {
		r.retire(p)
		p.stop()
		l.drop()
		_, err := p.batcher.Close(context.WithoutCancel(t.Context()))
		assert.NoError(t, err)
		close(p.done) // the relay may have listed it before
	})
	return p
}
