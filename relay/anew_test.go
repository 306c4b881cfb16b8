package relay

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// Streams that give numbers again: made anew by a person, or bereft of their end by a power cut.

// TestKilledOnAStreamMadeAnew: a stream gives numbers again that the note has as settled and in
// doubt, and a relay that has taken from it is killed. The next one must not take the new messages
// for the old ones, nor send twice what may not be.
func TestKilledOnAStreamMadeAnew(t *testing.T) {
	t.Parallel()
	type state int
	const (
		nobody   state = iota // was there
		stuck                 // killed, and nothing had been sent
		answered              // killed when all was sent, before it knew
		halfway               // killed when it had settled four, and the others were sent
	)
	for name, test := range map[string]struct {
		top   uint64 // of the note
		first state
		gone  bool // the consumer, too
	}{
		"nobody takes from it before":                    {9000, nobody, false},
		"killed before it sends":                         {9000, stuck, false},
		"killed before the answer":                       {9000, answered, false},
		"killed before the answer, no consumer":          {9000, answered, true},
		"killed on the way":                              {9000, halfway, false},
		"killed on the way, no consumer":                 {9000, halfway, true},
		"killed beyond the old numbers":                  {2, answered, false},
		"killed on the way beyond the old numbers":       {2, halfway, false},
		"killed on the way beyond them, and no consumer": {2, halfway, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t, func(c *StreamConfig) { c.LeaseTTL = 5 * time.Second })
			game, err := token(gameID)
			require.NoError(t, err)
			before, err := openRegistry(t.Context(), f.connect(), f.stream, game, "before")
			require.NoError(t, err)
			for part := range f.stream.Partitions {
				old := note{Top: test.top, Latest: time.Now().Add(-time.Hour), Open: []uint64{2}, Doubtful: test.top, Live: true}
				require.NoError(t, before.writeNote(t.Context(), part, &old))
			}
			once := func(c *Config) { c.Batcher.AtMostOnce = []batcher.EventType{batcher.GameEnd} }
			p := f.publisher()
			for n := range 6 {
				typ := batcher.LevelCompleted
				if n%2 == 1 {
					typ = batcher.GameEnd
				}
				require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: typ, Data: []slog.Attr{slog.Int("n", n)}}))
			}
			_, err = p.Close(t.Context())
			require.NoError(t, err)
			if test.first != nobody {
				begun := make(chan struct{}, 1)
				var sends atomic.Int64
				first := f.relay(once, func(c *Config) {
					c.Batcher.Linger, c.Batcher.BatchEvents = time.Hour, 6
					if test.first == halfway {
						c.Batcher.BatchEvents = 2
					}
					c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
						if test.first != stuck {
							if err := sendOnce(ctx, f.sender, b); err != nil || test.first == halfway && sends.Add(1) < 3 {
								return err
							}
						}
						begun <- struct{}{}
						<-ctx.Done()
						return ctx.Err()
					})
				})
				<-begun
				eventually(t, func() bool { return first.Stats().Unconfirmed == 0 }, "not confirmed")
				kill(first)
				if test.gone {
					f.deleteConsumers(game)
				}
			}
			second := f.relay(once)
			f.idle()
			s := second.Stats()
			numbers := f.numbers("ace")
			switch test.first {
			case nobody:
				assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, numbers)
				assert.Empty(t, s.DeadLetters)
				assert.Zero(t, s.PossibleDuplicates)
			case stuck:
				assert.Equal(t, []int{0, 2, 4}, numbers)
				assert.Equal(t, map[string]int64{"unknown": 3}, s.DeadLetters, "nobody knows that they were not sent")
			case answered:
				assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 0, 2, 4}, numbers)
				assert.Equal(t, map[string]int64{"unknown": 3}, s.DeadLetters)
				assert.Equal(t, int64(3), s.PossibleDuplicates)
			case halfway:
				assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 4}, numbers)
				assert.Equal(t, map[string]int64{"unknown": 1}, s.DeadLetters)
				assert.Equal(t, int64(1), s.PossibleDuplicates)
			}
			assert.Zero(t, s.Redelivered, "nothing is taken for settled")
		})
	}
}

// TestAStreamIsMadeAnewUnderARelay: what it has settled and what it has in hand of the old numbers
// is none of the new ones.
func TestAStreamIsMadeAnewUnderARelay(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	p := f.publisher()
	open := make(chan struct{})
	r := f.relay(func(c *Config) {
		c.Batcher.AtMostOnce = []batcher.EventType{batcher.LevelCompleted}
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			if b.UserID == "blitz" {
				select {
				case <-open:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return sendOnce(ctx, f.sender, b)
		})
	})
	track(t, p, "ace", 0, 6)
	track(t, p, "blitz", 0, 6)
	require.NoError(t, p.Flush(t.Context()))
	eventually(t, func() bool { s := r.Stats(); return s.Delivered == 6 && s.Waiting == 6 && s.Unconfirmed == 0 }, "not delivered")
	require.NoError(t, js.DeleteStream(t.Context(), "EVENTS"))
	require.NoError(t, CreateStream(t.Context(), js, f.stream))
	track(t, p, "ace", 6, 12)
	track(t, p, "blitz", 6, 12)
	require.NoError(t, p.Flush(t.Context()))
	eventually(t, func() bool { return len(f.numbers("ace")) == 12 }, "not delivered")
	close(open)
	f.idle()
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, f.numbers("ace"))
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, f.numbers("blitz"), "those in hand of the old stream, too")
	s := r.Stats()
	assert.Empty(t, s.DeadLetters)
	assert.Zero(t, s.PossibleDuplicates)
}

// slowNote holds up the note that a partition writes before it takes the first message of a
// consumer, as a stream of the leases without a leader does.
type slowNote struct {
	jetstream.JetStream

	armed, at, pass chan struct{}
}

func (s slowNote) PublishMsg(ctx context.Context, m *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if strings.Contains(m.Subject, ".note.") && strings.Contains(string(m.Data), `"live":true`) {
		select {
		case <-s.armed:
			select {
			case s.at <- struct{}{}:
			default:
			}
			<-s.pass
			ctx = context.WithoutCancel(ctx)
		default:
		}
	}
	return s.JetStream.PublishMsg(ctx, m, o...)
}

// TestAnOldAcknowledgementIsNotTakenForANewMessage: a new stream has brought a message and the
// relay has not looked at it, when the event of the old stream gets its result that had the same
// number. The new consumer has the name of the old one, so an acknowledgement for that would remove
// the new message.
func TestAnOldAcknowledgementIsNotTakenForANewMessage(t *testing.T) {
	t.Parallel()
	f := single(t)
	js := f.connect()
	p := f.publisher()
	open := make(chan struct{})
	w := slowNote{f.connect(), make(chan struct{}), make(chan struct{}, 1), make(chan struct{})}
	r, err := Start(t.Context(), w, Config{
		Stream: "EVENTS", DrainTimeout: time.Second,
		Batcher: batcher.Config{GameID: gameID, Linger: 10 * time.Millisecond, Tokens: batcher.TokenFunc(
			func(_ context.Context, userID string) (batcher.Token, error) {
				return batcher.Token{Value: batcher.Secret(f.service.Token(userID, time.Hour))}, nil
			})},
		Sender: sendFunc(func(ctx context.Context, b batcher.Batch) error {
			select {
			case <-open:
			case <-ctx.Done():
				return ctx.Err()
			}
			return sendOnce(ctx, f.sender, b)
		}),
	})
	require.NoError(t, err)
	t.Cleanup(func() { kill(r) })
	track(t, p, "blitz", 0, 6)
	require.NoError(t, p.Flush(t.Context()))
	eventually(t, func() bool { s := r.Stats(); return s.Waiting == 6 && s.InFlight == 1 }, "not taken")
	require.NoError(t, js.DeleteStream(t.Context(), "EVENTS"))
	close(w.armed)
	require.NoError(t, CreateStream(t.Context(), js, f.stream))
	track(t, p, "blitz", 6, 12)
	require.NoError(t, p.Flush(t.Context()))
	<-w.at // the new consumer has brought the first of them
	close(open)
	eventually(t, func() bool { return r.Stats().Delivered == 6 }, "the old ones are not delivered")
	require.NoError(t, w.Conn().Flush()) // the server has what was acknowledged
	close(w.pass)
	f.idle()
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, f.numbers("blitz"))
	eventually(t, func() bool { s := r.Stats(); return s.Waiting == 0 && s.Unconfirmed == 0 }, "not confirmed")
}
