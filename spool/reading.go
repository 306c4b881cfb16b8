package spool

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// Of a value's key the length says what the value holds.
const (
	eventsKey = 16 // first id | generation
	notesKey  = 9  // generation | kind
)

// generationOf returns the generation that a key names.
func generationOf(key []byte) (generation uint64, ofEvents, ok bool) {
	switch len(key) {
	case eventsKey:
		return binary.BigEndian.Uint64(key[8:]), true, true
	case notesKey:
		return binary.BigEndian.Uint64(key), false, true
	}
	return 0, false, false
}

// loadSegment reads a file without changing it. The error is the system's, which did not let us read it; damage is in the segment, with
// what could be read.
func loadSegment(dir string, first uint64) (*segment, error) {
	s := newSegment(dir, first)
	p, err := readPages(s.path)
	if err != nil && refused(err) {
		return nil, err
	}
	if err != nil {
		s.damage = err
		return s, nil
	}
	events, notes := s.read(p)
	if p.err != nil { // what is missing is not known
		events, notes = errors.Join(p.err, events), errors.Join(p.err, notes)
	}
	if events != nil || notes != nil {
		*s = *newSegment(dir, first)
		s.rescue(p, notes != nil)
		s.damage = errors.Join(events, notes)
	}
	return s, nil
}

// read takes what the newest meta page leads to.
func (s *segment) read(p *pages) (events, notes error) {
	buckets, err := p.buckets()
	if err != nil {
		return err, err
	}
	events = scan(p, buckets, eventsBucket, func(r record, n int) {
		s.appended(r.event.ID)
		s.bytes += int64(n)
	}, s.mine)
	notes = scan(p, buckets, notesBucket, func(r record, _ int) { s.noted(r) }, nil)
	return events, notes
}

// mine reports whether an event can be one of this file.
func (s *segment) mine(id uint64) bool { return id >= s.first && id-s.first < 1<<32 }

func (s *segment) noted(r record) {
	if r.kind == settled {
		s.note(nil, r.ids)
	} else {
		s.note(r.ids, nil)
	}
}

// scan visits the records of a bucket.
func scan(p *pages, buckets map[string]element, name []byte, visit func(record, int), mine func(uint64) bool) error {
	var damage error
	wrong := func(err error) {
		if damage == nil && err != nil {
			damage = err
		}
	}
	err := p.values(buckets[string(name)], func(key, value []byte) {
		generation, ofEvents, ok := generationOf(key)
		if !ok || ofEvents != (mine != nil) {
			wrong(fmt.Errorf("a key has %d bytes", len(key)))
			return
		}
		wrong(records(value, seedOf(generation), func(r record, n int) {
			if isEvent := r.kind == event || r.kind == eventOnce; isEvent != ofEvents || isEvent && !mine(r.event.ID) {
				wrong(errMalformed)
				return
			}
			visit(r, n)
		}))
	})
	wrong(err)
	if damage != nil {
		return fmt.Errorf("%s: %w", name, damage)
	}
	return nil
}

// rescue takes what can be read of a damaged file: every record in every whole leaf. Where notes may be missing everything is in doubt:
// it may have been sent.
func (s *segment) rescue(p *pages, inDoubt bool) {
	type found struct {
		batcher.StoredEvent
		generation uint64
	}
	newest := map[uint64]found{}
	var notes []record
	p.leaves(func(key, value []byte) {
		generation, _, ok := generationOf(key)
		if !ok {
			return
		}
		_ = records(value, seedOf(generation), func(r record, n int) { // that it is damaged is known
			switch r.kind {
			case sending, settled:
				notes = append(notes, r)
			default:
				// An id is there twice where a power cut took the first event and the id was given out again.
				if at, ok := newest[r.event.ID]; s.mine(r.event.ID) && (!ok || at.generation < generation) {
					newest[r.event.ID] = found{r.event, generation}
					s.bytes += int64(n)
				}
			}
		})
	})
	for _, e := range newest {
		e.JSON = slices.Clone(e.JSON)
		s.rescued = append(s.rescued, e.StoredEvent)
	}
	slices.SortFunc(s.rescued, func(a, b batcher.StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range s.rescued {
		s.appended(e.ID)
		if inDoubt {
			s.sent.add(e.ID)
		}
	}
	for _, r := range notes {
		s.noted(r)
	}
}

// pending reads the events that are not settled, in order.
func (s *segment) pending() ([]batcher.StoredEvent, error) {
	if s.damage != nil {
		var out []batcher.StoredEvent
		for _, e := range s.rescued {
			if s.live.has(e.ID) {
				e.InDoubt = s.sent.has(e.ID)
				out = append(out, e)
			}
		}
		return out, nil
	}
	p, err := readPages(s.path)
	if err == nil {
		err = p.err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	buckets, err := p.buckets()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	var out []batcher.StoredEvent
	err = scan(p, buckets, eventsBucket, func(r record, _ int) {
		if s.live.has(r.event.ID) {
			r.event.JSON = slices.Clone(r.event.JSON)
			r.event.InDoubt = s.sent.has(r.event.ID)
			out = append(out, r.event)
		}
	}, s.mine)
	return out, err
}
