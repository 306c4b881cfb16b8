package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// A player is erased from a fleet: nothing of what waits anywhere is left, and nothing of others is
// touched.

var _ = []playline.EventEraser{(*Eraser)(nil), (*Publisher)(nil)}

func (f *fleet) eraser() *Eraser {
	f.t.Helper()
	e, err := NewEraser(f.t.Context(), f.connect(), "EVENTS", gameID)
	require.NoError(f.t, err)
	return e
}

// TestEraseWhatIsParked: a player's account is gone, so the relay has no token, and the player's
// events would wait in it for ever.
func TestEraseWhatIsParked(t *testing.T) {
	t.Parallel()
	for name, servers := range map[string]func(*testing.T, ...func(*StreamConfig)) *fleet{"one server": single, "three replicas": cluster} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := servers(t)
			p := f.publisher()
			r := f.relay(withoutToken, func(c *Config) { c.Batcher.MaxPlayerEvents = 4 })
			track(t, p, "ace", 0, 6)
			play(t, p, 10, 5)
			require.NoError(t, p.Flush(t.Context()))
			eventually(t, func() bool {
				s := r.Stats()
				return s.Delivered == 50 && s.Waiting == 4 && s.DeadLetters[SetAside] == 2
			}, "not taken")
			sum, err := f.eraser().Erase(t.Context(), "ace")
			require.NoError(t, err)
			assert.Equal(t, batcher.Erasure{Events: 6}, sum, "four in the relay, two dead letters")
			f.idle()
			assert.Empty(t, f.messages("EVENTS-dead"))
			eventually(t, func() bool {
				s := r.Stats()
				return s.Erased == 4 && s.Waiting == 0 && s.Unconfirmed == 0 && s.Parked == 0
			}, "not dropped")
			track(t, p, "ace", 6, 8)
			require.NoError(t, p.Flush(t.Context()))
			eventually(t, func() bool { s := r.Stats(); return s.Waiting == 2 && s.Parked == 1 }, "a player who comes back is taken as before")
			assert.Empty(t, f.numbers("ace"))
			assert.Zero(t, f.requireOrder(10, 5))
			if len(f.servers) == 1 { // of several another one may become the leader
				assert.Zero(t, r.Stats().Resets)
			}
			sum, err = f.eraser().Erase(t.Context(), "ace")
			require.NoError(t, err)
			assert.Equal(t, batcher.Erasure{Events: 2}, sum)
			sum, err = f.eraser().Erase(t.Context(), "ace")
			require.NoError(t, err)
			assert.Zero(t, sum, "nothing waits")
		})
	}
}

// TestEraseWithoutARelay: what is in the stream is gone at once, and the word waits there for a
// relay.
func TestEraseWithoutARelay(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
	p := f.publisher()
	track(t, p, "ace", 0, 6)
	track(t, p, "blitz", 0, 6)
	require.NoError(t, p.Flush(t.Context()))
	first := f.relay(withoutToken)
	eventually(t, func() bool { s := first.Stats(); return s.Delivered == 6 && s.Waiting == 6 && s.Unconfirmed == 0 }, "not taken")
	kill(first)
	track(t, p, "ace", 6, 8)
	require.NoError(t, p.Flush(t.Context()))
	eraser := f.eraser()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	sum, err := eraser.Erase(ctx, "ace")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "call again")
	assert.Equal(t, batcher.Erasure{Events: 8, InDoubt: 8}, sum, "nobody knows what the relay had sent")
	f.relay()
	f.idle()
	_, err = f.eraser().Erase(t.Context(), "ace")
	require.NoError(t, err)
	assert.Empty(t, f.numbers("ace"))
	assert.Len(t, f.numbers("blitz"), 6)
}

// TestEraseWhatIsUnderWay: a request that is under way is waited for, and told.
func TestEraseWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	lost := &batcher.SendError{Failure: batcher.InDoubt, Err: errors.New("the answer is lost")}
	for name, test := range map[string]struct {
		answer error
		again  bool // it is tried before
		want   batcher.Erasure
		there  []int // then
	}{
		"it is delivered":                   {nil, false, batcher.Erasure{Events: 2, InDoubt: 2}, []int{0, 1}},
		"its answer is lost":                {lost, false, batcher.Erasure{Events: 2, InDoubt: 2}, []int{0, 1}},
		"its answer was lost, and it waits": {lost, true, batcher.Erasure{Events: 2, InDoubt: 2}, []int{0, 1}},
		"it does not arrive": {
			&batcher.SendError{Failure: batcher.NotSent, Err: errors.New("no network")}, false, batcher.Erasure{Events: 2}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			p := f.publisher()
			track(t, p, "ace", 0, 2)
			require.NoError(t, p.Flush(t.Context()))
			begun, answer := make(chan struct{}, 100), make(chan struct{})
			if test.again {
				close(answer)
			}
			r := f.relay(func(c *Config) {
				c.Batcher.BatchEvents, c.Batcher.Linger = 2, time.Hour
				c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
					if test.there != nil {
						if err := sendOnce(ctx, f.sender, b); err != nil {
							return err
						}
					}
					begun <- struct{}{}
					<-answer
					return test.answer
				})
			})
			<-begun
			if test.again {
				eventually(t, func() bool { return r.Stats().LastError != nil }, "not told")
			}
			var sum batcher.Erasure
			erased, eraser := make(chan error), f.eraser()
			go func() {
				var err error
				sum, err = eraser.Erase(t.Context(), "ace")
				erased <- err
			}()
			if !test.again {
				f.until("EVENTS", func(s jetstream.StreamState) bool { return s.LastSeq >= 3 }, "its two events have not given way to the word")
				close(answer)
			}
			require.NoError(t, <-erased)
			assert.Equal(t, test.want, sum)
			f.idle()
			tried := len(f.numbers("ace"))
			eventually(t, func() bool { s := r.Stats(); return s.Waiting == 0 && s.Unconfirmed == 0 && s.InFlight == 0 }, "not dropped")
			assert.Len(t, f.numbers("ace"), tried, "it is not sent again")
			if !test.again {
				assert.Equal(t, test.there, f.numbers("ace"))
			}
			assert.Empty(t, f.messages("EVENTS-dead"), "what is erased is no dead letter")
		})
	}
}

// TestEraseWhatWasPulled: what the relay gets before the word is told as in doubt, also where it is
// delivered before the word has its turn.
func TestEraseWhatWasPulled(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	answer := make(chan struct{})
	r := f.relay(func(c *Config) {
		c.Batcher.MaxEvents, c.Batcher.MaxPlayerEvents = 2, 2
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			select {
			case <-answer:
			case <-ctx.Done():
				return ctx.Err()
			}
			return sendOnce(ctx, f.sender, b)
		})
	})
	track(t, p, "ace", 0, 6)
	require.NoError(t, p.Flush(t.Context()))
	eventually(t, func() bool { return r.Stats().Waiting == 3 }, "two are in the batcher, and one waits for room")
	var sum batcher.Erasure
	erased, eraser := make(chan error), f.eraser()
	go func() {
		var err error
		sum, err = eraser.Erase(t.Context(), "ace")
		erased <- err
	}()
	f.until("EVENTS", func(s jetstream.StreamState) bool { return s.LastSeq >= 7 }, "no word")
	close(answer)
	require.NoError(t, <-erased)
	assert.Equal(t, 6, sum.Events)
	assert.GreaterOrEqual(t, sum.InDoubt, len(f.numbers("ace")))
}

// TestErasePurgedWord: another Erase of the player can purge the word of this one, which then says
// it again.
func TestErasePurgedWord(t *testing.T) {
	t.Parallel()
	f := single(t)
	erased, eraser := make(chan error), f.eraser()
	go func() {
		_, err := eraser.Erase(t.Context(), "ace")
		erased <- err
	}()
	f.until("EVENTS", func(s jetstream.StreamState) bool { return s.Msgs > 0 }, "no word")
	s, err := f.connect().Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	require.NoError(t, s.Purge(t.Context()))
	f.relay()
	require.NoError(t, <-erased)
}

// TestEraseAnIDThatIsNone: it is refused, and a word about one, whoever wrote it, does not come
// back for ever.
func TestEraseAnIDThatIsNone(t *testing.T) {
	t.Parallel()
	f := single(t)
	for _, id := range []string{"", "ace\xff"} {
		_, err := f.eraser().Erase(t.Context(), id)
		require.Error(t, err)
	}
	assert.Zero(t, f.state("EVENTS").LastSeq)
	for _, player := range []string{"ace=FF", "ace=41"} { // no text, and an A that is escaped
		m := nats.NewMsg("events-erase." + f.eraser().game + "." + player)
		m.Header[eraseHeader] = []string{rand.Text()}
		_, err := f.connect().PublishMsg(t.Context(), m)
		require.NoError(t, err)
	}
	p := f.publisher()
	play(t, p, 12, 3)
	require.NoError(t, p.Flush(t.Context()))
	r := f.relay()
	f.idle()
	assert.Zero(t, f.requireOrder(12, 3))
	assert.Equal(t, map[string]int64{Malformed: 2}, r.Stats().DeadLetters)
	assert.Zero(t, r.Stats().Resets)
}
