package relay

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// entry is a message that a partition has received and whose acknowledgement the server has not
// confirmed.
type entry struct {
	seq     uint64 // in the stream
	subject string
	id      string // of the event
	stored  time.Time
	typ     batcher.EventType
	once    bool // typ is in Config.AtMostOnce
	doubt   bool // a relay before may have sent it

	reply   string    // where to acknowledge; a redelivery brings a new one
	settled time.Time // when it was acknowledged last, zero: not yet
}

// mark identifies the entry's message.
func (e *entry) mark() mark { return mark{e.seq, e.stored.UnixNano()} }

// hand is what a partition has of the stream: by sequence, so that a redelivery is known, and by
// player in the order of the stream, so that what the batcher tells of a player's events is told of
// the right messages.
//
// The second hangs on two promises of the batcher: it tells of a player's events in the order in
// which Track took them, and never two things of one player at once. There are two exceptions.
// Events that must not be sent twice are told as unknown ahead of others of their request: they are
// the first such ones of the player. And Close may hand the last ones of a player back while a
// callback that it waited for in vain is still to be called for the others.
type hand struct {
	mu      sync.Mutex // guards the following
	bySeq   map[uint64]*entry
	lines   map[string][]*entry // by player, what has no result yet
	waiting int                 // entries that are not settled

	// What was ever held and is in none of the above is settled, except what went back to the
	// stream.
	highest  uint64    // sequence, by this relay or one before it
	latest   time.Time // at which a message of these was stored
	back     map[uint64]struct{}
	received uint64 // the highest sequence that this relay held
	doubtful uint64 // up to here a relay before may have sent what is not settled
	anew     bool   // the stream reused sequence numbers, and renumbered has not reported it yet
}

func newHand() *hand {
	return &hand{bySeq: map[uint64]*entry{}, lines: map[string][]*entry{}, back: map[uint64]struct{}{}}
}

// restore begins where another relay has ended.
func (h *hand) restore(n note) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.highest, h.latest, h.doubtful = n.Top, n.Latest, n.Doubtful
	clear(h.back)
	for _, seq := range n.Open {
		h.back[seq] = struct{}{}
	}
}

// note is what another relay would have to know.
func (h *hand) note() note {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := note{Top: h.highest, Latest: h.latest, Open: slices.Collect(maps.Keys(h.back))}
	for seq, e := range h.bySeq {
		if e.settled.IsZero() {
			n.Open = append(n.Open, seq)
		}
	}
	slices.Sort(n.Open)
	return n
}

// hold takes a message over. Where it is known, it is a redelivery: its entry is the one that is
// there, or one that is settled.
func (h *hand) hold(m jetstream.Msg, meta *jetstream.MsgMetadata) (e *entry, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seq := meta.Sequence.Stream
	old := h.bySeq[seq]
	if old != nil && old.stored.Equal(meta.Timestamp) {
		old.reply = m.Reply()
		return old, true
	}
	newer := meta.Timestamp.After(h.latest)
	if old != nil || newer && seq <= h.highest {
		h.renumber(seq)
	}
	e = &entry{seq: seq, subject: m.Subject(), id: m.Headers().Get(jetstream.MsgIDHeader), stored: meta.Timestamp, reply: m.Reply()}
	h.bySeq[seq] = e
	h.received = max(h.received, seq)
	_, back := h.back[seq]
	delete(h.back, seq)
	if seq <= h.highest && !back {
		e.settled = time.Now() // and its acknowledgement was confirmed, but the stream still has it
		return e, true
	}
	h.highest = max(h.highest, seq)
	if newer {
		h.latest = meta.Timestamp
	}
	e.doubt = seq <= h.doubtful
	h.waiting++
	return e, false
}

// renumber discards the state of a sequence and all later ones, because the stream reuses these
// numbers. Entries from before have no message any more to acknowledge. The new messages are not in
// doubt: a relay writes a note that says so before it sends any of them. The mutex is held.
func (h *hand) renumber(seq uint64) {
	h.highest, h.received, h.doubtful, h.anew = seq-1, min(h.received, seq-1), min(h.doubtful, seq-1), true
	maps.DeleteFunc(h.back, func(s uint64, _ struct{}) bool { return s >= seq })
	maps.DeleteFunc(h.bySeq, func(s uint64, e *entry) bool {
		if s >= seq {
			e.reply = ""
		}
		return s >= seq
	})
}

// renumbered reports whether the stream reused numbers since the last call.
func (h *hand) renumbered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	anew := h.anew
	h.anew = false
	return anew
}

// line puts an entry at the end of its player's line.
func (h *hand) line(player string, e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines[player] = append(h.lines[player], e)
}

// unline takes an entry out of its player's line that the batcher did not take.
func (h *hand) unline(player string, e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(player, slices.DeleteFunc(h.lines[player], func(other *entry) bool { return other == e }))
}

// front returns the marks of the events that must not be sent twice among the first n of a player's
// line: those of the player's request. The batcher has one request of a player under way, and tells
// its result before it begins the next.
func (h *hand) front(player string, n int) (once []mark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := h.lines[player]
	for _, e := range line[:min(n, len(line))] {
		if e.once {
			once = append(once, e.mark())
		}
	}
	return once
}

// keep sets what is left of a player's line. The mutex is held.
func (h *hand) keep(player string, line []*entry) {
	if len(line) == 0 {
		delete(h.lines, player)
		return
	}
	h.lines[player] = line
}

// doubts is how many events of a player without a result a relay before may have sent.
func (h *hand) doubts(player string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.lines[player] {
		if e.doubt {
			n++
		}
	}
	return n
}

// take takes the entries out of a player's line that a result of n events is about, fewer where
// there are not so many.
func (h *hand) take(player string, n int, result batcher.Result) []*entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := h.lines[player]
	if result != batcher.Unknown {
		n = min(n, len(line))
		h.keep(player, line[n:])
		return line[:n:n]
	}
	var taken, rest []*entry
	for _, e := range line {
		if e.once && len(taken) < n {
			taken = append(taken, e)
		} else {
			rest = append(rest, e)
		}
	}
	h.keep(player, rest)
	return taken
}

// takeLast takes the last n entries out of a player's line, fewer where there are not so many.
func (h *hand) takeLast(player string, n int) []*entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := h.lines[player]
	at := max(len(line)-n, 0)
	h.keep(player, line[:at:at])
	return line[at:]
}

// takeAll takes the entries out of all lines.
func (h *hand) takeAll() (all []*entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		all = append(all, line...)
	}
	clear(h.lines)
	return all
}

// forget drops an entry that goes back to the stream unsettled.
func (h *hand) forget(e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting--
	if h.bySeq[e.seq] == e {
		delete(h.bySeq, e.seq)
		h.back[e.seq] = struct{}{}
	}
}

// settle marks an entry as acknowledged now and returns where to, "": nowhere. It is dropped when
// the server confirms. One that no consumer has brought yet is dropped at once: should it come it
// is known as settled, by its number.
func (h *hand) settle(e *entry, now time.Time) (reply string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.settled.IsZero() {
		h.waiting--
	}
	e.settled = now
	if e.reply == "" && h.bySeq[e.seq] == e {
		delete(h.bySeq, e.seq)
	}
	return e.reply
}

// detach forgets where to acknowledge what the consumer has brought, before it is made anew. The
// server takes an acknowledgement by the consumer's name and the number of the message: where
// numbers are given again, one for a message of the old consumer would remove another message.
func (h *hand) detach() {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.bySeq, func(_ uint64, e *entry) bool {
		e.reply = ""
		return !e.settled.IsZero()
	})
}

// isSettled reports whether an entry was acknowledged before.
func (h *hand) isSettled(e *entry) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !e.settled.IsZero()
}

// confirm drops an entry: the server has its acknowledgement.
func (h *hand) confirm(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.bySeq[seq]; e != nil && !e.settled.IsZero() {
		delete(h.bySeq, seq)
	}
}

// unconfirmed returns the entries that were acknowledged before a time and are not confirmed.
func (h *hand) unconfirmed(before time.Time) []*entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []*entry
	for _, e := range h.bySeq {
		if !e.settled.IsZero() && e.settled.Before(before) {
			out = append(out, e)
		}
	}
	return out
}

// size is how many entries are not settled, and how many are but not confirmed.
func (h *hand) size() (waiting, unconfirmed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.waiting, max(len(h.bySeq)-h.waiting, 0)
}

// sentBefore returns the highest sequence that an earlier relay may have sent.
func (h *hand) sentBefore() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.doubtful
}

// mayHaveSent returns the highest sequence that an earlier relay or this one may have sent.
func (h *hand) mayHaveSent() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(h.doubtful, h.received)
}
