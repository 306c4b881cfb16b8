package proxytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// book holds the tracked events, and the results that the batcher reported.
type book struct {
	t    *testing.T
	once []batcher.EventType // Config.AtMostOnce

	mu     sync.Mutex // guards the following
	events []*entry   // by their number; nil: not accepted
}

// entry is an event that Track took.
type entry struct {
	user    string
	once    bool
	padding int
	told    int
	result  batcher.Result
	doubt   bool // Outcome.PossibleDuplicates
	stored  int
}

func newBook(t *testing.T, once []batcher.EventType) *book {
	t.Helper()
	return &book{t: t, once: once}
}

// open numbers an event that is to be tracked. Only its player's goroutine opens and withdraws a
// player's events, so their numbers are in the order in which Track takes them.
func (b *book) open(user string, kind batcher.EventType, padding int) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, &entry{user: user, once: slices.Contains(b.once, kind), padding: padding})
	return len(b.events) - 1
}

// withdraw takes back an event that Track did not take.
func (b *book) withdraw(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events[n] = nil
}

// outcome is Config.OnOutcome, and takes the outcomes of a Report too.
func (b *book) outcome(out batcher.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, record := range out.Records {
		event, err := record.Event()
		assert.NoError(b.t, err)
		data, isRaw := event.Data.(json.RawMessage)
		if !assert.True(b.t, isRaw) {
			continue
		}
		if e := b.find(out.UserID, data); e != nil {
			e.told++
			e.result, e.doubt = out.Result, out.PossibleDuplicates
		}
	}
}

// find returns the entry of an event by its data, or nil. The caller holds mu.
func (b *book) find(user string, data json.RawMessage) *entry {
	var in struct {
		N   int    `json:"n"`
		Pad string `json:"pad"`
	}
	if !assert.NoError(b.t, json.Unmarshal(data, &in)) || !assert.Less(b.t, in.N, len(b.events)) {
		return nil
	}
	e := b.events[in.N]
	if !assert.NotNil(b.t, e, "event %d was not accepted", in.N) {
		return nil
	}
	assert.Equal(b.t, e.user, user, "event %d is another player's", in.N)
	assert.Len(b.t, in.Pad, e.padding, "event %d came changed", in.N)
	return e
}

// check compares the ledger with the outcomes, and both with the emulator's record. Nothing may be
// under way any more.
func (b *book) check(server *emulator.Server, ledger batcher.Ledger) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(server)
	want := batcher.Ledger{PossibleDuplicates: ledger.PossibleDuplicates}
	copies := int64(0)
	for n, e := range b.events {
		if e == nil {
			continue
		}
		want.Accepted++
		about := fmt.Sprintf("event %d: %s, stored %d times: %+v", n, e.result, e.stored, *e)
		assert.Equal(b.t, 1, e.told, "one result each: %s", about)
		assert.False(b.t, e.stored > 1 && (e.once || !e.doubt), "a copy that nobody was told of: %s", about)
		switch e.result {
		case batcher.Delivered:
			want.Delivered++
			copies += int64(e.stored - 1)
			assert.Positive(b.t, e.stored, "delivered, and not there: %s", about)
		case batcher.Unknown:
			want.Unknown++
			assert.True(b.t, e.once, "unknown without being asked for: %s", about)
		case batcher.Returned:
			want.Returned++
			assert.False(b.t, e.stored > 0 && !e.doubt, "handed back as if it had not arrived: %s", about)
		default:
			assert.Fail(b.t, "no event here is bad or too old", about)
		}
	}
	assert.LessOrEqual(b.t, copies, ledger.PossibleDuplicates)
	assert.Equal(b.t, want, ledger)
}

// count counts what the emulator has, and checks the order of each player's first copies. mu is
// held.
//
// Events that are not reported as delivered are left out of the order: the batcher goes on after
// them, while the request that held them may still be on the line and arrive later.
func (b *book) count(server *emulator.Server) {
	users := map[string]bool{}
	for _, e := range b.events {
		if e != nil {
			users[e.user] = true
		}
	}
	for user := range users {
		latest := -1
		for _, stored := range server.Events(user) {
			e := b.find(user, stored.CustomData)
			if e == nil {
				continue
			}
			if e.stored++; e.stored == 1 && e.result == batcher.Delivered {
				n := slices.Index(b.events, e)
				assert.Greater(b.t, n, latest, "%s: the order is broken", user)
				latest = n
			}
		}
	}
}
