package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// Of a value's key the length says what the value holds.
const (
	eventsKey = 16 // first id | generation
	notesKey  = 9  // number | kind; the number stands for a generation
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
	if damage := cmp.Or(p.err, events, notes); damage != nil {
		*s = *newSegment(dir, first)
		s.rescue(p, p.err != nil || notes != nil) // where pages are lost it is not known whether notes are
		s.damage = damage
	}
	return s, nil
}

// read takes what the newest meta page leads to.
func (s *segment) read(p *pages) (events, notes error) {
	buckets, err := p.buckets()
	if err != nil {
		return err, err
	}
	var read, sum total
	events = p.events(buckets, s.mine, func(r record, n int) {
		s.appended(r.event.ID)
		s.bytes += int64(n)
		read.events++
	})
	sum, notes = p.notes(buckets, func(r record) {
		s.noted(r)
		read.notes += uint64(len(r.ids))
	})
	if cmp.Or(events, notes) == nil {
		events, notes = sum.missing(read)
	}
	return events, notes
}

// idSpan is more ids than a file, or the stages, can have.
const idSpan = 1 << 32

// mine reports whether an event can be one of this file.
func (s *segment) mine(id uint64) bool { return id >= s.first && id-s.first < idSpan }

func (s *segment) noted(r record) {
	if r.kind == settled {
		s.note(nil, r.ids)
	} else {
		s.note(r.ids, nil)
	}
}

// events visits the records of events. An event that cannot be one of the file's is damage.
func (p *pages) events(buckets map[string]element, mine func(id uint64) bool, visit func(record, int)) error {
	var damage error
	err := p.values(buckets[string(eventsBucket)], func(key, value []byte) {
		generation, ofEvents, ok := generationOf(key)
		if !ok || !ofEvents {
			damage = cmp.Or(damage, errMalformed)
			return
		}
		damage = cmp.Or(damage, records(value, seedOf(generation), func(r record, n int) {
			if r.kind != event && r.kind != eventOnce || !mine(r.event.ID) {
				damage = cmp.Or(damage, errMalformed)
				return
			}
			visit(r, n)
		}))
	})
	return inBucket(eventsBucket, cmp.Or(damage, err))
}

// notes visits the notes, and returns the total.
func (p *pages) notes(buckets map[string]element, visit func(record)) (sum total, err error) {
	var damage error
	err = p.values(buckets[string(notesBucket)], func(key, value []byte) {
		if bytes.Equal(key, totalKey) {
			sum, err = decodeTotal(value)
			damage = cmp.Or(damage, err)
			return
		}
		number, ofEvents, ok := generationOf(key)
		if !ok || ofEvents {
			damage = cmp.Or(damage, errMalformed)
			return
		}
		damage = cmp.Or(damage, records(value, seedOf(number), func(r record, _ int) {
			if r.kind != sending && r.kind != settled {
				damage = cmp.Or(damage, errMalformed)
				return
			}
			visit(r)
		}))
	})
	return sum, inBucket(notesBucket, cmp.Or(damage, err))
}

func inBucket(name []byte, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// rescue takes what can be read of a damaged file. Where notes may be missing everything is in doubt: it may have been sent.
func (s *segment) rescue(p *pages, inDoubt bool) {
	events, notes := s.remains(p)
	for _, e := range events {
		s.bytes += int64(eventSize(&e))
		s.appended(e.ID)
		if inDoubt {
			s.sent.add(e.ID)
		}
	}
	s.rescued = events
	for _, r := range notes {
		s.noted(r)
	}
}

// remains reads every record in every whole leaf, whether the tree leads there or not.
func (s *segment) remains(p *pages) (events []batcher.StoredEvent, notes []record) {
	type found struct {
		batcher.StoredEvent
		generation uint64
	}
	newest := map[uint64]found{}
	p.leaves(func(key, value []byte) {
		generation, _, ok := generationOf(key)
		if !ok {
			return
		}
		_ = records(value, seedOf(generation), func(r record, _ int) { // that it is damaged is known
			switch r.kind {
			case sending, settled:
				notes = append(notes, r)
			default:
				// An id is there twice where a power cut took the first event and the id was given out again.
				if at, ok := newest[r.event.ID]; s.mine(r.event.ID) && (!ok || at.generation < generation) {
					newest[r.event.ID] = found{r.event, generation}
				}
			}
		})
	})
	for _, e := range newest {
		e.JSON = slices.Clone(e.JSON)
		events = append(events, e.StoredEvent)
	}
	slices.SortFunc(events, func(a, b batcher.StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
	return events, notes
}

// pending reads the events that are not settled, in order. Where the file turns out to be damaged, which it was not when it was loaded,
// it gives what can be read, and the file is set aside after the next commit.
func (s *segment) pending() (events []batcher.StoredEvent, err error) {
	if s.damage == nil || s.unread {
		events, err = s.whole()
		if err == nil && !s.unread || refused(err) {
			return events, err
		}
		if s.rescued = events; err != nil {
			p, pagesErr := readPages(s.path)
			if refused(pagesErr) {
				return nil, pagesErr
			}
			if s.rescued = nil; pagesErr == nil {
				s.rescued, _ = s.remains(p)
			}
		}
		s.damage, s.unread = cmp.Or(s.damage, err), false
	}
	events = nil
	for _, e := range s.rescued {
		if s.live.has(e.ID) {
			e.InDoubt = s.sent.has(e.ID)
			events = append(events, e)
		}
	}
	return events, nil
}

// whole reads the events of a file that is sound.
func (s *segment) whole() (events []batcher.StoredEvent, err error) {
	p, err := readPages(s.path)
	if err != nil {
		return nil, err
	}
	buckets, err := p.buckets()
	if err != nil {
		return nil, cmp.Or(p.err, err)
	}
	err = p.events(buckets, s.mine, func(r record, _ int) {
		if s.live.has(r.event.ID) {
			r.event.JSON = slices.Clone(r.event.JSON)
			r.event.InDoubt = s.sent.has(r.event.ID)
			events = append(events, r.event)
		}
	})
	if err == nil && len(events) != s.left {
		err = fmt.Errorf("%s: %d of %d that wait can be read", eventsBucket, len(events), s.left)
	}
	return events, cmp.Or(p.err, err)
}
