package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/playline/playline-go/batcher"
)

// A segment: one file of the engine, with events and the notes about them.

var (
	eventsBucket = []byte("events") // first id | generation: records of events
	notesBucket  = []byte("notes")  // number | kind: records about events of this segment
)

// segment is a file of events whose ids follow one another, and of notes about what became of them. So a file can go as soon as all of
// its events are settled, and nothing of it is needed elsewhere.
type segment struct {
	path   string
	db     *bbolt.DB // nil until it is written to
	first  uint64    // no id is smaller; it is in the file's name
	last   uint64    // the greatest id, first-1 where there is none
	named  uint64    // the greatest id in a note
	live   idSet     // not settled
	sent   idSet     // noted as about to be sent
	events int
	left   int   // that are live
	bytes  int64 // of records of events
	stray  bool  // the file may have events behind last: a write failed, and the engine may have done it all the same

	damage   error // of a file that is not written anew yet: it is not written to
	reported bool
	unread   bool                  // it is not known yet what can be read of such a file
	rescued  []batcher.StoredEvent // what could be
}

func newSegment(dir string, first uint64) *segment {
	return &segment{
		path: filepath.Join(dir, fmt.Sprintf("%016x.spool", first)), first: first, last: first - 1,
		live: idSet{base: first}, sent: idSet{base: first},
	}
}

// createSegment makes a file under another name, so that one with its own name is always whole. A file that has the name is replaced. On
// an error the segment is returned where the name is the new file's nevertheless.
func createSegment(dir string, first uint64, b *batch) (*segment, error) {
	s := newSegment(dir, first)
	fresh := &segment{path: s.path + ".tmp"}
	if err := os.RemoveAll(fresh.path); err != nil {
		return nil, err
	}
	if err := errors.Join(fresh.write(b, b.sending, b.settled), fresh.close()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(fresh.path))
	}
	if err := os.Rename(fresh.path, s.path); err != nil {
		return nil, errors.Join(err, os.RemoveAll(fresh.path))
	}
	s.took(b)
	s.note(b.sending, b.settled)
	// Without this a power cut could take the file's name, and with it what was synced into it.
	return s, syncDir(dir)
}

// open gives the file to the engine. A file that is there was read and found sound before.
func (s *segment) open() error {
	return guarded(func() (err error) {
		s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{
			Timeout: time.Second, NoStatistics: true,
			// The list of free pages is found anew when a file is opened: less to write.
			NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
		})
		if err == nil {
			s.db.AllocSize = 1 << 20
		}
		return err
	})
}

func (s *segment) close() error {
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	return db.Close()
}

// write stores a batch's events and notes in one transaction. On return it is synced. The file is opened first where it is not: after
// the start, or when its last write was the one that made it.
func (s *segment) write(b *batch, sent, done []uint64) (err error) {
	if s.damage != nil {
		return fmt.Errorf("%s is damaged and not yet written anew: %w", s.path, s.damage)
	}
	if s.db == nil {
		err = s.open()
	}
	if err == nil {
		err = guarded(func() error { return s.update(b, sent, done) })
	}
	if errors.Is(err, errBroken) {
		// The engine may have died with its locks held: its next call would wait for ever, also the one that closes it. So it is left alone,
		// and the file is written anew.
		s.db, s.damage, s.unread = nil, err, true
	}
	s.stray = s.stray && err != nil
	return err
}

func (s *segment) update(b *batch, sent, done []uint64) error {
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
		sum, err := decodeTotal(notes.Get(totalKey))
		if err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
		if s.stray { // they were refused, or come once more
			strays, err := deleteFrom(events, s.last+1)
			if err != nil {
				return err
			}
			sum.events -= strays
		}
		for _, c := range b.chunks {
			key := binary.BigEndian.AppendUint64(nil, c.first)
			key = binary.BigEndian.AppendUint64(key, b.generation)
			sum.events += uint64(c.ids)
			if err := events.Put(key, c.data); err != nil {
				return err
			}
		}
		for k, ids := range map[kind][]uint64{sending: sent, settled: done} {
			if len(ids) == 0 {
				continue
			}
			number, err := notes.NextSequence()
			if err != nil {
				return err
			}
			key := append(binary.BigEndian.AppendUint64(nil, number), byte(k))
			if err := notes.Put(key, appendNotes(nil, seedOf(number), k, ids)); err != nil {
				return err
			}
			sum.notes += uint64(len(ids))
		}
		return notes.Put(totalKey, sum.encode())
	})
}

// deleteFrom deletes the events whose ids are not smaller than first, which is the first of its chunk, and returns how many there were.
func deleteFrom(bucket *bbolt.Bucket, first uint64) (events uint64, err error) {
	var keys [][]byte
	c := bucket.Cursor()
	for key, value := c.Seek(binary.BigEndian.AppendUint64(nil, first)); key != nil; key, value = c.Next() {
		generation, _, _ := generationOf(key)
		if err := records(value, seedOf(generation), func(record, int) { events++ }); err != nil {
			return 0, fmt.Errorf("%w: %w", errBroken, err)
		}
		keys = append(keys, slices.Clone(key))
	}
	for _, key := range keys {
		if err := bucket.Delete(key); err != nil {
			return 0, err
		}
	}
	return events, nil
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
		s.names(id)
		if s.live.has(id) {
			s.sent.add(id)
		}
	}
	for _, id := range done {
		s.names(id)
		if s.live.remove(id) {
			s.left--
		}
	}
}

// names counts an id that stands in a note. One that cannot be of this file is a caller's mistake.
func (s *segment) names(id uint64) {
	if s.mine(id) {
		s.named = max(s.named, id)
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

// syncDir makes the names in a directory safe. Windows has no such call, and needs none.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
