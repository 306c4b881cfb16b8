package relay

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"sync"

	"github.com/playline/playline-go/batcher"
)

// eventIDs gives the events of a publisher their ids, and the same one again to an event that is
// sent again.
//
// A batcher has one request of a player under way, and sends a player's events in order, so what
// has to be remembered is the ids of the events at the front of that player's line that were tried
// and are not stored for certain. The batcher may cut what it repeats, so a repeated request may
// hold fewer events. The event's hash is kept beside its id: were the two ever out of step, an
// event would get a new id and perhaps a second copy, and never the id of another event, under
// which the stream would drop it.
//
// The stream drops the second message of an id, whatever its game is. So an id begins with 80
// random bits of its publisher: the ids of two games never meet, and nobody can take an id before
// its owner does.
type eventIDs struct {
	prefix string
	seed   maphash.Seed

	mu    sync.Mutex // guards the following
	next  uint64
	tried map[string][]triedEvent // by player
}

type triedEvent struct {
	id     uint64
	hash   uint64
	stored bool // the stream has acknowledged it, and others of its request not
}

func newEventIDs() *eventIDs {
	return &eventIDs{prefix: rand.Text()[:16] + "-", seed: maphash.MakeSeed(), tried: map[string][]triedEvent{}}
}

// text is an id as the stream sees it.
func (e *eventIDs) text(id uint64) string { return e.prefix + strconv.FormatUint(id, 36) }

// storedID is the id of an event that a Store has. It is the same in the next process with that
// Store. A Store gives the id of an event that a power cut took to another event, so the message's
// id depends on the event, too: the stream must not drop the other one as a copy.
func storedID(store string, id uint64, player string, event []byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", len(player), player, event))
	return store + "-" + strconv.FormatUint(id, 36) + "-" + base64.RawURLEncoding.EncodeToString(sum[:6])
}

// begin returns the ids of a request's events, old ones for those that were tried before, and
// remembers them.
func (e *eventIDs) begin(player string, events [][]byte) []triedEvent {
	hashes := make([]uint64, len(events))
	for i, event := range events {
		hashes[i] = maphash.Bytes(e.seed, event)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.tried[player]
	known := 0
	for known < min(len(old), len(events)) && old[known].hash == hashes[known] {
		known++
	}
	if known < min(len(old), len(events)) {
		old = old[:known:known]
	}
	for _, hash := range hashes[known:] {
		e.next++
		old = append(old, triedEvent{id: e.next, hash: hash})
	}
	e.tried[player] = old
	return old[:len(events):len(events)]
}

// stored notes that the stream has the first n events of a player's line. They are not sent again
// with the others: the stream remembers ids for StreamConfig.Duplicates only, and an outage can
// last longer.
func (e *eventIDs) stored(player string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	line := e.tried[player]
	for i := range line[:min(n, len(line))] {
		line[i].stored = true
	}
}

// drop forgets the ids of events that the batcher gave a result without sending them again. Those
// behind them keep theirs, and a later event that equals one of them does not get its id.
func (e *eventIDs) drop(player string, events []batcher.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	line := e.tried[player]
	for _, event := range events {
		hash := maphash.Bytes(e.seed, event.JSON)
		if at := slices.IndexFunc(line, func(t triedEvent) bool { return t.hash == hash }); at >= 0 {
			line = slices.Delete(line, at, at+1)
		}
	}
	if e.tried[player] = line; len(line) == 0 {
		delete(e.tried, player)
	}
}

// forget drops all ids of a player whose events are gone.
func (e *eventIDs) forget(player string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.tried, player)
}

// done forgets the first n ids of a player: their events have their result.
func (e *eventIDs) done(player string, n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if rest := e.tried[player]; len(rest) > n {
		e.tried[player] = rest[n:]
	} else {
		delete(e.tried, player)
	}
}
