package spool

import "errors"

// commit writes the events of a batch to the last segment, and its notes to the segments of their
// events. Events and notes can fail separately. The next commit writes failed notes again. Written
// events are no longer in the batch.
func (s *Spool) commit(b *batch) (events, notes, untidy error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	sent, done, direct := s.sending, s.settled, s.direct
	s.sending, s.settled, s.direct = nil, nil, nil
	s.mu.Unlock()
	sent = merged(append(sent, b.sending...)) // a batch that is tried again has its notes among those carried over as well
	done = merged(append(done, b.settled...))
	b.sending, b.settled = nil, nil // those that fail are carried
	if s.missing != nil {           // what is written to a file that was removed is not kept
		s.carry(sent, done)
		if direct != nil {
			direct.tell(s.missing)
		}
		return s.missing, s.missing, nil
	}

	var active *segment // nil: there are no events, or no place for them
	if b.count() > 0 {
		if events = described(s.reserve.fill()); events == nil {
			active, events = s.active(b)
		}
	}
	if len(s.segments) == 0 { // the only one was damaged and is set aside, and there is no room for another
		s.carry(sent, done)
	}
	// The last segment goes first, because a caller may wait for its events. Notes about events of
	// this batch are in the same transaction.
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		mine, own, last := &batch{}, seg == active, i == len(s.segments)-1
		if own {
			mine = b
		}
		var segSent, segDone []run
		segSent, sent = cutFrom(sent, seg.first)
		segDone, done = cutFrom(done, seg.first)
		if last { // an event that is in a stage alone gets its notes with it, or later: it may go to the next file
			known := seg.last()
			if own {
				known = max(known, b.last())
			}
			segSent, segDone = s.carryFrom(known+1, segSent, segDone)
		}
		strays := seg.stray && seg.damage == nil
		if len(mine.chunks)+len(segSent)+len(segDone) == 0 && !strays {
			continue
		}
		if (!last || seg.damage != nil) && !own && seg.members.leaves(segDone) == 0 { // the file goes: no need to write into it
			seg.note(segSent, segDone)
			continue
		}
		err := seg.write(mine, segSent, segDone)
		if own && err == nil {
			seg.took(b)
		} else if own { // there may still be room for the notes
			events = described(err)
			seg.stray = true
			segSent, segDone = s.carryFrom(seg.last()+1, segSent, segDone)
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
		s.stored = max(s.stored, s.segments[n-1].last())
	}
	s.mu.Unlock()
	if direct != nil {
		direct.tell(notes)
	}
	return events, notes, described(untidy)
}

// active returns the segment for a batch's events. The caller holds the disk's mutex.
func (s *Spool) active(b *batch) (*segment, error) {
	if err := s.mendLast(); err != nil {
		return nil, described(err)
	}
	if n := len(s.segments); n > 0 && s.segments[n-1].takes(b, s.opts.SegmentBytes) {
		return s.segments[n-1], nil
	}
	fresh, err := createSegment(s.dir, b.first(), &batch{game: b.game})
	if fresh != nil {
		s.segments = append(s.segments, fresh)
	}
	if err != nil {
		return nil, described(err)
	}
	return fresh, nil
}

// carryFrom keeps the notes about an id and all later ids for the next commit, and returns the
// others. The notes must be sorted.
func (s *Spool) carryFrom(id uint64, sent, done []run) (sentBefore, doneBefore []run) {
	laterSent, sentBefore := cutFrom(sent, id)
	laterDone, doneBefore := cutFrom(done, id)
	s.carry(laterSent, laterDone)
	return sentBefore, doneBefore
}

// carry keeps notes for the next commit.
func (s *Spool) carry(sent, done []run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = append(s.sending, sent...)
	s.settled = append(s.settled, done...)
}
