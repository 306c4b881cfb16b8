package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/edsrzf/mmap-go"

	"github.com/playline/playline-go/batcher"
)

// A stage: memory that outlives the process, where records wait for the next commit.

const (
	stageBytes = 2 << 20
	maxRecord  = 1 << 20  // an event's record
	maxGame    = 1 << 10  // a game's id
	noteRoom   = 64 << 10 // which events leave to notes
)

// stage is a file of fixed size, mapped into memory, in which records wait for the next commit. A
// record in it survives the death of the process, because the pages belong to the system. Writing
// one costs a copy and no system call. A power cut may take it.
//
// Its blocks are written when it is made, so that a full disk cannot make a later store to it fail.
// A file system that writes each page to a new place, such as btrfs, needs more room nevertheless.
// There, and on a broken disk, a store to the mapping is a fault.
type stage struct {
	name       string
	file       *os.File
	info       fs.FileInfo
	mem        mmap.MMap
	generation uint64
	seed       uint32
	end        int    // of the records in it
	events     int    // how many of them are events
	bytes      int    // of the events
	last       uint64 // the id of the last event
	fault      error  // why nothing more can be written since it was emptied
	settled    []run  // what the notes in it say, for when it cannot be read
	named      bool   // it says whose events it holds
}

// openStage opens a stage, and creates it if it does not exist. Its records are still those of an
// earlier process.
func openStage(dir *directory, name string) (*stage, error) {
	f, err := dir.open(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != stageBytes {
		if _, err = f.WriteAt(make([]byte, stageBytes), 0); err == nil {
			err = errors.Join(f.Truncate(stageBytes), f.Sync())
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	mem, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot map %s: %w", f.Name(), err), f.Close())
	}
	return &stage{name: name, file: f, info: info, mem: mem}, nil
}

// refile writes the stage's bytes to a new file of its name, because somebody removed the old one.
// The mapping still has the bytes. Nobody writes to the stage meanwhile.
func (s *stage) refile(dir *directory) error {
	if err := os.Remove(dir.at(s.name)); err != nil && !errors.Is(err, fs.ErrNotExist) { // another file took the name
		return err
	}
	fresh, err := openStage(dir, s.name)
	if err != nil {
		return err
	}
	if err := guarded(func() error { copy(fresh.mem, s.mem); return nil }); err != nil {
		return errors.Join(err, fresh.close())
	}
	old := stage{file: s.file, mem: s.mem}
	s.file, s.info, s.mem = fresh.file, fresh.info, fresh.mem
	return old.close()
}

// reset empties the stage. Whatever is left in it belongs to an earlier generation.
func (s *stage) reset(generation uint64) {
	s.fault = guarded(func() error {
		appendStageHead(s.mem[:0], generation)
		return nil
	})
	s.generation, s.seed = generation, seedOf(generation)
	s.end, s.events, s.bytes, s.last, s.settled, s.named = stageHead, 0, 0, 0, s.settled[:0], false
}

// room reports whether a record of at most that size fits.
func (s *stage) room(size int) bool { return s.end+size <= len(s.mem) }

func (s *stage) empty() bool { return s.end == stageHead }

// addEvent writes an event, for which there must be room, and returns its size. A partial record
// after a fault is beyond the end.
func (s *stage) addEvent(id uint64, e *batcher.StoredEvent) (n int, err error) {
	if s.fault == nil {
		n = s.writeEvent(id, e)
	}
	if s.fault != nil {
		return 0, described(s.fault)
	}
	s.end += n
	s.events++
	s.bytes += n
	s.last = id
	return n, nil
}

// writeEvent is guarded, without the function that guarded takes: it runs for every event.
func (s *stage) writeEvent(id uint64, e *batcher.StoredEvent) int {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			s.fault = fmt.Errorf("%w: %v", errBroken, r)
		}
	}()
	return len(appendEvent(s.mem[s.end:s.end:len(s.mem)], s.seed, id, e))
}

// addGame writes whose events follow, once. There must be room.
func (s *stage) addGame(game string) error {
	if s.named {
		return nil
	}
	err := s.add(func(free []byte) []byte { return appendGame(free, s.seed, game) })
	s.named = err == nil
	return err
}

// addNote writes a note, for which there must be room.
func (s *stage) addNote(k kind, ids []run) error {
	err := s.add(func(free []byte) []byte { return appendNote(free, s.seed, k, ids) })
	if err == nil && k == settled {
		s.settled = append(s.settled, ids...)
	}
	return err
}

// add writes a record. A partial record after a fault is beyond the end.
func (s *stage) add(record func(free []byte) []byte) error {
	n := 0
	if s.fault == nil {
		s.fault = guarded(func() error {
			n = len(record(s.mem[s.end:s.end:len(s.mem)]))
			return nil
		})
	}
	if s.fault != nil {
		return described(s.fault)
	}
	s.end += n
	return nil
}

// read returns what is in the stage, in a buffer: a page that cannot be read must not be taken for
// a damaged segment later.
func (s *stage) read(buffer []byte) (*batch, []byte, error) {
	if s.empty() {
		return &batch{generation: s.generation}, buffer, nil
	}
	err := guarded(func() error {
		buffer = append(buffer[:0], s.mem[:s.end]...)
		return nil
	})
	if err != nil {
		return nil, buffer, err
	}
	b, err := batchOf(buffer)
	return b, buffer, err
}

func (s *stage) close() error {
	return errors.Join(s.mem.Unmap(), s.file.Close())
}
