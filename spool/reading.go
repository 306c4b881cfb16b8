package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// A key's length identifies the kind of its value.
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

// loadSegment reads a file without changing it. It returns an error if the system denies access, or
// if a later version wrote the file. The segment records damage, and has the readable events.
func loadSegment(dir *directory, first uint64, mem *scratch) (*segment, error) {
	s := newSegment(dir, first)
	if err := s.hold(); err != nil {
		if refused(err) {
			return nil, err
		}
		s.damage = err
		return s, nil
	}
	p, err := s.pages(mem)
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
func (s *segment) pages(mem *scratch) (*pages, error) {
	if s.file != nil {
		return readPages(s.file, mem)
	}
	f, err := s.dir.open(s.name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readPages(f, mem)
}

// headAnywhere returns the game that a damaged file's head names. The error says that a later
// version wrote it.
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
	err := p.values(buckets[string(eventsBucket)], func(key, value []byte) error {
		generation, ofEvents, ok := generationOf(key)
		if !ok || !ofEvents {
			damage = cmp.Or(damage, errMalformed)
			return nil
		}
		damage = cmp.Or(damage, records(value, seedOf(generation), func(r record, n int) {
			if r.kind != event && r.kind != eventOnce || !mine(r.event.ID) {
				damage = cmp.Or(damage, errMalformed)
				return
			}
			damage = cmp.Or(damage, visit(r, n))
		}))
		return nil
	})
	return inBucket(eventsBucket, cmp.Or(damage, err))
}

// notes visits the notes, and returns the head and the total.
func (p *pages) notes(buckets map[string]element, visit func(record)) (h head, sum total, err error) {
	var damage error
	err = p.values(buckets[string(notesBucket)], func(key, value []byte) error {
		var wrong error
		switch {
		case bytes.Equal(key, totalKey):
			sum, wrong = decodeTotal(value)
			damage = cmp.Or(damage, wrong)
			return nil
		case bytes.Equal(key, headKey):
			if h, wrong = decodeHead(value); errors.Is(wrong, ErrNewer) {
				damage = wrong
			}
			damage = cmp.Or(damage, wrong)
			return nil
		}
		number, ofEvents, ok := generationOf(key)
		if !ok || ofEvents {
			damage = cmp.Or(damage, errMalformed)
			return nil
		}
		damage = cmp.Or(damage, records(value, seedOf(number), func(r record, _ int) {
			if r.kind != sending && r.kind != settled {
				damage = cmp.Or(damage, errMalformed)
				return
			}
			visit(r)
		}))
		return nil
	})
	return h, sum, inBucket(notesBucket, cmp.Or(damage, err))
}

func inBucket(name []byte, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// rescue takes the readable events of a damaged file. If notes may be missing, all events are in
// doubt, because they may have been sent.
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
				// An id occurs twice if a power cut took the first event and the spool reused the
				// id.
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

// pending reads the events that are not settled, in order, for the caller to keep.
func (s *segment) pending() (events []batcher.StoredEvent, err error) {
	left, err := s.waiting(nil)
	if err != nil {
		return nil, err
	}
	events = make([]batcher.StoredEvent, 0, s.members.left)
	for e := range left.all() {
		events = append(events, e)
	}
	return events, nil
}

// leftover is the waiting events of a segment when it was read. Others can write to the segment
// meanwhile.
type leftover struct {
	game    string
	members members
	pages   *pages // of a sound file
	events  element
	rescued []batcher.StoredEvent // of a damaged one
}

// waiting reads and checks the file. If the file was damaged after it was loaded, waiting returns
// the readable events, and the next commit sets the file aside.
func (s *segment) waiting(mem *scratch) (*leftover, error) {
	left := &leftover{game: s.game, members: s.members.snapshot()}
	if s.damage == nil || s.unread {
		err := s.check(left, mem)
		if err == nil && !s.unread {
			return left, nil
		}
		if refused(err) {
			return nil, err
		}
		s.rescued = nil
		if err == nil {
			for e := range left.all() {
				e.JSON = slices.Clone(e.JSON)
				s.rescued = append(s.rescued, e)
			}
		} else {
			p, pagesErr := s.pages(mem)
			if refused(pagesErr) {
				return nil, pagesErr
			}
			if pagesErr == nil {
				s.rescued, _ = s.remains(p)
			}
		}
		s.damage, s.unread = cmp.Or(s.damage, err), false
	}
	left.pages, left.rescued = nil, s.rescued
	return left, nil
}

// check reads a file that was sound, and finds out whether it still is.
func (s *segment) check(left *leftover, mem *scratch) error {
	p, err := s.pages(mem)
	if err != nil {
		return err
	}
	buckets, err := p.buckets()
	if err != nil {
		return cmp.Or(p.err, err)
	}
	left.pages, left.events = p, buckets[string(eventsBucket)]
	found := 0
	err = p.events(buckets, s.mine, func(r record, _ int) error {
		if s.members.waits(r.event.ID) {
			found++
		}
		return nil
	})
	if err == nil && found != s.members.left {
		err = fmt.Errorf("%s: %d of %d that wait can be read", eventsBucket, found, s.members.left)
	}
	return cmp.Or(p.err, err)
}

// all walks the events. Their JSON is in the memory that the file was read into.
func (l *leftover) all() iter.Seq[batcher.StoredEvent] {
	return func(yield func(batcher.StoredEvent) bool) {
		give := func(e *batcher.StoredEvent) bool {
			at := l.members.place(e.ID)
			if at < 0 || !l.members.live.has(at) {
				return true
			}
			e.InDoubt, e.GameID = l.members.sent.has(at), l.game
			return yield(*e)
		}
		if l.pages == nil {
			for _, e := range l.rescued {
				if !give(&e) {
					return
				}
			}
			return
		}
		ended := errors.New("the caller has enough")
		users := names{}
		_ = l.pages.again().values(l.events, func(key, value []byte) error { // it was checked
			generation, _, _ := generationOf(key)
			seed := seedOf(generation)
			for len(value) > 0 {
				r, n, err := readRecordOf(value, seed, users)
				if err != nil {
					return err
				}
				if !give(&r.event) {
					return ended
				}
				value = value[n:]
			}
			return nil
		})
	}
}
