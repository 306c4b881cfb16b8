package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// segment is a file of events with ascending ids, and of notes about these events. The spool can
// therefore remove a file as soon as all of its events are settled.
type segment struct {
	dir     *directory
	name    string
	path    string
	making  bool        // it is not there yet
	file    *os.File    // to read what is in it, also when somebody has removed it; nil on Windows, where nobody can
	info    fs.FileInfo // of that file
	db      *bbolt.DB   // nil until it is written to
	game    string      // of its events; "" where version 1 wrote it
	first   uint64      // no id is smaller; it is in the file's name
	named   uint64      // the greatest id in a note
	members members
	bytes   int64 // of records of events
	stray   bool  // the file may have events behind last: a write failed, and the engine may have done it all the same

	damage   error // of a file that is not rewritten yet: it is not written to
	reported bool
	unread   bool                  // it is not known yet what can be read of such a file
	rescued  []batcher.StoredEvent // what could be
}

func newSegment(dir *directory, first uint64) *segment {
	name := fmt.Sprintf("%016x.spool", first)
	return &segment{dir: dir, name: name, path: dir.at(name), first: first}
}

// last returns the greatest id, or first-1 without ids.
func (s *segment) last() uint64 { return max(s.members.last(), s.first-1) }

// takes reports whether a batch's events can go to the segment. It has the events of one game.
func (s *segment) takes(b *batch, limit int64) bool {
	return s.damage == nil && s.bytes < limit && s.mine(b.first()) && s.mine(b.last()) && (s.game == b.game || s.members.size == 0)
}

// createSegment creates a file under another name, so that a file with its own name is always
// whole. It replaces a file that has the name. It returns the segment even on an error, if the new
// file already has the name.
func createSegment(dir *directory, first uint64, b *batch) (*segment, error) {
	s := newSegment(dir, first)
	fresh := &segment{dir: dir, name: s.name + ".tmp", path: s.path + ".tmp", first: first, making: true}
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
	// Without sync a power cut could take the file's name, and with it what was synced into it.
	return s, errors.Join(s.hold(), dir.sync())
}

// hold opens the file for reading. The system keeps what an open file holds although somebody
// removes its name.
func (s *segment) hold() error {
	f, err := s.dir.open(s.name, os.O_RDONLY)
	if err != nil {
		return err
	}
	if s.info, err = f.Stat(); err != nil || !holdsFiles {
		return errors.Join(err, f.Close())
	}
	s.file = f
	return nil
}

// open gives the file to the engine. A file that is there was read and found sound before.
func (s *segment) open() error {
	return guarded(func() (err error) {
		s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{
			Timeout: time.Second, NoStatistics: true,
			// The engine rebuilds the list of free pages when it opens a file, so that it writes
			// less.
			NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
			// The engine would make a file that is missing, and follow a link.
			OpenFile: func(_ string, flag int, _ os.FileMode) (*os.File, error) {
				if flag &^= os.O_CREATE; s.making {
					flag |= os.O_CREATE | os.O_EXCL
				}
				return s.dir.open(s.name, flag)
			},
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

// leave closes the file for good.
func (s *segment) leave() error {
	err := s.close()
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
		s.file = nil
	}
	return err
}

// write stores a batch's events and notes in one transaction, and syncs it. It first opens the file
// if it is not open: after the start, or if the last write created the file.
func (s *segment) write(b *batch, sent, done []run) (err error) {
	if s.damage != nil {
		return fmt.Errorf("%s is damaged and not yet rewritten: %w", s.path, s.damage)
	}
	if s.db == nil {
		err = s.open()
	}
	if err == nil {
		err = guarded(func() error { return s.update(b, sent, done) })
	}
	if errors.Is(err, errBroken) {
		// The engine may have died with its locks held. Every further call of it would wait without
		// end, even Close. Therefore the spool never calls it again, and rewrites the file.
		s.db, s.damage, s.unread = nil, err, true
	}
	s.stray = s.stray && err != nil
	return err
}

func (s *segment) update(b *batch, sent, done []run) error {
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
			strays, err := deleteFrom(events, s.last()+1)
			if err != nil {
				return err
			}
			sum.events -= strays
		}
		if s.members.size == 0 && (b.count() > 0 || notes.Get(totalKey) == nil) { // whose events it holds
			if err := notes.Put(headKey, head{formatVersion, b.game}.encode()); err != nil {
				return err
			}
		}
		for _, c := range b.chunks {
			key := binary.BigEndian.AppendUint64(nil, c.first)
			key = binary.BigEndian.AppendUint64(key, b.generation)
			sum.events += uint64(c.ids)
			if err := events.Put(key, c.data); err != nil {
				return err
			}
		}
		for k, ids := range map[kind][]run{sending: sent, settled: done} {
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
			sum.notes += count(ids)
		}
		return notes.Put(totalKey, sum.encode())
	})
}

// deleteFrom deletes the events whose ids are not smaller than first, which is the first of its
// chunk, and returns how many there were.
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
	if b.count() > 0 || s.members.size == 0 {
		s.game = b.game
	}
	for _, ids := range b.ids {
		s.members.add(ids)
	}
}

// note counts what is known of ids: that they are about to be sent, or settled. The ids are merged.
func (s *segment) note(sent, done []run) {
	for _, ids := range [][]run{sent, done} {
		if n := len(ids); n > 0 {
			if last := ids[n-1].end() - 1; s.mine(last) { // one that cannot be of this file is a caller's mistake
				s.named = max(s.named, last)
			}
		}
	}
	s.members.doubt(sent)
	s.members.settle(done)
}
