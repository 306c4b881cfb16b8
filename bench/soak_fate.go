package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// fate is what the worker knows about one event: whether the batcher accepted it, its result, and
// two marks.
type fate byte

const (
	notAccepted fate = iota
	accept           // Track returned nil, and no result came yet
	firstResult      // and from here on the batcher's results, in their order

	inDoubt   fate = 0x80 // more copies of it may have been stored than its result says
	isGarbage fate = 0x40
	twice     fate = 0x20 // it has had more than one result
	fateOnly  fate = 0x1f
)

// fateOf returns the fate with that result.
func fateOf(r batcher.Result) fate { return firstResult + fate(r) }

func (f fate) is(r batcher.Result) bool { return f&fateOnly == fateOf(r) }

// with returns the fate of an event after a result.
func (f fate) with(r batcher.Result, doubt bool) fate {
	next := fateOf(r) | f&(isGarbage|twice)
	if f&fateOnly >= firstResult {
		next |= twice
	}
	if doubt {
		next |= inDoubt
	}
	return next
}

func (f fate) String() string {
	switch at := f & fateOnly; at {
	case notAccepted:
		return "not accepted"
	case accept:
		return "accepted, without a result"
	default:
		return batcher.Result(at - firstResult).String()
	}
}

// account is the knowledge of the worker at its end: the fate of every event by eid, and the
// batcher's ledger.
type account struct {
	Fates  []byte         `json:"fates"`
	Ledger batcher.Ledger `json:"ledger"`
}

// disagreements compares an account with what the sink stored: copies by eid, and stored in all. It
// returns one text per kind of disagreement, and none if the two agree to the event:
//
//   - the ledger's figures match the single results, and every accepted event has exactly one
//   - the sink stored delivered events and no others; it has more copies only of events in doubt
//   - the sink has at most as many further copies as the ledger has PossibleDuplicates
//   - the batcher rejected the garbage, and nothing else
func disagreements(a account, copies []uint16, stored int64) []string {
	found := findings{}
	if len(a.Fates) != len(copies) {
		return []string{fmt.Sprintf("the worker knows %d events, the sink %d", len(a.Fates), len(copies))}
	}
	results := map[fate]int64{}
	counted, further := int64(0), int64(0)
	for eid, known := range a.Fates {
		f, n := fate(known), copies[eid]
		results[f&fateOnly]++
		counted += int64(n)
		doubt := f&inDoubt != 0
		switch {
		case f.is(batcher.Delivered) && n == 0:
			found.add("delivered, but not stored", eid)
		case f.is(batcher.Delivered):
			further += int64(n) - 1
			if n > 1 && !doubt {
				found.add("stored more than once without a doubt", eid)
			}
		case n > 0 && !doubt:
			found.add(f.String()+", but stored", eid)
		}
		if f&fateOnly == accept {
			found.add("accepted, without a result", eid)
		}
		if f&twice != 0 {
			found.add("with more than one result", eid)
		}
		switch garbage, rejected := f&isGarbage != 0, f.is(batcher.Rejected); {
		case garbage && !rejected && f&fateOnly != notAccepted:
			found.add("garbage, but "+f.String(), eid)
		case rejected && !garbage:
			found.add("rejected, but not garbage", eid)
		}
	}
	out := found.texts()
	l := a.Ledger
	compare := func(name string, ledger, single int64) {
		if ledger != single {
			out = append(out, fmt.Sprintf("the ledger has %d %s, the single events add up to %d", ledger, name, single))
		}
	}
	for result, events := range l.Results() {
		compare(result.String(), events, results[fateOf(result)])
	}
	compare("pending", l.Pending, results[accept])
	compare("accepted", l.Accepted, int64(len(a.Fates))-results[notAccepted])
	if further > l.PossibleDuplicates {
		out = append(out, fmt.Sprintf("%d further copies of delivered events are stored, the ledger knows of at most %d", further, l.PossibleDuplicates))
	}
	if stored != counted {
		out = append(out, fmt.Sprintf("the sink stored %d copies, and only %d of them are of tracked events", stored, counted))
	}
	return out
}

// findings are the eids of wrong events, by kind of fault.
type findings map[string][]int

func (f findings) add(what string, eid int) { f[what] = append(f[what], eid) }

// texts returns the findings in order, each with its first few eids.
func (f findings) texts() []string {
	var out []string
	for _, what := range slices.Sorted(maps.Keys(f)) {
		eids := f[what]
		out = append(out, fmt.Sprintf("%d events %s, such as eid %v", len(eids), what, eids[:min(len(eids), 3)]))
	}
	return out
}
