package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
)

// TestDisagreements has one row for each way in which a ledger and a sink can disagree, and rows
// for cases that only look like it.
func TestDisagreements(t *testing.T) {
	t.Parallel()
	const (
		delivered = firstResult + fate(batcher.Delivered)
		rejected  = firstResult + fate(batcher.Rejected)
		expired   = firstResult + fate(batcher.Expired)
		unknown   = firstResult + fate(batcher.Unknown)
		returned  = firstResult + fate(batcher.Returned)
	)
	for _, tt := range []struct {
		name   string
		fates  []fate
		ledger batcher.Ledger
		copies []uint16
		stray  int64 // copies of events that nobody tracked
		want   []string
	}{
		{"nothing", nil, batcher.Ledger{}, nil, 0, nil},
		{"all once", []fate{delivered, delivered}, batcher.Ledger{Accepted: 2, Delivered: 2}, []uint16{1, 1}, 0, nil},
		{"garbage rejected", []fate{delivered, rejected | isGarbage}, batcher.Ledger{Accepted: 2, Delivered: 1, Rejected: 1}, []uint16{1, 0}, 0, nil},
		{
			"a duplicate that was counted",
			[]fate{delivered | inDoubt, delivered | inDoubt},
			batcher.Ledger{Accepted: 2, Delivered: 2, PossibleDuplicates: 2},
			[]uint16{2, 1},
			0, nil,
		},
		{"not accepted, not stored", []fate{notAccepted, delivered}, batcher.Ledger{Accepted: 1, Delivered: 1}, []uint16{0, 1}, 0, nil},
		{
			"unknown and returned in doubt, stored or not",
			[]fate{unknown | inDoubt, unknown | inDoubt, returned | inDoubt, returned},
			batcher.Ledger{Accepted: 4, Unknown: 2, Returned: 2},
			[]uint16{1, 0, 1, 0},
			0, nil,
		},

		{
			"delivered, not stored",
			[]fate{delivered, delivered},
			batcher.Ledger{Accepted: 2, Delivered: 2},
			[]uint16{1, 0},
			0,
			[]string{"1 events delivered, but not stored, such as eid [1]"},
		},
		{
			"delivered in doubt, not stored",
			[]fate{delivered | inDoubt},
			batcher.Ledger{Accepted: 1, Delivered: 1, PossibleDuplicates: 1},
			[]uint16{0},
			0,
			[]string{"1 events delivered, but not stored, such as eid [0]"},
		},
		{
			"twice without a doubt",
			[]fate{delivered, delivered | inDoubt},
			batcher.Ledger{Accepted: 2, Delivered: 2, PossibleDuplicates: 1},
			[]uint16{2, 1},
			0,
			[]string{"1 events stored more than once without a doubt, such as eid [0]"},
		},
		{
			"more copies than counted",
			[]fate{delivered | inDoubt, delivered},
			batcher.Ledger{Accepted: 2, Delivered: 2, PossibleDuplicates: 1},
			[]uint16{3, 1},
			0,
			[]string{"2 further copies of delivered events are stored, the ledger knows of at most 1"},
		},
		{
			"rejected, but stored",
			[]fate{rejected | isGarbage},
			batcher.Ledger{Accepted: 1, Rejected: 1},
			[]uint16{1},
			0,
			[]string{"1 events rejected, but stored, such as eid [0]"},
		},
		{
			"expired, but stored",
			[]fate{expired},
			batcher.Ledger{Accepted: 1, Expired: 1},
			[]uint16{1},
			0,
			[]string{"1 events expired, but stored, such as eid [0]"},
		},
		{
			"returned, but stored",
			[]fate{returned},
			batcher.Ledger{Accepted: 1, Returned: 1},
			[]uint16{1},
			0,
			[]string{"1 events returned, but stored, such as eid [0]"},
		},
		{
			"refused by Track, but stored",
			[]fate{notAccepted},
			batcher.Ledger{},
			[]uint16{1},
			0,
			[]string{"1 events not accepted, but stored, such as eid [0]"},
		},
		{
			"no result",
			[]fate{accept},
			batcher.Ledger{Accepted: 1, Pending: 1},
			[]uint16{0},
			0,
			[]string{"1 events accepted, without a result, such as eid [0]"},
		},
		{
			"two results",
			[]fate{delivered | twice},
			batcher.Ledger{Accepted: 1, Delivered: 1},
			[]uint16{1},
			0,
			[]string{"1 events with more than one result, such as eid [0]"},
		},
		{
			"good one rejected",
			[]fate{rejected},
			batcher.Ledger{Accepted: 1, Rejected: 1},
			[]uint16{0},
			0,
			[]string{"1 events rejected, but not garbage, such as eid [0]"},
		},
		{
			"garbage delivered",
			[]fate{delivered | isGarbage},
			batcher.Ledger{Accepted: 1, Delivered: 1},
			[]uint16{1},
			0,
			[]string{"1 events garbage, but delivered, such as eid [0]"},
		},
		{
			"garbage handed back",
			[]fate{returned | isGarbage},
			batcher.Ledger{Accepted: 1, Returned: 1},
			[]uint16{0},
			0,
			[]string{"1 events garbage, but returned, such as eid [0]"},
		},
		{
			"a lost count",
			[]fate{delivered, delivered},
			batcher.Ledger{Accepted: 1, Delivered: 1},
			[]uint16{1, 1},
			0,
			[]string{"the ledger has 1 delivered, the single events add up to 2", "the ledger has 1 accepted, the single events add up to 2"},
		},
		{
			"counted as another result",
			[]fate{returned},
			batcher.Ledger{Accepted: 1, Expired: 1},
			[]uint16{0},
			0,
			[]string{"the ledger has 1 expired, the single events add up to 0", "the ledger has 0 returned, the single events add up to 1"},
		},
		{
			"strays",
			[]fate{delivered},
			batcher.Ledger{Accepted: 1, Delivered: 1},
			[]uint16{1},
			2,
			[]string{"the sink stored 3 copies, and only 1 of them are of tracked events"},
		},
		{"of another run", []fate{delivered}, batcher.Ledger{Accepted: 1, Delivered: 1}, nil, 0, []string{"the worker knows 1 events, the sink 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account{Ledger: tt.ledger}
			for _, f := range tt.fates {
				a.Fates = append(a.Fates, byte(f))
			}
			stored := tt.stray
			for _, n := range tt.copies {
				stored += int64(n)
			}
			assert.Equal(t, tt.want, disagreements(a, tt.copies, stored))
		})
	}
}

func TestFateWith(t *testing.T) {
	t.Parallel()
	assert.Equal(t, fateOf(batcher.Delivered), accept.with(batcher.Delivered, false))
	assert.Equal(t, fateOf(batcher.Delivered)|inDoubt, accept.with(batcher.Delivered, true))
	assert.Equal(t, fateOf(batcher.Rejected)|isGarbage, (accept|isGarbage).with(batcher.Rejected, false), "the mark stays")
	assert.Equal(t, fateOf(batcher.Returned)|twice, accept.with(batcher.Delivered, true).with(batcher.Returned, false), "a second result shows")
	assert.Equal(t, fateOf(batcher.Returned)|twice, accept.with(batcher.Returned, false).with(batcher.Returned, false), "the same one too")
}
