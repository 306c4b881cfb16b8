package relay

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/playline/playline-go/batcher"
)

// entry is a message that a partition has received and whose acknowledgement the server has not confirmed.
type entry struct {
	seq     uint64 // in the stream
	subject string
	id      string // of the event
	stored  time.Time
	once    bool // its type is in Config.AtMostOnce

	reply   string    // where to acknowledge; a redelivery brings a new one
	settled time.Time // when it was acknowledged last, zero: not yet
}

// hand is what a partition has of the stream: by sequence, so that a redelivery is known, and by player in the order of the stream, so that
// what the batcher tells of a player's events is told of the right messages.
//
// The second hangs on two promises of the batcher: it tells of a player's events in the order in which Track took them, and never two
// things of one player at once. There is one exception: events that must not be sent twice are told as unknown ahead of others of
// their request. They are the first such ones of the player.
type hand struct {
	mu      sync.Mutex // guards the following
	bySeq   map[uint64]*entry
	lines   map[string][]*entry // by player, what has no result yet
	waiting int                 // entries that are not settled

	// What was ever held and is in none of the above is settled, except what went back to the stream.
	highest  uint64    // sequence, by this relay or one before it
	latest   time.Time // at which a message of these was stored
	back     map[uint64]struct{}
	received uint64 // the highest sequence that this relay held
}

func newHand() *hand {
	return &hand{bySeq: map[uint64]*entry{}, lines: map[string][]*entry{}, back: map[uint64]struct{}{}}
}

// restore begins where another relay has ended.
func (h *hand) restore(n note) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.highest, h.latest = n.Top, n.Latest
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

// hold takes a message over. Where it is known, it is a redelivery: its entry is the one that is there, or one that is settled.
func (h *hand) hold(m jetstream.Msg, meta *jetstream.MsgMetadata) (e *entry, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seq := meta.Sequence.Stream
	if e := h.bySeq[seq]; e != nil {
		if e.stored.Equal(meta.Timestamp) {
			e.reply = m.Reply()
			return e, true
		}
		e.reply = "" // the stream has lost its end, and this message with it
	}
	e = &entry{seq: seq, subject: m.Subject(), id: m.Headers().Get(jetstream.MsgIDHeader), stored: meta.Timestamp, reply: m.Reply()}
	h.bySeq[seq] = e
	h.received = max(h.received, seq)
	_, back := h.back[seq]
	delete(h.back, seq)
	newer := meta.Timestamp.After(h.latest)
	if seq <= h.highest && !back && !newer {
		e.settled = time.Now() // and its acknowledgement was confirmed, but the stream still has it
		return e, true
	}
	if seq > h.highest || newer && !back {
		h.highest = seq // also a lower one: what the stream had beyond it is lost
	}
	if newer {
		h.latest = meta.Timestamp
	}
	h.waiting++
	return e, false
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

// keep sets what is left of a player's line. The mutex is held.
func (h *hand) keep(player string, line []*entry) {
	if len(line) == 0 {
		delete(h.lines, player)
		return
	}
	h.lines[player] = line
}

// take takes the entries out of a player's line that a result of n events is about, fewer where there are not so many.
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

// settle marks an entry as acknowledged now and returns where to, "": nowhere. It is dropped when the server confirms.
func (h *hand) settle(e *entry, now time.Time) (reply string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.settled.IsZero() {
		h.waiting--
	}
	e.settled = now
	return e.reply
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

// top is the highest sequence that this relay held.
func (h *hand) top() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.received
}
