package spool

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"time"
)

// run is the committing goroutine. Who waits wakes it; notes, and events with Interval, wait for the tick.
func (s *Spool) run() {
	defer close(s.done)
	tick := time.NewTicker(s.opts.Every)
	defer tick.Stop()
	var held *stage // with Interval: what could not be written is tried again, and nothing is dropped
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
			if held == nil {
				held = s.turn(nil) // what came during the turn before
			}
			if held != nil {
				s.giveBack(held)
			}
			return
		}
	}
}

// turn commits what there is. It returns the stage that could not be written and must be tried again.
func (s *Spool) turn(held *stage) *stage {
	full, r := held, (*round)(nil)
	if full == nil {
		if full, r = s.swap(); full == nil {
			return nil
		}
	}
	b := batchOf(full.mem[:full.end])
	events, notes := s.commit(b)
	s.mu.Lock()
	s.failure = errors.Join(events, notes)
	keep := events != nil && s.opts.Sync == Interval
	if events != nil && !keep {
		// The events are refused. The engine may have written them all the same before it failed, so they count as settled.
		for _, c := range b.chunks {
			s.size -= int64(len(c.data))
		}
		s.settled = append(s.settled, b.ids...)
	}
	if keep && s.room != nil { // who began to wait for room before this failed is to be told
		close(s.room)
		s.room = nil
	}
	s.mu.Unlock()
	if keep {
		return full
	}
	// The stage forgets refused events before anybody is told: after a crash they must not come back.
	s.giveBack(full)
	if r != nil {
		r.events, r.notes = events, notes
		close(r.done)
	}
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
func (s *Spool) swap() (*stage, *round) {
	s.gather()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage.empty() && len(s.sending) == 0 && len(s.settled) == 0 {
		return nil, nil
	}
	full, r := s.stage, s.round
	s.generation++
	s.spare.reset(s.generation)
	s.stage, s.spare = s.spare, nil
	s.round = &round{done: make(chan struct{})}
	return full, r
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
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// commit writes a batch: its events to the last segment, its notes to the segments that hold the events. Events and notes can fail by
// themselves; notes that failed go with the next commit.
func (s *Spool) commit(b *batch) (events, notes error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	sent, done := s.sending, s.settled
	s.sending, s.settled = nil, nil
	s.mu.Unlock()
	sent = append(sent, b.sending...)
	done = append(done, b.settled...)

	active := s.segments[len(s.segments)-1]
	if len(b.ids) > 0 && active.bytes >= s.opts.SegmentBytes {
		fresh, err := createSegment(s.dir, b.ids[0], &batch{generation: b.generation})
		if err != nil {
			s.carry(sent, done)
			return described(err), described(err)
		}
		s.segments = append(s.segments, fresh)
		active = fresh
	}
	sent, done = sorted(sent), sorted(done)
	// The last segment goes first: it has the events, which somebody may wait for. Of an event that comes with this very batch the
	// note is in the same transaction.
	for i := len(s.segments) - 1; i >= 0; i-- {
		seg := s.segments[i]
		mine, own := &batch{generation: b.generation}, seg == active
		if own {
			mine = b
		}
		var segSent, segDone []uint64
		segSent, sent = cutFrom(sent, seg.first)
		segDone, done = cutFrom(done, seg.first)
		if len(mine.chunks)+len(segSent)+len(segDone) == 0 {
			continue
		}
		if !own && seg.leaves(segDone) == 0 { // the file goes: no need to write into it
			seg.note(segSent, segDone)
			continue
		}
		if err := seg.write(mine, segSent, segDone); err != nil {
			notes = described(err)
			s.carry(segSent, segDone)
			if own {
				events = notes
				continue
			}
		}
		if own {
			seg.took(b)
		}
		seg.note(segSent, segDone)
	}
	if events == nil {
		notes = errors.Join(notes, described(s.tidy()))
	}
	return events, notes
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

// carry keeps notes for the next commit.
func (s *Spool) carry(sent, done []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sending = append(s.sending, sent...)
	s.settled = append(s.settled, done...)
}

// tidy gives space back: files without a waiting event go, and one with few is written anew. The disk's mutex is held.
func (s *Spool) tidy() error {
	var failed error
	active := s.segments[len(s.segments)-1]
	if active.left == 0 && active.bytes >= s.opts.SegmentBytes/8 && active.bytes > 0 {
		fresh, err := createSegment(s.dir, active.last+1, &batch{})
		if err != nil {
			return err
		}
		s.segments = append(s.segments, fresh)
		active = fresh
	}
	kept := s.segments[:0:0]
	rewritten := false
	for _, seg := range s.segments {
		switch {
		case seg == active:
		case seg.left == 0:
			s.freed(seg.bytes)
			failed = errors.Join(failed, seg.close(), os.Remove(seg.path))
			continue
		case !rewritten && seg.left < seg.events/4:
			rewritten = true // one at a time: others wait for the commit meanwhile
			smaller, err := s.rewrite(seg)
			failed = errors.Join(failed, err)
			if smaller != nil {
				s.freed(seg.bytes - smaller.bytes)
				seg = smaller
			}
		}
		kept = append(kept, seg)
	}
	s.segments = kept
	return failed
}

func (s *Spool) freed(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size -= bytes
}

// rewrite replaces a segment's file by one that has only what waits. The name is the same, so that at every moment there is one of
// the two. On an error the segment is as it was.
func (s *Spool) rewrite(seg *segment) (*segment, error) {
	waiting, err := seg.pending()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.generation++
	generation := s.generation
	s.mu.Unlock()
	smaller, err := createSegment(s.dir, seg.first, repack(waiting, generation))
	if err != nil {
		return nil, err
	}
	return smaller, seg.close()
}
