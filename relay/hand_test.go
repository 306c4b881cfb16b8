package relay

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
)

// TestHandTake: what the batcher tells is told of the right messages.
func TestHandTake(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		once   string // of five entries, which must not be sent twice
		n      int
		result batcher.Result
		want   []uint64
		left   []uint64
	}{
		"delivered: the first ones":          {".....", 2, batcher.Delivered, []uint64{1, 2}, []uint64{3, 4, 5}},
		"delivered, with some that are once": {"1.1..", 3, batcher.Delivered, []uint64{1, 2, 3}, []uint64{4, 5}},
		"rejected: the first":                {"..1..", 1, batcher.Rejected, []uint64{1}, []uint64{2, 3, 4, 5}},
		"expired":                            {".....", 5, batcher.Expired, []uint64{1, 2, 3, 4, 5}, nil},
		"unknown: the first that are once":   {".1.11", 2, batcher.Unknown, []uint64{2, 4}, []uint64{1, 3, 5}},
		"unknown, fewer than told":           {"....1", 2, batcher.Unknown, []uint64{5}, []uint64{1, 2, 3, 4}},
		"more than there are":                {".....", 7, batcher.Delivered, []uint64{1, 2, 3, 4, 5}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHand()
			for i, c := range test.once {
				h.line("ace", &entry{seq: uint64(i + 1), once: c == '1'})
			}
			h.line("blitz", &entry{seq: 9})
			seqs := func(entries []*entry) (out []uint64) {
				for _, e := range entries {
					out = append(out, e.seq)
				}
				return out
			}
			assert.Equal(t, test.want, seqs(h.take("ace", test.n, test.result)))
			assert.Equal(t, test.left, seqs(h.lines["ace"]))
			assert.Equal(t, []uint64{9}, seqs(h.lines["blitz"]), "another player's")
		})
	}
}

// incomingMessage is a message with what hand looks at.
type incomingMessage struct {
	jetstream.Msg

	reply string
}

func (m incomingMessage) Reply() string        { return m.reply }
func (m incomingMessage) Subject() string      { return "events.0.game.ace" }
func (m incomingMessage) Headers() nats.Header { return nil }

// TestHandHold: what is known, what is settled, and what is a message that was never here although
// its number was.
func TestHandHold(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	at := func(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }
	hold := func(h *hand, seq uint64, second int) (e *entry, known bool) {
		meta := &jetstream.MsgMetadata{Timestamp: at(second)}
		meta.Sequence.Stream = seq
		return h.hold(incomingMessage{reply: "to"}, meta)
	}
	// Of the messages 1 to 5, stored at the seconds 1 to 5, this relay has settled 1, 2 and 4; 4 is
	// not confirmed. 5 went back.
	filled := func() *hand {
		h := newHand()
		for seq := range uint64(5) {
			e, _ := hold(h, seq+1, int(seq)+1)
			switch seq + 1 {
			case 1, 2, 4:
				h.settle(e, at(9))
			case 5:
				h.forget(e)
			}
		}
		h.confirm(1)
		h.confirm(2)
		return h
	}
	for name, test := range map[string]struct {
		seq            uint64
		second         int
		known, settled bool
	}{
		"a new one":                                 {6, 6, false, false},
		"a new one by a clock that is behind":       {6, 2, false, false},
		"settled and confirmed":                     {2, 2, true, true},
		"settled, not confirmed":                    {4, 4, true, true},
		"in hand":                                   {3, 3, true, false},
		"went back":                                 {5, 5, false, false},
		"a settled number, given again":             {2, 8, false, false},
		"the number of one in hand, given again":    {3, 8, false, false},
		"an unconfirmed number, given again":        {4, 8, false, false},
		"the number of one that went, given again":  {5, 8, false, false},
		"the first number of a stream made anew":    {1, 8, false, false},
		"stored in the same moment as the last one": {6, 5, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, h := range map[string]*hand{"the same relay": filled(), "the next relay": restored(filled().note())} {
				goesBack := kind == "the next relay" && test.seq == 3 // with the relay that had it in hand
				e, known := hold(h, test.seq, test.second)
				assert.Equal(t, test.known && !goesBack, known, kind)
				assert.Equal(t, test.settled, h.isSettled(e), kind)
				assert.Equal(t, "to", e.reply, kind)
			}
		})
	}
	t.Run("a stream that has lost its end goes on", func(t *testing.T) {
		t.Parallel()
		h := filled()
		lost := h.bySeq[3]
		for seq := uint64(2); seq < 7; seq++ { // all in one moment, as a batch may be
			_, known := hold(h, seq, 8)
			assert.False(t, known, "message %d", seq)
		}
		assert.Empty(t, h.settle(lost, at(9)), "the message is lost, and the one that has its number must not be acknowledged for it")
		waiting, unconfirmed := h.size()
		assert.Equal(t, 5, waiting)
		assert.Zero(t, unconfirmed)
	})
	t.Run("a stream that has lost its end from one that waits on", func(t *testing.T) {
		t.Parallel()
		for kind, h := range map[string]*hand{"the same relay": filled(), "the next relay": restored(note{Top: 10, Latest: at(5), Open: []uint64{5}, Doubtful: 10})} {
			for seq := uint64(5); seq < 8; seq++ {
				_, known := hold(h, seq, 8)
				assert.False(t, known, "message %d, %s", seq, kind)
			}
			n := h.note()
			assert.Equal(t, uint64(7), n.Top, kind)
			assert.Equal(t, []uint64{5, 6, 7}, n.Open[len(n.Open)-3:], kind)
		}
	})
	t.Run("a number that is given again is told once, and not in doubt", func(t *testing.T) {
		t.Parallel()
		h := restored(note{Top: 9000, Latest: at(8), Doubtful: 9000})
		assert.False(t, h.renumbered())
		e, known := hold(h, 100, 3600)
		assert.False(t, known)
		assert.True(t, h.renumbered())
		assert.False(t, e.doubt, "who has sent it has left a note that gives it as taken")
		h.forget(e)
		again, known := hold(h, 100, 3600)
		assert.False(t, known, "it goes back while the note is written, and comes again")
		assert.False(t, again.doubt)
		assert.False(t, h.renumbered())
		below, known := hold(h, 99, 5)
		assert.True(t, known, "what the stream has not lost is settled")
		assert.True(t, h.isSettled(below))
	})
	t.Run("one in hand whose number comes again by a clock that is behind", func(t *testing.T) {
		t.Parallel()
		h := filled()
		lost := h.bySeq[4] // settled, not confirmed
		e, known := hold(h, 4, 2)
		assert.False(t, known)
		assert.False(t, h.isSettled(e), "another message")
		assert.Empty(t, lost.reply)
		assert.True(t, h.renumbered())
	})
	t.Run("what is lost is not acknowledged", func(t *testing.T) {
		t.Parallel()
		h := filled()
		lost := h.bySeq[4] // settled, and not confirmed
		hold(h, 2, 8)
		assert.Empty(t, lost.reply)
		assert.Empty(t, h.unconfirmed(at(1000)))
	})
	t.Run("what is lost does not go back", func(t *testing.T) {
		t.Parallel()
		h := filled()
		lost := h.bySeq[3]
		e, _ := hold(h, 3, 8)
		h.forget(lost)
		assert.Same(t, e, h.bySeq[3])
		assert.NotContains(t, h.back, uint64(3))
	})
}

// TestHandTakeLast: what Close hands back are the last events of a player, whatever is still to be
// told of the first.
func TestHandTakeLast(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]uint64{0: {}, 2: {4, 5}, 5: {1, 2, 3, 4, 5}, 9: {1, 2, 3, 4, 5}} {
		h := newHand()
		for seq := uint64(1); seq <= 5; seq++ {
			h.line("ace", &entry{seq: seq})
		}
		last := []uint64{}
		for _, e := range h.takeLast("ace", n) {
			last = append(last, e.seq)
		}
		assert.Equal(t, want, last)
		assert.Len(t, h.take("ace", 9, batcher.Delivered), 5-len(want))
		assert.Empty(t, h.lines)
	}
}

// TestHandTakeAll: what Close has not handed back goes back to the stream too, and a callback that
// comes after it finds nothing to acknowledge.
func TestHandTakeAll(t *testing.T) {
	t.Parallel()
	h := newHand()
	for seq := uint64(1); seq <= 4; seq++ {
		h.line([]string{"ace", "blitz"}[seq%2], &entry{seq: seq})
	}
	h.takeLast("ace", 1)
	assert.Len(t, h.takeAll(), 3)
	assert.Empty(t, h.take("ace", 1, batcher.Delivered))
	assert.Empty(t, h.take("blitz", 2, batcher.Unknown))
}

func restored(n note) *hand {
	h := newHand()
	h.restore(n)
	return h
}
