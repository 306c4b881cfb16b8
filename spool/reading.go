package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
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

// loadSegment reads a file without changing it. The error is the system's, which did not let us read it, or says that a later version
// wrote it; damage is in the segment, with what could be read.
func loadSegment(dir *directory, first uint64) (*segment, error) {
	s := newSegment(dir, first)
	if err := s.hold(); err != nil {
		if refused(err) {
			return nil, err
		}
		s.damage = err
		return s, nil
	}
	p, err := s.pages()
	if err != nil && refused(err) {
		return nil, errors.Join(err, s.leave())
	}
	if err != nil {
		s.damage = err
		return s, nil
	}
	events, notes := s.read(p)
	damage := cmp.Or(p.err, events, notes)
	if damage == nil {
		return s, nil
	}
	game, err := p.headAnywhere()
	if err = cmp.Or(onlyNewer(events), onlyNewer(notes), err); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", s.path, err), s.leave())
	}
	*s = segment{dir: dir, name: s.name, path: s.path, first: first, file: s.file, info: s.info, damage: damage, game: game}
	s.rescue(p, p.err != nil || notes != nil) // where pages are lost it is not known whether notes are
	return s, nil
}

func onlyNewer(err error) error {
	if errors.Is(err, ErrNewer) {
		return err
	}
	return nil
}

// pages reads the file.
func (s *segment) pages() (*pages, error) {
	if s.file != nil {
		return readPages(s.file)
	}
	f, err := s.dir.open(s.name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readPages(f)
}

// headAnywhere returns the game that a damaged file's head names. The error says that a later version wrote it.
func (p *pages) headAnywhere() (game string, err error) {
	p.leaves(func(key, value []byte) {
		if !bytes.Equal(key, headKey) {
			return
		}
		switch h, headErr := decodeHead(value); {
		case errors.Is(headErr, ErrNewer):
			err = headErr
		case headErr == nil && h.game != "": // an older copy may be from before the first event
			game = h.game
		}
	})
	return game, err
}

// read takes what the newest meta page leads to.
func (s *segment) read(p *pages) (events, notes error) {
	buckets, err := p.buckets()
	if err != nil {
		return err, err
	}
	var read, sum total
	events = p.events(buckets, s.mine, func(r record, n int) error {
		if !s.members.add(run{r.event.ID, 1}) {
			return errOrder
		}
		s.bytes += int64(n)
		read.events++
		return nil
	})
	var sent, done []run
	h, sum, notes := p.notes(buckets, func(r record) {
		if r.kind == settled {
			done = append(done, r.ids...)
		} else {
			sent = append(sent, r.ids...)
		}
		read.notes += count(r.ids)
	})
	s.game = h.game
	s.note(merged(sent), merged(done))
	if cmp.Or(events, notes) == nil {
		events, notes = sum.missing(read)
	}
	return events, notes
}

// errOrder is an event that is there twice, or before one with a smaller id.
var errOrder = errors.New("the events are not in the order of their ids")

// idSpan is more ids than a file, or the stages, can have.
const idSpan = 1 << 32

// mine reports whether an event can be one of this file.
func (s *segment) mine(id uint64) bool { return id >= s.first && id-s.first < idSpan }

// events visits the records of events. An event that cannot be one of the file's is damage.
func (p *pages) events(buckets map[string]element, mine func(id uint64) bool, visit func(record, int) error) error {
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
			damage = cmp.Or(damage, visit(r, n))
		}))
	})
	return inBucket(eventsBucket, cmp.Or(damage, err))
}

// notes visits the notes, and returns the head and the total.
func (p *pages) notes(buckets map[string]element, visit func(record)) (h head, sum total, err error) {
	var damage error
	err = p.values(buckets[string(notesBucket)], func(key, value []byte) {
		var wrong error
		switch {
		case bytes.Equal(key, totalKey):
			sum, wrong = decodeTotal(value)
			damage = cmp.Or(damage, wrong)
			return
		case bytes.Equal(key, headKey):
			if h, wrong = decodeHead(value); errors.Is(wrong, ErrNewer) {
				damage = wrong
			}
			damage = cmp.Or(damage, wrong)
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
	return h, sum, inBucket(notesBucket, cmp.Or(damage, err))
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
	for i := range events {
		s.bytes += int64(eventSize(&events[i]))
		s.members.add(run{events[i].ID, 1})
		if inDoubt {
			s.members.doubt([]run{{events[i].ID, 1}})
		}
	}
	s.rescued = events
	var sent, done []run
	for _, r := range notes {
		if r.kind == settled {
			done = append(done, r.ids...)
		} else {
			sent = append(sent, r.ids...)
		}
	}
	s.note(merged(sent), merged(done))
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
			case event, eventOnce:
				// An id is there twice where a power cut took the first event and the id was given out again.
				if at, ok := newest[r.event.ID]; s.mine(r.event.ID) && (!ok || at.generation < generation) {
					newest[r.event.ID] = found{r.event, generation}
				}
			}
		})
	})
	for _, e := range newest {
		e.JSON = slices.Clone(e.JSON)
		e.GameID = s.game
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
			p, pagesErr := s.pages()
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
		if s.members.waits(e.ID) {
			e.InDoubt = s.members.doubtful(e.ID)
			events = append(events, e)
		}
	}
	return events, nil
}

// whole reads the events of a file that is sound.
func (s *segment) whole() (events []batcher.StoredEvent, err error) {
	p, err := s.pages()
	if err != nil {
		return nil, err
	}
	buckets, err := p.buckets()
	if err != nil {
		return nil, cmp.Or(p.err, err)
	}
	err = p.events(buckets, s.mine, func(r record, _ int) error {
		if s.members.waits(r.event.ID) {
			r.event.JSON = slices.Clone(r.event.JSON)
			r.event.InDoubt, r.event.GameID = s.members.doubtful(r.event.ID), s.game
			events = append(events, r.event)
		}
		return nil
	})
	if err == nil && len(events) != s.members.left {
		err = fmt.Errorf("%s: %d of %d that wait can be read", eventsBucket, len(events), s.members.left)
	}
	return events, cmp.Or(p.err, err)
}
