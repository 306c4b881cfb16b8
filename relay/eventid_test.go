package relay

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
)

// TestEventIDs: an event keeps its id while it may be sent again, however the batcher cuts, and no
// other event ever gets it.
func TestEventIDs(t *testing.T) {
	t.Parallel()
	events := func(names ...string) (out [][]byte) {
		for _, n := range names {
			out = append(out, []byte(n))
		}
		return out
	}
	numbers := func(ids []triedEvent) (out []uint64) {
		for _, i := range ids {
			out = append(out, i.id)
		}
		return out
	}
	type step struct {
		player string
		events [][]byte
		done   int // of them, -1: the request failed
		want   []uint64
	}
	for name, steps := range map[string][]step{
		"each is new":             {{"ace", events("a", "b"), 2, []uint64{1, 2}}, {"ace", events("c"), 1, []uint64{3}}},
		"equal events, two ids":   {{"ace", events("a", "a"), 2, []uint64{1, 2}}, {"ace", events("a"), 1, []uint64{3}}},
		"again":                   {{"ace", events("a", "b"), -1, []uint64{1, 2}}, {"ace", events("a", "b"), 2, []uint64{1, 2}}},
		"cut, then the rest":      {{"ace", events("a", "b", "c"), -1, []uint64{1, 2, 3}}, {"ace", events("a"), 1, []uint64{1}}, {"ace", events("b", "c"), 2, []uint64{2, 3}}},
		"cut and failed again":    {{"ace", events("a", "b"), -1, []uint64{1, 2}}, {"ace", events("a"), -1, []uint64{1}}, {"ace", events("a", "b"), 2, []uint64{1, 2}}},
		"more than before":        {{"ace", events("a"), -1, []uint64{1}}, {"ace", events("a", "b"), 2, []uint64{1, 2}}},
		"players are apart":       {{"ace", events("a"), -1, []uint64{1}}, {"blitz", events("a"), 1, []uint64{2}}, {"ace", events("a"), 1, []uint64{1}}},
		"out of step: a new id":   {{"ace", events("a", "b"), -1, []uint64{1, 2}}, {"ace", events("b"), 1, []uint64{3}}},
		"out of step in the rest": {{"ace", events("a", "b", "c"), -1, []uint64{1, 2, 3}}, {"ace", events("a", "c"), 2, []uint64{1, 4}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := newEventIDs()
			for _, s := range steps {
				assert.Equal(t, s.want, numbers(ids.begin(s.player, s.events)))
				if s.done >= 0 {
					ids.done(s.player, s.done)
				}
			}
			assert.Empty(t, ids.tried, "what has its result is forgotten")
		})
	}
	records := func(names ...string) (out []batcher.Record) {
		for _, n := range names {
			out = append(out, batcher.Record{JSON: []byte(n)})
		}
		return out
	}
	ids := newEventIDs()
	ids.begin("ace", events("a", "b", "a", "c"))
	ids.drop("ace", records("b", "never tried"))
	assert.Equal(t, []uint64{1, 3, 4}, numbers(ids.begin("ace", events("a", "a", "c"))), "given up in the middle")
	ids.drop("ace", records("a", "a", "c"))
	assert.Empty(t, ids.tried)
	ids.drop("ace", records("a"))
	assert.Empty(t, ids.tried)
	assert.Equal(t, []uint64{5}, numbers(ids.begin("ace", events("a"))), "one that equals it is another event")
	one, other := newEventIDs(), newEventIDs()
	assert.NotEqual(t, one.text(1), other.text(1), "two publishers share no ids")
}
