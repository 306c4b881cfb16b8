package batcher

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The whole table of a lane's states and events.

// The facts that the rows below change one by one: a lane whose one unsealed block still lingers, and whose alarm is due.
func someFacts(change ...func(*laneFacts)) laneFacts {
	f := laneFacts{waits: true, used: true, due: 20, wakeAt: 10, now: 10}
	for _, c := range change {
		c(&f)
	}
	return f
}

func hasErased(f *laneFacts) { f.erased = true }
func isEmpty(f *laneFacts)   { f.waits, f.used = false, false }
func isSealed(f *laneFacts)  { f.sealed = true }
func isDue(f *laneFacts)     { f.due = 10 }
func isCrowded(f *laneFacts) { f.crowded = true }
func isParked(f *laneFacts)  { f.parked = true }
func hasShed(f *laneFacts)   { f.sheds = true }
func isNew(f *laneFacts)     { f.wakeAt = 0 }
func isEarly(f *laneFacts)   { f.wakeAt = 11 }
func isStored(f *laneFacts)  { f.waits = false }

// laneCell is what must happen in one cell of the table, by what is different from someFacts.
type laneCell struct {
	plain   action
	changed map[action][]func(*laneFacts)
}

type laneChanges = map[action][]func(*laneFacts)

func wantOnward() laneCell {
	return laneCell{linger, laneChanges{rest: {isEmpty, isStored}, drop: {hasErased}, queue: {isSealed, isDue, isCrowded}, linger: {isParked, hasShed, isEarly}}}
}

func wantUnlessErased(a action) laneCell {
	return laneCell{a, laneChanges{rest: {isEmpty, isStored}, drop: {hasErased}, a: {isSealed, isDue, isCrowded, isEarly}}}
}

// wantBack is how a lane goes on that gave up what was too old.
func wantBack() laneCell {
	in := func(s status, changes ...func(*laneFacts)) func(*laneFacts) {
		return func(f *laneFacts) {
			f.from = s
			for _, c := range changes {
				c(f)
			}
		}
	}
	return laneCell{queue, laneChanges{
		queue:  {in(ready), in(ready, isEarly), in(waiting), in(outage), in(lingers, isDue), in(paused, isSealed)},
		wait:   {in(waiting, isEarly), in(waiting, isEarly, isEmpty)},
		hold:   {in(outage, isEarly)},
		park:   {in(paused, isParked)},
		linger: {in(lingers), in(paused)},
		rest:   {in(waiting, isEmpty), in(waiting, isEarly, isEmpty, hasErased), in(outage, isEarly, isEmpty), in(ready, isEmpty), in(paused, isParked, isEmpty)},
		drop:   {in(waiting, isEarly, hasErased), in(outage, hasErased), in(paused, hasErased), in(lingers, hasErased), in(ready, hasErased)},
	}}
}

func wantAlways(a action) laneCell {
	return laneCell{a, laneChanges{a: {isEmpty, hasErased, isSealed, isDue, isCrowded, isParked, isEarly}}}
}

func wantAtItsTime(a action) laneCell {
	return laneCell{a, laneChanges{rearm: {isEarly}, a: {isSealed, isDue, isCrowded}}}
}

// wantedLanes holds every cell in which something happens. All others must be empty.
var wantedLanes = map[status]map[laneEvent]laneCell{
	idle: {
		tracked: wantOnward(), filled: wantOnward(), tokenCame: wantOnward(), readmitted: wantOnward(),
		missed:    {stay, laneChanges{rest: {isNew}}},
		rang:      wantAtItsTime(lapse),
		closed:    wantAlways(end),
		forgotten: {stay, laneChanges{forget: {isEmpty}, stay: {isStored, hasErased, isEarly}}},
	},
	lingers: {
		filled: wantOnward(), tokenCame: wantOnward(),
		hurried: wantAlways(queue), rang: wantAtItsTime(queue), aged: wantAlways(shed), eraseBegun: wantAlways(drop), closed: wantAlways(end),
	},
	ready: {picked: wantAlways(take), aged: wantAlways(shed), eraseBegun: wantAlways(yield), closed: wantAlways(end)},
	taken: {
		looked:  {take, laneChanges{rest: {isEmpty, isStored}, drop: {hasErased}, take: {isParked, isSealed, isDue, isCrowded}}},
		cleared: wantBack(),
		armed:   wantUnlessErased(send),
		through: wantOnward(), repeated: wantUnlessErased(queue), failed: wantUnlessErased(wait), unserved: wantUnlessErased(hold),
		tokenless: wantUnlessErased(park), closed: wantAlways(end),
		forgotten: {stay, laneChanges{forget: {isEmpty}, stay: {isStored, hasErased}}},
	},
	sending: {replied: wantAlways(take), closed: wantAlways(end)},
	waiting: {
		rang: {queue, laneChanges{rearm: {isEarly}, rest: {isEmpty}, queue: {isSealed, isDue, isCrowded}}}, aged: wantAlways(shed),
		eraseBegun: wantAlways(drop), closed: wantAlways(end),
	},
	outage: {rang: wantAtItsTime(queue), serviceUp: wantAlways(queue), aged: wantAlways(shed), eraseBegun: wantAlways(drop), closed: wantAlways(end)},
	paused: {
		unparked:   wantOnward(),
		aged:       wantAlways(shed),
		rang:       {stay, laneChanges{shed: {hasShed}, stay: {isParked, isDue, isCrowded, isSealed}}},
		eraseBegun: wantAlways(drop), closed: wantAlways(end),
	},
	erasing: {
		through: wantOnward(), closed: wantAlways(end),
		forgotten: {stay, laneChanges{forget: {isEmpty}, stay: {isStored, hasErased}}},
	},
}

func TestLaneTable(t *testing.T) {
	t.Parallel()
	for s := range statuses {
		for e := range laneEvents {
			want, listed := wantedLanes[s][e]
			t.Run(fmt.Sprintf("state %d, event %d", s, e), func(t *testing.T) {
				t.Parallel()
				decide := laneTable[s][e]
				if !listed {
					require.Nil(t, decide, "nothing happens")
					return
				}
				require.NotNil(t, decide)
				assert.Equal(t, want.plain, decide(someFacts()))
				for a, changes := range want.changed {
					for i, change := range changes {
						assert.Equal(t, a, decide(someFacts(change)), "change %d of action %d", i, a)
					}
				}
			})
		}
	}
}

// TestLaneTableKeepsItsPromises tries every cell with every combination of facts.
func TestLaneTableKeepsItsPromises(t *testing.T) {
	t.Parallel()
	held := []status{taken, sending, erasing}
	fromHolder := []laneEvent{looked, cleared, armed, replied, through, repeated, failed, unserved, tokenless}
	tried := 0
	for s := range statuses {
		for e := range laneEvents {
			for bits := range 1 << 8 {
				f := laneFactsOf(bits)
				next := stay
				if decide := laneTable[s][e]; decide != nil {
					next = decide(f)
				}
				tried++
				cell := fmt.Sprintf("state %d, event %d, %+v", s, e, f)
				if s == ended || s == gone {
					assert.Equal(t, stay, next, "%s: it is over", cell)
				}
				if slices.Contains(held, s) && !slices.Contains(fromHolder, e) && e != closed && e != forgotten {
					assert.Equal(t, stay, next, "%s: only its goroutine moves it", cell)
				}
				if slices.Contains(fromHolder, e) && !slices.Contains(held, s) {
					assert.Equal(t, stay, next, "%s: no goroutine has it", cell)
				}
				if next == forget {
					assert.False(t, f.used || f.erased, "%s: it is still needed", cell)
				}
				if next == send {
					assert.True(t, s == taken && f.waits && !f.erased, "%s: what is sent", cell)
				}
				if f.erased && f.waits {
					assert.NotContains(t, []action{linger, wait, hold, park}, next, "%s: nothing waits for an erased player", cell)
				}
				if !f.waits && s != ready && s != paused {
					assert.NotContains(t, []action{linger, send, park, wait, hold}, next, "%s: there is nothing to wait for", cell)
				}
			}
		}
	}
	assert.Equal(t, int(statuses)*int(laneEvents)*256, tried)
}

// laneFactsOf makes facts of eight bits.
func laneFactsOf(bits int) laneFacts {
	bit := func(n int) bool { return bits>>n&1 == 1 }
	f := laneFacts{waits: bit(0), sealed: bit(1), erased: bit(2), parked: bit(3), sheds: bit(4), crowded: bit(5), due: 20, wakeAt: 10, now: 10}
	f.used = f.waits || bit(1)
	if bit(6) {
		f.due = 10
	}
	if bit(7) {
		f.wakeAt = 11
	}
	return f
}
