package spool

import (
	"errors"
	"slices"
)

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
	if len(s.segments) == 0 { // the only one was damaged and is set aside, and there is no room for another
		s.carry(sent, done)
	}
	// The last segment goes first: it has the events, which somebody may wait for. Of an event that comes with this very batch the
	// note is in the same transaction.
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		mine, own, last := &batch{}, seg == active, i == len(s.segments)-1
		if own {
			mine = b
		}
		var segSent, segDone []uint64
		segSent, sent = cutFrom(sent, seg.first)
		segDone, done = cutFrom(done, seg.first)
		if last { // an event that is in a stage alone gets its notes with it, or later: it may go to the next file
			known := seg.last
			if own {
				known = max(known, b.last())
			}
			segSent, segDone = s.carryFrom(known+1, segSent, segDone)
		}
		strays := seg.stray && seg.damage == nil
		if len(mine.chunks)+len(segSent)+len(segDone) == 0 && !strays {
			continue
		}
		if (!last || seg.damage != nil) && !own && seg.leaves(segDone) == 0 { // the file goes: no need to write into it
			seg.note(segSent, segDone)
			continue
		}
		err := seg.write(mine, segSent, segDone)
		if own && err == nil {
			seg.took(b)
		} else if own { // there may still be room for the notes
			events = described(err)
			seg.stray = true
			segSent, segDone = s.carryFrom(seg.last+1, segSent, segDone)
			if len(segSent)+len(segDone) == 0 && seg.damage != nil {
				continue
			}
			err = seg.write(&batch{}, segSent, segDone)
		}
		if err != nil && len(segSent)+len(segDone) == 0 { // only strays
			untidy = errors.Join(untidy, err)
			continue
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
	left := s.tidy()
	if left != nil && s.reserve.spend(left) {
		left = s.tidy()
	}
	untidy = errors.Join(untidy, left)
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
	if err := s.mendLast(); err != nil {
		return nil, described(err)
	}
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
