package spool

import (
	"cmp"
	"errors"
	"runtime"
	"time"
)

// filling is a stage whose commit is running.
type filling struct {
	stage *stage
	round *round // who waits for it
	batch *batch // what is not committed yet; nil: it could not be read

	syncing *round // those in Sync who wait for it; nil: nobody
}

// run is the committing goroutine. A waiting caller wakes it. Notes, and events with Interval, wait
// for the tick.
func (s *Spool) run() {
	defer close(s.done)
	tick := time.NewTicker(s.opts.Every)
	defer tick.Stop()
	var held *filling // with Interval: a failed commit is tried again, and nothing is dropped
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

// turn commits the filled stage. It returns it if the commit failed and must be tried again.
func (s *Spool) turn(f *filling) *filling {
	again := f != nil
	if s.waitsForSpace() {
		_ = s.look()
		err := s.ready()
		if err != nil {
			_, _, _ = s.commit(&batch{}) // it wakes waiting callers; the notes need no stage, and may make the missing room
		}
		s.mu.Lock()
		s.failure = err
		waits := s.stopSyncing(err)
		s.mu.Unlock()
		waits.tell(err)
		return nil
	}
	if f == nil {
		f = s.swap()
	}
	removed := s.look() // after swap, because all waiting callers came before it
	if f == nil {
		return nil
	}
	began := time.Now()
	events, notes, untidy := s.write(f, removed)
	s.took = time.Since(began)
	s.mu.Lock()
	s.failure = errors.Join(events, notes, untidy)
	keep := s.opts.Sync == Interval && cmp.Or(events, notes) != nil
	if events != nil && !keep {
		s.size -= int64(f.stage.bytes) // the events are refused
		if f.batch == nil {
			s.settled = append(s.settled, f.stage.settled...)
		}
	}
	var waits *round
	if keep { // wake everyone who started waiting before this commit failed, so that they see the error
		s.tellOfRoom()
		waits = s.stopSyncing(s.failure)
	} else if s.syncing != nil { // this was the turn of what was held before
		s.kick()
	}
	failure := s.failure
	if keep && !again {
		// Notes that went to the other stage meanwhile would wait for this stage, which may wait
		// for the room that they make.
		if other, _, err := s.stage.read(nil); err == nil {
			s.sending = append(s.sending, other.sending...)
			s.settled = append(s.settled, other.settled...)
		}
	}
	s.mu.Unlock()
	waits.tell(failure)
	if keep {
		f.syncing.tell(failure)
		f.syncing = nil
		return f
	}
	// The stage forgets refused events before any caller gets the error, because they must not come
	// back after a crash.
	released := f.stage.events
	s.giveBack(f.stage)
	s.expected = s.staged() + released
	f.round.events, f.round.notes = events, notes
	close(f.round.done)
	f.syncing.tell(errors.Join(notes, untidy)) // Sync does not cover refused events
	return nil
}

// gatherMost is how long gather waits at most.
const gatherMost = 400 * time.Microsecond

// gather waits for the callers whom the previous commit has just released, so that they can append
// again. Otherwise the first of them would get its own commit, and all others would wait for it.
// They may have nothing more to append, so gather waits at most a quarter of the time of a commit.
func (s *Spool) gather() {
	if s.opts.Sync != Always {
		return
	}
	patience, began := min(s.took/4, gatherMost), time.Now()
	for seen := -1; ; {
		events := s.staged()
		if events == seen && (events >= s.expected || time.Since(began) >= patience) {
			return
		}
		seen = events
		runtime.Gosched()
	}
}

// staged returns how many events wait for the next commit.
func (s *Spool) staged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage.events
}

// swap takes the filled stage and lets the other one fill. It returns nil if there is nothing to
// commit or to retry.
func (s *Spool) swap() *filling {
	s.gather()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage.empty() && s.stage.fault == nil && s.failure == nil && len(s.sending) == 0 && len(s.settled) == 0 && s.syncing == nil {
		return nil
	}
	f := &filling{stage: s.stage, round: s.round, syncing: s.syncing}
	s.syncing = nil
	s.generation++
	s.spare.reset(s.generation)
	s.stage, s.spare = s.spare, nil
	s.round = &round{done: make(chan struct{})}
	return f
}

// write commits the content of a stage. If the disk cannot read it back, that is a failure like any
// other.
//
// With Always, Append waits for it. If files were removed, write reports that and does not keep the
// events.
func (s *Spool) write(f *filling, removed error) (events, notes, untidy error) {
	if f.batch == nil {
		var err error
		if f.batch, s.buffer, err = f.stage.read(s.buffer); err != nil {
			_, _, _ = s.commit(&batch{}) // the notes that are in no stage, for waiting callers
			return described(err), described(err), nil
		}
	}
	if removed == nil || s.opts.Sync != Always || f.batch.count() == 0 {
		return s.commit(f.batch)
	}
	s.mu.Lock()
	s.unsaid.append = false
	s.mu.Unlock()
	f.batch.chunks, f.batch.ids = nil, nil
	_, notes, untidy = s.commit(f.batch)
	return removed, notes, untidy
}

// look looks for files that were removed, and returns what it found.
func (s *Spool) look() error {
	found, failed := s.restore()
	s.missing = failed
	if found != nil {
		s.tell(found)
	}
	return found
}

// giveBack lets a stage fill again. With Interval a stage whose commit failed keeps its records, in
// case this process ends and the next one reads them.
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

// tellOfRoom wakes callers that wait for room. The caller holds the mutex.
func (s *Spool) tellOfRoom() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}
