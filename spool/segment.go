package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/playline/playline-go/batcher"
)

var (
	eventsBucket = []byte("events") // first id | generation: records of events
	notesBucket  = []byte("notes")  // generation | kind: a record about events of this segment
)

// segment is a file of events whose ids follow one another, and of notes about what became of them. So a file can go as soon as all of
// its events are settled, and nothing of it is needed elsewhere.
type segment struct {
	path   string
	db     *bbolt.DB // nil while it is only read
	first  uint64    // no id is smaller; it is in the file's name
	last   uint64    // the greatest id, first-1 where there is none
	live   idSet     // not settled
	sent   idSet     // noted as about to be sent
	events int
	left   int   // that are live
	bytes  int64 // of records of events
}

func newSegment(dir string, first uint64) *segment {
	return &segment{
		path: filepath.Join(dir, fmt.Sprintf("%016x.spool", first)), first: first, last: first - 1,
		live: idSet{base: first}, sent: idSet{base: first},
	}
}

// createSegment makes a file under another name, so that one with its own name is always whole.
func createSegment(dir string, first uint64, b *batch) (*segment, error) {
	s := newSegment(dir, first)
	tmp := s.path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	db, err := openBolt(tmp, false)
	if err != nil {
		return nil, err
	}
	s.db = db
	err = errors.Join(s.write(b, b.sending, b.settled), db.Close())
	s.db = nil
	if err != nil {
		return nil, errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, s.path); err != nil {
		return nil, err
	}
	// Without this a power cut could take the file's name, and with it what was synced into it.
	if err := syncDir(dir); err != nil {
		return nil, err
	}
	s.took(b)
	s.note(b.sending, b.settled)
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

func openBolt(path string, readOnly bool) (*bbolt.DB, error) {
	return openBoltWith(path, bbolt.Options{ReadOnly: readOnly})
}

func openBoltWith(path string, o bbolt.Options) (*bbolt.DB, error) {
	o.Timeout, o.NoStatistics = time.Second, true
	// The list of free pages is found anew when a file is opened: less to write.
	o.NoFreelistSync, o.FreelistType = true, bbolt.FreelistMapType
	db, err := bbolt.Open(path, 0o600, &o)
	if err != nil {
		return nil, err
	}
	db.AllocSize = 1 << 20
	return db, nil
}

func (s *segment) open() (err error) {
	s.db, err = openBolt(s.path, false)
	return err
}

func (s *segment) close() error {
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	return db.Close()
}

// write stores a batch's events and notes in one transaction. On return it is synced.
func (s *segment) write(b *batch, sent, done []uint64) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		events, err := tx.CreateBucketIfNotExists(eventsBucket)
		if err != nil {
			return err
		}
		notes, err := tx.CreateBucketIfNotExists(notesBucket)
		if err != nil {
			return err
		}
		events.FillPercent, notes.FillPercent = 1, 1 // keys only grow
		for _, c := range b.chunks {
			key := binary.BigEndian.AppendUint64(nil, c.first)
			key = binary.BigEndian.AppendUint64(key, b.generation)
			if err := events.Put(key, c.data); err != nil {
				return err
			}
		}
		for k, ids := range map[kind][]uint64{sending: sent, settled: done} {
			if len(ids) == 0 {
				continue
			}
			key := append(binary.BigEndian.AppendUint64(nil, b.generation), byte(k))
			if err := notes.Put(key, appendNote(nil, seedOf(b.generation), k, ids)); err != nil {
				return err
			}
		}
		return nil
	})
}

// took counts a batch that was written.
func (s *segment) took(b *batch) {
	for _, c := range b.chunks {
		s.bytes += int64(len(c.data))
	}
	for _, id := range b.ids {
		s.appended(id)
	}
}

func (s *segment) appended(id uint64) {
	if s.live.add(id) {
		s.events++
		s.left++
	}
	s.last = max(s.last, id)
}

// note counts what is known of ids: that they are about to be sent, or settled.
func (s *segment) note(sent, done []uint64) {
	for _, id := range sent {
		if s.live.has(id) {
			s.sent.add(id)
		}
	}
	for _, id := range done {
		if s.live.remove(id) {
			s.left--
		}
	}
}

// leaves returns how many events would be left after these.
func (s *segment) leaves(done []uint64) int {
	left := s.left
	seen := idSet{base: s.first}
	for _, id := range done {
		if s.live.has(id) && seen.add(id) {
			left--
		}
	}
	return left
}

// scan walks the records of a bucket. It ends at the first that is damaged: behind it nothing in the same value can be trusted, but
// the next value can, so it goes on there and returns the first error.
func scan(db *bbolt.DB, bucket []byte, generationAt int, visit func(record, int)) error {
	var first error
	err := guarded(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucket)
			if b == nil {
				return fmt.Errorf("the bucket %q is missing", bucket)
			}
			return b.ForEach(func(k, v []byte) error {
				if len(k) < generationAt+8 {
					return fmt.Errorf("a key of %q is too short", bucket)
				}
				seed := seedOf(binary.BigEndian.Uint64(k[generationAt:]))
				for len(v) > 0 {
					r, n, err := readRecord(v, seed)
					if err != nil {
						if first == nil {
							first = fmt.Errorf("%s: %w", bucket, err)
						}
						return nil
					}
					visit(r, n)
					v = v[n:]
				}
				return nil
			})
		})
	})
	if err != nil {
		return err
	}
	return first
}

// pending reads the events that are not settled, in order.
func (s *segment) pending() ([]batcher.StoredEvent, error) {
	db := s.db
	if db == nil {
		err := guarded(func() (err error) { db, err = openBolt(s.path, true); return err })
		if err != nil {
			return nil, err
		}
		defer db.Close()
	}
	var out []batcher.StoredEvent
	err := scan(db, eventsBucket, 8, func(r record, _ int) {
		if !s.live.has(r.event.ID) {
			return
		}
		r.event.JSON = slices.Clone(r.event.JSON)
		r.event.InDoubt = s.sent.has(r.event.ID)
		out = append(out, r.event)
	})
	return out, err
}

// loadSegment reads a file without changing it. What could be read is in the segment also where there is an error.
func loadSegment(dir string, first uint64) (*segment, error) {
	s := newSegment(dir, first)
	var db *bbolt.DB
	err := guarded(func() (err error) { db, err = openBolt(s.path, true); return err })
	if err != nil {
		return s, err
	}
	defer db.Close()
	err = scan(db, eventsBucket, 8, func(r record, n int) {
		if r.event.ID >= first && r.event.ID-first < 1<<32 {
			s.appended(r.event.ID)
			s.bytes += int64(n)
		}
	})
	notes := scan(db, notesBucket, 0, func(r record, _ int) {
		if r.kind == settled {
			s.note(nil, r.ids)
		} else {
			s.note(r.ids, nil)
		}
	})
	if notes != nil { // some that were sent, or have their result, may look as if they were not
		for id := s.first; id <= s.last; id++ {
			s.sent.add(id)
		}
	}
	if err != nil || notes != nil {
		return s, errors.Join(err, notes)
	}
	// Opened for writing, the engine looks for free pages and panics where they do not add up. Better here, where no lock is left
	// behind that would keep others from reading the file. It does that in a goroutine of its own, so not before the scans went well.
	return s, guarded(func() error {
		db, err := openBoltWith(s.path, bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
		if err != nil {
			return err
		}
		return db.Close()
	})
}

// syncDir makes the names in a directory safe.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
