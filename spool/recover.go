package spool

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/playline/playline-go/batcher"
)

// Open opens a directory, and makes it where there is none. What an earlier process left is put in order first: its stages are
// committed, damaged files are set aside. It fails when another process has the directory open (ErrInUse), or it cannot be written.
func Open(dir string, opts Options) (*Spool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: cannot make the directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs the x
		return nil, fmt.Errorf("spool: cannot keep others out of the directory: %w", err)
	}
	db, err := lock(dir, false)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: dir, opts: opts, lock: db,
		round: &round{done: make(chan struct{})},
		wake:  make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.prepare(); err != nil {
		for _, seg := range s.segments {
			err = errors.Join(err, seg.close())
		}
		for _, st := range []*stage{s.stage, s.spare} {
			if st != nil {
				err = errors.Join(err, st.close())
			}
		}
		return nil, errors.Join(fmt.Errorf("spool: cannot open %s: %w", dir, err), db.Close())
	}
	go s.run()
	return s, nil
}

// prepare brings a directory into order.
func (s *Spool) prepare() error {
	unfinished, err := filepath.Glob(filepath.Join(s.dir, "*.tmp"))
	if err != nil {
		return err
	}
	for _, path := range unfinished { // the process died while it made them
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	found, err := load(s.dir)
	if err != nil {
		return err
	}
	s.generation, s.next = found.generation+1, found.next
	for _, l := range found.segments {
		seg := l.segment
		switch {
		case l.err == nil:
			err = seg.open()
		case refused(l.err):
			err = l.err
		default:
			seg, err = s.setAside(l)
		}
		if err != nil {
			return err
		}
		if seg != nil {
			s.size += seg.bytes
			s.segments = append(s.segments, seg)
		}
	}
	// A settled segment is not written to any more; an empty one is, because a new one would have its name.
	if n := len(s.segments); n == 0 || s.segments[n-1].left == 0 && s.segments[n-1].events > 0 {
		fresh, err := createSegment(s.dir, found.committed, &batch{})
		if err != nil {
			return err
		}
		s.segments = append(s.segments, fresh)
	}
	for _, b := range found.staged {
		for _, c := range b.chunks {
			s.size += int64(len(c.data))
		}
		if events, notes := s.commit(b); events != nil || notes != nil {
			return errors.Join(events, notes)
		}
	}
	if err := s.tidy(); err != nil {
		return err
	}
	if s.stage, err = openStage(filepath.Join(s.dir, stageNames[0])); err != nil {
		return err
	}
	if s.spare, err = openStage(filepath.Join(s.dir, stageNames[1])); err != nil {
		return err
	}
	// Ids that a power cut took are given out again. A note of the earlier process about one of them must not be found then, after
	// another power cut: so the new generation is on the disk before the first id is.
	for _, st := range []*stage{s.stage, s.spare} {
		s.generation++
		st.reset(s.generation)
		if err := errors.Join(st.mem.Flush(), st.file.Sync()); err != nil {
			return err
		}
	}
	return syncDir(s.dir)
}

// setAside renames a damaged file, and writes what could be read of it to a new one.
func (s *Spool) setAside(l loaded) (*segment, error) {
	waiting, _ := l.segment.pending() // the damage is known
	aside := l.segment.path + ".damaged"
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.damaged-%d", l.segment.path, n)
	}
	s.generation++
	var kept *segment
	if len(waiting) > 0 {
		// The copy takes the damaged file's name at the end, so that one that is cut short is made again. Its own name stays meanwhile.
		if err := os.Link(l.segment.path, aside); err != nil {
			return nil, err
		}
		var err error
		if kept, err = createSegment(s.dir, l.segment.first, repack(waiting, s.generation)); err != nil {
			return nil, errors.Join(err, os.Remove(aside))
		}
	} else if err := os.Rename(l.segment.path, aside); err != nil {
		return nil, err
	}
	s.opts.Report(Damage{Path: aside, Err: l.err, Salvaged: len(waiting)})
	return kept, nil
}

// repack makes a batch of events that are already somewhere.
func repack(events []batcher.StoredEvent, generation uint64) *batch {
	mem := binary.BigEndian.AppendUint64(nil, generation)
	seed := seedOf(generation)
	var doubtful []uint64
	for i := range events {
		mem = appendEvent(mem, seed, events[i].ID, &events[i])
		if events[i].InDoubt {
			doubtful = append(doubtful, events[i].ID)
		}
	}
	b := batchOf(mem)
	b.sending = doubtful
	return b
}

// Recover walks the events that an earlier process left, in the order of their ids. It reads a segment at a time. An error is one
// segment's, and the walk goes on behind it.
func (s *Spool) Recover() iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		s.mu.Lock()
		end := s.next
		s.mu.Unlock()
		for at := uint64(0); at < end; {
			events, next, err := s.pendingFrom(at)
			if err != nil && !yield(batcher.StoredEvent{}, fmt.Errorf("spool: %w", err)) {
				return
			}
			for _, e := range events {
				if e.ID < end && !yield(e, nil) {
					return
				}
			}
			at = next
		}
	}
}

// pendingFrom reads the first segment that begins at an id or behind it, and returns where to go on.
func (s *Spool) pendingFrom(id uint64) ([]batcher.StoredEvent, uint64, error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	at, _ := slices.BinarySearchFunc(s.segments, id, func(seg *segment, id uint64) int { return cmp.Compare(seg.first, id) })
	if at == len(s.segments) {
		return nil, ^uint64(0), nil
	}
	events, err := s.segments[at].pending()
	return events, s.segments[at].first + 1, err
}
