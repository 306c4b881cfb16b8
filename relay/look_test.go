package relay

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// What a relay sees while it runs: streams that somebody edits, messages that are lost on the way,
// and many partitions to take.

// TestAnEditedStreamIsAnAlarm: a relay looks at the streams again and again.
func TestAnEditedStreamIsAnAlarm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stream string
		edit   func(*jetstream.StreamConfig)
		want   string // "": no alarm
	}{
		"discards the oldest":  {"EVENTS", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "Discard is DiscardOld"},
		"does not acknowledge": {"EVENTS", func(c *jetstream.StreamConfig) { c.NoAck = true }, "NoAck is true"},
		"events get an age":    {"EVENTS", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "MaxAge is 1h0m0s"},
		"a limit of messages":  {"EVENTS", func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, "MaxMsgs is 10"},
		"other partitions": {"EVENTS", func(c *jetstream.StreamConfig) {
			c.SubjectTransform.Destination = strings.Replace(c.SubjectTransform.Destination, "(6,", "(7,", 1)
		}, "Partitions is 7, was 6"},
		"leases that last longer":        {"EVENTS-leases", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "EVENTS-leases is not as CreateStream makes it"},
		"dead letters discard":           {"EVENTS-dead", func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "Discard is DiscardOld"},
		"dead letters without an age":    {"EVENTS-dead", func(c *jetstream.StreamConfig) { c.MaxAge = 0 }, ""},
		"more room":                      {"EVENTS", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 }, ""},
		"dead letters with another age":  {"EVENTS-dead", func(c *jetstream.StreamConfig) { c.MaxAge = 48 * time.Hour }, ""},
		"dead letters with another room": {"EVENTS-dead", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
			r := f.relay()
			r.look()
			require.NoError(t, r.Stats().StreamError)
			js := f.connect()
			s, err := js.Stream(t.Context(), test.stream)
			require.NoError(t, err)
			good := s.CachedInfo().Config
			bad := good
			if good.SubjectTransform != nil {
				transform := *good.SubjectTransform
				bad.SubjectTransform = &transform
			}
			test.edit(&bad)
			_, err = js.UpdateStream(t.Context(), bad)
			require.NoError(t, err)
			if test.want == "" {
				r.look()
				assert.NoError(t, r.Stats().StreamError)
				return
			}
			eventually(t, func() bool { return r.Stats().StreamError != nil }, "no alarm")
			require.ErrorContains(t, r.Stats().StreamError, test.want)
			_, err = js.UpdateStream(t.Context(), good)
			require.NoError(t, err)
			eventually(t, func() bool { return r.Stats().StreamError == nil }, "the alarm does not end")
		})
	}
	t.Run("the stream is gone", func(t *testing.T) {
		t.Parallel()
		f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
		r := f.relay()
		require.NoError(t, f.connect().DeleteStream(t.Context(), "EVENTS-dead"))
		eventually(t, func() bool { return r.Stats().StreamError != nil }, "no alarm")
	})
	t.Run("NATS is not there", func(t *testing.T) {
		t.Parallel()
		f := single(t)
		r := f.relay()
		f.servers[0].Shutdown()
		r.look()
		assert.NoError(t, r.Stats().StreamError, "nothing is known")
	})
}

// TestTheLastMessageIsLostOnItsWay: nothing comes behind it that would show the gap.
func TestTheLastMessageIsLostOnItsWay(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
	p := f.publisher()
	r := f.relay()
	eventually(t, func() bool { return len(r.Stats().Partitions) == f.stream.Partitions }, "not taken")
	track(t, p, "ace", 0, 5)
	require.NoError(t, p.Flush(t.Context()))
	f.idle()
	// Somebody else takes the next message from each consumer: to the relay that looks as if it had
	// been lost.
	js := f.connect()
	var taken sync.WaitGroup
	asked := make(chan struct{}, f.stream.Partitions)
	for n := range f.stream.Partitions {
		taken.Go(func() {
			c, err := js.Consumer(t.Context(), "EVENTS", consumerName(r.game, n))
			if !assert.NoError(t, err) {
				return
			}
			b, err := c.Fetch(200, jetstream.FetchMaxWait(20*time.Second))
			asked <- struct{}{}
			if assert.NoError(t, err) {
				for range b.Messages() {
				}
			}
		})
	}
	for range f.stream.Partitions {
		<-asked
	}
	require.NoError(t, js.Conn().Flush())
	for i := range 12 { // the server deals them out between the two
		track(t, p, player(i), 0, 2)
		require.NoError(t, p.Flush(t.Context()))
	}
	f.idle()
	assert.Zero(t, f.requireOrder(12, 2))
	js.Conn().Close()
	taken.Wait()
}

// heldLeases is a connection on which the writing of chosen leases can wait.
type heldLeases struct {
	jetstream.JetStream

	publish func(subject string, first bool)
	mu      sync.Mutex
	seen    map[string]int
}

func (h *heldLeases) Publish(ctx context.Context, subject string, body []byte, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if strings.Contains(subject, ".part.") {
		h.mu.Lock()
		h.seen[subject]++
		first := h.seen[subject] == 1
		h.mu.Unlock()
		h.publish(subject, first)
	}
	return h.JetStream.Publish(ctx, subject, body, o...)
}

// TestPartitionsAreTakenSideBySide: one that is slow to be taken holds up neither the others nor
// the renewal of those that the relay has.
func TestPartitionsAreTakenSideBySide(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = 2 * time.Second })
	pass := make(chan struct{})
	var once sync.Once
	h := &heldLeases{JetStream: f.connect(), seen: map[string]int{}}
	h.publish = func(_ string, first bool) {
		held := false
		if first {
			once.Do(func() { held = true })
		}
		if held {
			<-pass
		}
	}
	r := f.begin(h, Config{Stream: "EVENTS", Sender: f.sender, Batcher: batcher.Config{
		GameID: gameID, Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken }),
	}})
	eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		renewed := 0
		for _, n := range h.seen {
			if n >= 3 {
				renewed++
			}
		}
		return renewed == f.stream.Partitions-1
	}, "the others are not taken and renewed while one hangs")
	close(pass)
	require.NoError(t, r.Close(t.Context()))
	for _, m := range f.messages("EVENTS-leases") {
		assert.NotContains(t, m.Subject, ".part.", "a lease that came late is given back, too")
	}
}

// TestManyPartitions: a relay takes a thousand partitions and loses none.
func TestManyPartitions(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	require.NoError(t, CreateStream(t.Context(), js, StreamConfig{Name: "MANY", Replicas: 1, Partitions: 1024}))
	r, err := Start(t.Context(), js, Config{Stream: "MANY", Sender: f.sender, Batcher: batcher.Config{
		GameID: gameID, Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, errors.New("none") }),
	}})
	require.NoError(t, err)
	t.Cleanup(func() { kill(r) })
	eventually(t, func() bool { return len(r.Stats().Partitions) == 1024 }, "not all are taken")
	assert.Zero(t, r.Stats().Resets)
}

// lateHeartbeats is a connection whose consumers report that heartbeats are missing, as those of
// servers that are short of CPU do, before each message.
type lateHeartbeats struct {
	jetstream.JetStream

	missing func(context.Context, jetstream.Consumer) // called for each
}

type lateConsumer struct {
	jetstream.Consumer

	late lateHeartbeats
}

type lateMessages struct {
	jetstream.MessagesContext

	consumer lateConsumer
	told     *bool
}

func (l lateHeartbeats) CreateConsumer(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	c, err := l.JetStream.CreateConsumer(ctx, stream, cfg)
	return lateConsumer{c, l}, err
}

func (c lateConsumer) Messages(o ...jetstream.PullMessagesOpt) (jetstream.MessagesContext, error) {
	m, err := c.Consumer.Messages(o...)
	return lateMessages{m, c, new(bool)}, err
}

func (m lateMessages) Next(o ...jetstream.NextOpt) (jetstream.Msg, error) {
	if *m.told = !*m.told; *m.told {
		m.consumer.late.missing(context.Background(), m.consumer.Consumer)
		return nil, jetstream.ErrNoHeartbeat
	}
	return m.MessagesContext.Next(o...)
}

// TestMissingHeartbeats: they reset nothing, unless the consumer is gone.
func TestMissingHeartbeats(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		missing func(*fleet, *sync.Once) func(context.Context, jetstream.Consumer)
		resets  bool
	}{
		"the servers are slow": {func(*fleet, *sync.Once) func(context.Context, jetstream.Consumer) {
			return func(context.Context, jetstream.Consumer) {}
		}, false},
		"a consumer is gone": {func(f *fleet, once *sync.Once) func(context.Context, jetstream.Consumer) {
			js := f.connect()
			return func(ctx context.Context, c jetstream.Consumer) {
				once.Do(func() { assert.NoError(f.t, js.DeleteConsumer(ctx, "EVENTS", c.CachedInfo().Name)) })
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			var once sync.Once
			r, err := Start(t.Context(), lateHeartbeats{f.connect(), test.missing(f, &once)}, Config{
				Stream: "EVENTS", Sender: f.sender, Batcher: batcher.Config{GameID: gameID, Linger: time.Millisecond, Tokens: batcher.TokenFunc(
					func(_ context.Context, id string) (batcher.Token, error) {
						return batcher.Token{Value: batcher.Secret(f.service.Token(id, time.Hour))}, nil
					})},
			})
			require.NoError(t, err)
			t.Cleanup(func() { kill(r) })
			p := f.publisher()
			play(t, p, 12, 10)
			require.NoError(t, p.Flush(t.Context()))
			f.idle()
			assert.Zero(t, f.requireOrder(12, 10))
			assert.Equal(t, test.resets, r.Stats().Resets > 0, "%d resets", r.Stats().Resets)
		})
	}
}
