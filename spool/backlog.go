package spool

import (
	"cmp"
	"errors"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// waitsForSpace reports whether the stages still belong to an earlier process.
func (s *Spool) waitsForSpace() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stage == nil
}

// ready commits the backlog, which an earlier process left in its stages. It then empties the
// stages, so that Append can use them. On a full disk it fails, and the spool tries again until
// there is room. Meanwhile the stages stay unchanged.
func (s *Spool) ready() error {
	for len(s.backlog) > 0 { // only this goroutine changes it
		// This is a copy, because Recover reads the notes of the stages in the backlog. The notes
		// in later stages about these events go to the segment together with them. Otherwise
		// Recover would find the events without these notes.
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
	_ = s.reserve.fill() // without room, the next commit tries again and reports it
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

// emptyStage opens a stage for a new generation. The spool reuses ids that a power cut took. After
// another power cut it must not find a note of the earlier process about such an id. Therefore the
// generation is on disk before the first id.
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

// waiting returns the unsettled events of batches that are only in stages, in the order of their
// ids.
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
