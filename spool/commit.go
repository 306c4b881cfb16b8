package spool

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"time"
)

// filling is a stage that is being committed.
type filling struct {
	stage *stage
	round *round // who waits for it
	batch *batch // what is not committed yet
}

// run is the committing goroutine. Who waits wakes it; notes, and events with Interval, wait for the tick.
func (s *Spool) run() {
	defer close(s.done)
	tick := time.NewTicker(s.opts.Every)
	defer tick.Stop()
	var held *filling // with Interval: what could not be written is tried again, and nothing is dropped
	for {
		quitting := false
		select {
		case <-s.wake:
		case <-tick.C:
		case <-s.quit:
			quitting = true
		}
		held = s.turn(held)
		if quitting {
			held = s.turn(held) // what came during the turn before, or had no room that it made
			if held != nil {
				s.giveBack(held.stage)
			}
			return
		}
	}
}

// turn commits what there is. It returns what could not be written and must be tried again.
func (s *Spool) turn(f *filling) *filling {
	again := f != nil
	if s.waitsForSpace() {
		err := s.ready()
		if err != nil {
			_, _, _ = s.commit(&batch{}) // who waits is told; the notes do not need a stage, and what they make room for may be what is missing
		}
		s.mu.Lock()
		s.failure = err
		s.mu.Unlock()
		return nil
	}
	if f == nil {
		if f = s.swap(); f == nil {
			return nil
		}
	}
	events, notes, untidy := s.commit(f.batch)
	s.mu.Lock()
	s.failure = errors.Join(events, notes, untidy)
	keep := s.opts.Sync == Interval && cmp.Or(events, notes) != nil
	if events != nil && !keep {
		// The events are refused. The engine may have written them all the same before it failed, so they count as settled.
		for _, c := range f.batch.chunks {
			s.size -= int64(len(c.data))
		}
		s.settled = append(s.settled, f.batch.ids...)
	}
	if keep { // who began to wait for room before this failed is to be told
		s.tellOfRoom()
	}
	if keep && !again {
		// Notes that went to the other stage meanwhile would wait for this one, which may wait for the room that they make.
		other := batchOf(s.stage.mem[:s.stage.end])
		s.sending = append(s.sending, other.sending...)
		s.settled = append(s.settled, other.settled...)
	}
	s.mu.Unlock()
	if keep {
		return f
	}
	// The stage forgets refused events before anybody is told: after a crash they must not come back.
	s.giveBack(f.stage)
	f.round.events, f.round.notes = events, notes
	close(f.round.done)
	return nil
}

// gather lets those append again whom the commit before has just let go. Otherwise the first of them would get a commit of its own, and
// all others wait for it.
func (s *Spool) gather() {
	if s.opts.Sync != Always {
		return
	}
	for seen := -1; ; {
		s.mu.Lock()
		events := s.stage.events
		s.mu.Unlock()
		if events == seen {
			return
		}
		seen = events
		runtime.Gosched()
	}
}

// swap takes the filled stage and lets the other one fill. It returns nil where there is nothing to commit.
func (s *Spool) swap() *filling {
	s.gather()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage.empty() && len(s.sending) == 0 && len(s.settled) == 0 {
		return nil
	}
	f := &filling{stage: s.stage, round: s.round}
	s.generation++
	s.spare.reset(s.generation)
	s.stage, s.spare = s.spare, nil
	s.round = &round{done: make(chan struct{})}
	f.batch = batchOf(f.stage.mem[:f.stage.end])
	return f
}

// giveBack lets a stage fill again. With Interval one whose commit failed keeps its records, for the next process should this one end.
func (s *Spool) giveBack(st *stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || s.opts.Sync == Always {
		s.generation++
		st.reset(s.generation)
	}
	s.spare = st
	s.tellOfRoom()
}

// tellOfRoom wakes those who wait for room. The mutex is held.
func (s *Spool) tellOfRoom() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// commit writes a batch: its events to the last segment, its notes to the segments that hold the events. Events and notes can fail by
// themselves; notes that failed go with the next commit, too. Events that are written are no longer in the batch.
func (s *Spool) commit(b *batch) (events, notes, untidy error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	sent, done, direct := s.sending, s.settled, s.direct
	s.sending, s.settled, s.direct = nil, nil, nil
	s.mu.Unlock()
	sent = sorted(append(sent, b.sending...))
	done = sorted(append(done, b.settled...))
	b.sending, b.settled = nil, nil // those that fail are carried

	var active *segment // nil: there are no events, or no place for them
	if len(b.ids) > 0 {
		if events = described(s.reserve.fill()); events == nil {
			active, events = s.active(b)
		}
	}
	// The last segment goes first: it has the events, which somebody may wait for. Of an event that comes with this very batch the
	// note is in the same transaction.
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		mine, own := &batch{}, seg == active
		if own {
			mine = b
		}
		var segSent, segDone []uint64
		segSent, sent = cutFrom(sent, seg.first)
		segDone, done = cutFrom(done, seg.first)
		if i == len(s.segments)-1 { // an event that is in a stage alone gets its notes with it, or later
			segSent, segDone = s.carryFrom(max(seg.last, b.last())+1, segSent, segDone)
		}
		if len(mine.chunks)+len(segSent)+len(segDone) == 0 {
			continue
		}
		last := i == len(s.segments)-1
		if (!last || seg.damage != nil) && !own && seg.leaves(segDone) == 0 { // the file goes: no need to write into it
			seg.note(segSent, segDone)
			continue
		}
		err := seg.write(mine, segSent, segDone)
		if own && err == nil {
			seg.took(b)
		} else if own { // there may still be room for the notes
			events = described(err)
			segSent, segDone = s.carryFrom(seg.last+1, segSent, segDone)
			if len(segSent)+len(segDone) == 0 {
				continue
			}
			err = seg.write(&batch{}, segSent, segDone)
		}
		if err != nil && s.reserve.spend(err) {
			err = seg.write(&batch{}, segSent, segDone)
		}
		if err != nil {
			notes = described(err)
			s.carry(segSent, segDone)
			continue
		}
		seg.note(segSent, segDone)
	}
	if events == nil {
		b.chunks, b.ids = nil, nil
	}
	s.short = events != nil
	untidy = s.tidy()
	if untidy != nil && s.reserve.spend(untidy) {
		untidy = s.tidy()
	}
	s.mu.Lock()
	if n := len(s.segments); n > 0 {
		s.stored = max(s.stored, s.segments[n-1].last)
	}
	s.mu.Unlock()
	if direct != nil {
		direct.notes = notes
		close(direct.done)
	}
	return events, notes, described(untidy)
}

// active returns the segment that takes a batch's events. The disk's mutex is held.
func (s *Spool) active(b *batch) (*segment, error) {
	if n := len(s.segments); n > 0 && s.segments[n-1].damage == nil && s.segments[n-1].bytes < s.opts.SegmentBytes {
		return s.segments[n-1], nil
	}
	fresh, err := createSegment(s.dir, b.ids[0], &batch{})
	if fresh != nil {
		s.segments = append(s.segments, fresh)
	}
	if err != nil {
		return nil, described(err)
	}
	return fresh, nil
}

// sorted sorts ids and leaves out the copies: a batch that is tried again has its notes among those carried over as well.
func sorted(ids []uint64) []uint64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// cutFrom cuts sorted ids in two: those that are not smaller than first, and the others.
func cutFrom(ids []uint64, first uint64) (from, before []uint64) {
	at, _ := slices.BinarySearch(ids, first)
	return ids[at:], ids[:at]
}

// carryFrom keeps the notes about an id and those behind it for the next commit, and returns the others. They are sorted.
func (s *Spool) carryFrom(id uint64, sent, done []uint64) (sentBefore, doneBefore []uint64) {
	laterSent, sentBefore := cutFrom(sent, id)
	laterDone, doneBefore := cutFrom(done, id)
	s.carry(laterSent, laterDone)
	return sentBefore, doneBefore
}

// carry keeps notes for the next commit.
func (s *Spool) carry(sent, done []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = append(s.sending, sent...)
	s.settled = append(s.settled, done...)
}
