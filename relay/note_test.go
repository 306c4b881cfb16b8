package relay

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// TestNoteWithConsumer: what a relay that was killed has done since it wrote its note.
func TestNoteWithConsumer(t *testing.T) {
	t.Parallel()
	noted, later := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 8, 1, 12, 0, 9, 0, time.UTC)
	left := func(live bool) note {
		return note{Top: 20, Latest: noted, Open: []uint64{12, 15, 18}, Doubtful: 15, Live: live}
	}
	consumer := func(count, delivered, floor uint64, last *time.Time) *jetstream.ConsumerInfo {
		return &jetstream.ConsumerInfo{
			Delivered: jetstream.SequenceInfo{Consumer: count, Stream: delivered, Last: last}, AckFloor: jetstream.SequenceInfo{Stream: floor},
		}
	}
	for name, test := range map[string]struct {
		live     bool
		consumer *jetstream.ConsumerInfo
		want     note
	}{
		"it left in good order":                     {false, nil, left(false)},
		"it was killed before it took anything":     {false, consumer(9, 30, 25, &later), left(false)},
		"it took some, and settled a few":           {true, consumer(5, 30, 15, &later), note{Top: 20, Latest: noted, Open: []uint64{18}, Doubtful: 30}},
		"it settled more than was noted":            {true, consumer(5, 30, 25, &later), note{Top: 25, Latest: later, Open: nil, Doubtful: 30}},
		"it has not come as far as those before":    {true, consumer(1, 12, 11, &later), note{Top: 20, Latest: noted, Open: []uint64{12, 15, 18}, Doubtful: 15}},
		"the consumer's leader is new":              {true, consumer(5, 30, 25, nil), note{Top: 20, Latest: noted, Open: []uint64{12, 15, 18}, Doubtful: 30}},
		"the last delivery was before the note":     {true, consumer(5, 30, 25, new(noted.Add(-time.Second))), note{Top: 25, Latest: noted, Open: nil, Doubtful: 30}},
		"the consumer is gone":                      {true, nil, note{Top: 20, Latest: noted, Open: []uint64{12, 15, 18}, Doubtful: 40}},
		"its servers have lost what they had of it": {true, consumer(0, 0, 0, nil), note{Top: 20, Latest: noted, Open: []uint64{12, 15, 18}, Doubtful: 40}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := left(test.live).with(test.consumer, 40)
			assert.Equal(t, test.want.Top, got.Top)
			assert.Equal(t, test.want.Latest, got.Latest)
			assert.Equal(t, test.want.Doubtful, got.Doubtful)
			assert.ElementsMatch(t, test.want.Open, got.Open)
		})
	}
}

// TestNoteWithout: what a stream no longer has is not carried from note to note.
func TestNoteWithout(t *testing.T) {
	t.Parallel()
	n := note{Top: 20, Open: []uint64{12, 15, 18}, Doubtful: 15}
	for first, want := range map[uint64][]uint64{1: {12, 15, 18}, 15: {15, 18}, 21: {}} {
		assert.Equal(t, note{Top: 20, Open: want, Doubtful: 15}, n.without(first))
	}
	assert.Equal(t, []uint64{12, 15, 18}, n.Open)
}

// TestNoteBounded: a note is smaller than a message may be. What it cannot name is in doubt, and
// never taken for settled.
func TestNoteBounded(t *testing.T) {
	t.Parallel()
	n := note{Top: 1e9}
	for i := range uint64(maxOpen) {
		n.Open = append(n.Open, 5e8+2*i)
	}
	assert.Equal(t, n, n.bounded())
	n.Open = append(n.Open, 9e8)
	assert.Equal(t, note{Top: 5e8 - 1, Doubtful: 1e9}, n.bounded())
	n.Doubtful = 2e9
	assert.Equal(t, uint64(2e9), n.bounded().Doubtful)
}

// TestNotes: a note stands in the place of the one that its writer knows, and of no other.
func TestNotes(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
	patient := f.stream // the server lets leases end after a second, and who writes has longer for it than a sixth of that
	patient.LeaseTTL = 30 * time.Second
	registry := func(holder string) *registry {
		r, err := openRegistry(t.Context(), f.connect(), patient, "game", holder)
		require.NoError(t, err)
		return r
	}
	first, second := registry("first"), registry("second")
	n, err := first.readNote(t.Context(), 3)
	require.NoError(t, err)
	assert.Equal(t, note{}, n)
	n.Top, n.Latest, n.Open = 7, time.Date(2026, 8, 1, 12, 0, 0, 123456789, time.UTC), []uint64{2, 5}
	require.NoError(t, first.writeNote(t.Context(), 3, &n))
	read, err := second.readNote(t.Context(), 3)
	require.NoError(t, err)
	n.By = "first"
	assert.Equal(t, n, read)

	lost := note{Top: 8, revision: 0} // the answer to the first write was lost
	require.NoError(t, first.writeNote(t.Context(), 3, &lost), "its own note")
	require.Error(t, second.writeNote(t.Context(), 3, &read), "it was read before that")
	read, err = second.readNote(t.Context(), 3)
	require.NoError(t, err)
	require.NoError(t, second.writeNote(t.Context(), 3, &read))
	require.True(t, wrongRevision(first.writeNote(t.Context(), 3, &lost)), "the partition is another relay's")

	held, err := first.acquire(t.Context(), t.Context(), 3)
	require.NoError(t, err)
	defer held.drop()
	f.until("EVENTS-leases", func(s jetstream.StreamState) bool { return s.Msgs == 1 }, "the lease does not expire")
	_, err = first.readNote(t.Context(), 3)
	require.NoError(t, err)

	_, err = f.connect().Publish(t.Context(), first.noteSubject(3), []byte("{"))
	require.NoError(t, err)
	_, err = first.readNote(t.Context(), 3)
	require.ErrorContains(t, err, "remove the message events-leases.game.note.3")
}

// TestTakeOver: what the relay before has left decides what is sent, what is counted, and what is
// let pass.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	now := time.Now().Add(time.Hour) // everything in the stream was stored before
	for name, test := range map[string]struct {
		left     note
		sent     []int // of the events 1 to 6
		possible int64
	}{
		"nothing":                           {note{}, []int{1, 2, 3, 4, 5, 6}, 0},
		"settled, and not removed yet":      {note{Top: 4, Latest: now}, []int{5, 6}, 0},
		"settled, but for some":             {note{Top: 5, Latest: now, Open: []uint64{2, 4}}, []int{2, 4, 6}, 0},
		"and of them one is in doubt":       {note{Top: 5, Latest: now, Open: []uint64{2, 4}, Doubtful: 3}, []int{2, 4, 6}, 1},
		"killed, and the consumer is gone":  {note{Top: 2, Latest: now, Live: true}, []int{3, 4, 5, 6}, 4},
		"about a stream that was made anew": {note{Top: 9000, Latest: now.Add(-24 * time.Hour)}, []int{1, 2, 3, 4, 5, 6}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			p := f.publisher()
			for n := range 6 {
				require.NoError(t, p.Track(t.Context(), "ace", batcher.Event{Type: batcher.LevelCompleted, Data: []slog.Attr{slog.Int("n", n+1)}}))
			}
			_, err := p.Close(t.Context())
			require.NoError(t, err)
			game, err := token(gameID)
			require.NoError(t, err)
			before, err := openRegistry(t.Context(), f.connect(), f.stream, game, "before")
			require.NoError(t, err)
			for part := range f.stream.Partitions {
				left := test.left
				require.NoError(t, before.writeNote(t.Context(), part, &left))
			}
			r := f.relay()
			f.idle()
			assert.Equal(t, test.sent, f.numbers("ace"))
			s := r.Stats()
			assert.Equal(t, test.possible, s.PossibleDuplicates)
			assert.Equal(t, int64(6-len(test.sent)), s.Redelivered)
			assert.Equal(t, int64(len(test.sent)), s.Delivered)
		})
	}
}

// TestTheNoteIsRemoved: where there is no note, a relay that was killed is known by its consumer.
func TestTheNoteIsRemoved(t *testing.T) {
	t.Parallel()
	f := single(t, func(c *StreamConfig) { c.LeaseTTL = time.Second })
	p := f.publisher()
	track(t, p, "ace", 0, 6)
	require.NoError(t, p.Flush(t.Context()))
	first := f.relay(func(c *Config) {
		c.Batcher.BatchEvents, c.Batcher.Linger = 6, time.Hour
		c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
			if err := sendOnce(ctx, f.sender, b); err != nil {
				return err
			}
			<-ctx.Done() // the answer does not come
			return ctx.Err()
		})
	})
	eventually(t, func() bool { return len(f.numbers("ace")) > 0 }, "not sent")
	kill(first)
	leases, err := f.connect().Stream(t.Context(), "EVENTS-leases")
	require.NoError(t, err)
	require.NoError(t, leases.Purge(t.Context(), jetstream.WithPurgeSubject("events-leases.*.note.*")))
	second := f.relay()
	f.idle()
	assert.GreaterOrEqual(t, second.Stats().PossibleDuplicates, int64(len(f.numbers("ace"))-6))
	assert.Len(t, f.numbers("ace"), 12)
}

// TestEveryTryIsCounted: an event whose answer is lost again and again is there as often. What
// certainly did not arrive is no copy.
func TestEveryTryIsCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers string // l: lost, n: not sent, d: delivered; again from the first one
		maxAge  time.Duration
		leaves  bool
	}{
		"and is delivered at last":                      {answers: "llld"},
		"and is delivered at last, some are not sent":   {answers: "lnlnd"},
		"until it expires":                              {answers: "l", maxAge: 2 * time.Second},
		"until it expires, and some are not sent":       {answers: "lnln", maxAge: 2 * time.Second},
		"until the relay leaves":                        {answers: "lll", leaves: true},
		"until the relay leaves, and some are not sent": {answers: "lnln", leaves: true},
		"until the relay leaves, nothing was ever sent": {answers: "n", leaves: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := single(t)
			p := f.publisher()
			track(t, p, "ace", 0, 2)
			require.NoError(t, p.Flush(t.Context()))
			var tries atomic.Int64
			r := f.relay(func(c *Config) {
				c.Batcher.MaxAge = test.maxAge
				c.Sender = sendFunc(func(ctx context.Context, b batcher.Batch) error {
					answer := test.answers[int(tries.Add(1)-1)%len(test.answers)]
					if answer == 'n' {
						return &batcher.SendError{Failure: batcher.NotSent, Err: errors.New("no network")}
					}
					if err := sendOnce(ctx, f.sender, b); err != nil {
						return err
					}
					if answer == 'l' {
						return &batcher.SendError{Failure: batcher.InDoubt, Err: errors.New("the answer is lost")}
					}
					return nil
				})
			})
			last := r
			var before int64
			if test.leaves {
				eventually(t, func() bool { return r.Stats().Requests > 3 }, "not sent")
				require.NoError(t, r.Close(t.Context()))
				before = r.Stats().PossibleDuplicates
				last = f.relay()
			}
			f.idle()
			times, copies := map[int]int{}, int64(0)
			for _, n := range f.numbers("ace") {
				if times[n]++; times[n] > 1 {
					copies++
				}
			}
			if test.maxAge == 0 { // otherwise a slow machine has time for one try
				assert.Equal(t, strings.Count(test.answers, "l") > 0, copies > 0)
			}
			counted := func(when string) {
				possible := before + last.Stats().PossibleDuplicates
				if !test.leaves {
					assert.Equal(t, copies, possible, when)
					return
				}
				// A request that Close cuts off counts as one more, of two events.
				assert.GreaterOrEqual(t, possible, copies, when)
				assert.LessOrEqual(t, possible, copies+2, when)
			}
			counted("while its partitions last")
			require.NoError(t, last.Close(t.Context()))
			counted("also when they have ended")
		})
	}
}

// TestWhatWasNeverSentIsNotInDoubt: a relay leaves with events of a player who has no token, after
// it has settled later ones of another.
func TestWhatWasNeverSentIsNotInDoubt(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	once := func(c *Config) { c.Batcher.AtMostOnce = []batcher.EventType{batcher.LevelCompleted} }
	track(t, p, "ace", 0, 3)
	track(t, p, "blitz", 0, 3)
	require.NoError(t, p.Flush(t.Context()))
	first := f.relay(once, withoutToken)
	eventually(t, func() bool { return first.Stats().Delivered == 3 && first.Stats().Parked == 1 }, "not delivered")
	require.NoError(t, first.Close(t.Context()))
	second := f.relay(once)
	f.idle()
	s := second.Stats()
	assert.Equal(t, []int{0, 1, 2}, f.numbers("ace"), "events of a type that is sent at most once, which never were")
	assert.Equal(t, []int{0, 1, 2}, f.numbers("blitz"))
	assert.Empty(t, s.DeadLetters)
	assert.Zero(t, s.PossibleDuplicates)
}
