package spool

import (
	"cmp"
	"errors"
	"runtime"
	"time"
)

// filling is a stage that is being committed.
type filling struct {
	stage *stage
	round *round // who waits for it
	batch *batch // what is not committed yet; nil: it could not be read

	syncing *round // those in Sync who wait for it; nil: nobody
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
		_ = s.look()
		err := s.ready()
		if err != nil {
			_, _, _ = s.commit(&batch{}) // who waits is told; the notes do not need a stage, and what they make room for may be what is missing
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
	removed := s.look() // behind swap: whoever waits came before it
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
	if keep { // who began to wait for room, or for a later commit, before this failed is to be told
		s.tellOfRoom()
		waits = s.stopSyncing(s.failure)
	} else if s.syncing != nil { // this was the turn of what was held before
		s.kick()
	}
	failure := s.failure
	if keep && !again {
		// Notes that went to the other stage meanwhile would wait for this one, which may wait for the room that they make.
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
	// The stage forgets refused events before anybody is told: after a crash they must not come back.
	released := f.stage.events
	s.giveBack(f.stage)
	s.expected = s.staged() + released
	f.round.events, f.round.notes = events, notes
	close(f.round.done)
	f.syncing.tell(errors.Join(notes, untidy)) // events that were refused are none that are to be safe
	return nil
}

// gatherMost is how long gather waits at most.
const gatherMost = 400 * time.Microsecond

// gather lets those append again whom the commit before has just let go. Otherwise the first of them would get a commit of its own, and
// all others wait for it. They may have nothing more to append, so it waits no longer than a quarter of what a commit takes.
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

// staged is how many events wait for the next commit.
func (s *Spool) staged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage.events
}

// swap takes the filled stage and lets the other one fill. It returns nil where there is nothing to commit, and nothing that failed to do better.
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

// write commits what is in a stage. Where the disk does not give it back, that is a failure like any other.
//
// With Always Append waits for it. Where files were found to be removed it says so, and does not keep the events.
func (s *Spool) write(f *filling, removed error) (events, notes, untidy error) {
	if f.batch == nil {
		var err error
		if f.batch, s.buffer, err = f.stage.read(s.buffer); err != nil {
			_, _, _ = s.commit(&batch{}) // the notes that are in no stage, for whoever waits
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
