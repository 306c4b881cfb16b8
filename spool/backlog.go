package spool

import (
	"cmp"
	"errors"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// waitsForSpace reports whether the stages are not this process's own yet.
func (s *Spool) waitsForSpace() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage == nil
}

// ready commits the backlog, which is what an earlier process left in its stages, and then empties the stages, so that events can be
// appended. On a full disk it fails, and is tried again until there is room. Meanwhile the stages stay as they are.
func (s *Spool) ready() error {
	for len(s.backlog) > 0 { // only this goroutine changes it
		// A copy: Recover reads the notes of those that are still in the backlog. What the later ones say of these events comes with them, or
		// Recover would find them in a segment without it.
		b := *s.backlog[0]
		for _, later := range s.backlog[1:] {
			b.sending = slices.Concat(b.sending, later.sending)
			b.settled = slices.Concat(b.settled, later.settled)
		}
		events, notes, _ := s.commit(&b)
		if events == nil {
			s.disk.Lock()
			s.backlog[0].chunks, s.backlog[0].ids = nil, nil
			s.disk.Unlock()
		}
		if err := errors.Join(events, notes); err != nil {
			return err
		}
		s.disk.Lock()
		s.backlog = s.backlog[1:]
		s.disk.Unlock()
	}
	if err := s.begin(); err != nil {
		return described(err)
	}
	var stages [2]*stage
	for i := range stages {
		st, err := s.emptyStage(stageNames[i])
		if err != nil {
			if i > 0 {
				err = errors.Join(err, stages[0].close())
			}
			return described(err)
		}
		stages[i] = st
	}
	if err := s.dir.sync(); err != nil {
		return errors.Join(described(err), stages[0].close(), stages[1].close())
	}
	s.disk.Lock()
	_ = s.reserve.fill() // where there is no room the next commit tries again, and says so
	s.disk.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages = stages[:]
	s.stage, s.spare = stages[0], stages[1]
	s.tellOfRoom()
	return nil
}

// begin makes the first segment, whose name holds the first id.
func (s *Spool) begin() error {
	s.disk.Lock()
	defer s.disk.Unlock()
	if len(s.segments) > 0 {
		return nil
	}
	first, err := createSegment(s.dir, s.next, &batch{})
	if first != nil {
		s.segments = append(s.segments, first)
	}
	return err
}

// emptyStage opens a stage for a new generation. Ids that a power cut took are given out again. A note of the earlier process about one
// of them must not be found then, after another power cut: so the generation is on the disk before the first id is.
func (s *Spool) emptyStage(name string) (*stage, error) {
	st, err := openStage(s.dir, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.generation++
	st.reset(s.generation)
	s.mu.Unlock()
	if err := errors.Join(st.fault, st.mem.Flush(), st.file.Sync()); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

// waiting returns the events of batches that are in stages alone, and not settled, in the order of their ids.
func waiting(staged []*batch) (events []batcher.StoredEvent) {
	var sent, done []run
	for _, b := range staged {
		sent, done = append(sent, b.sending...), append(done, b.settled...)
	}
	sent, done = merged(sent), merged(done)
	for _, b := range staged {
		for e := range b.events() {
			if !holds(done, e.ID) {
				e.InDoubt = holds(sent, e.ID)
				events = append(events, e)
			}
		}
	}
	slices.SortFunc(events, func(a, b batcher.StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
	return events
}
