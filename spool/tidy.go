package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/playline/playline-go/batcher"
)

// tidy frees space: it removes files without a waiting event, and rewrites one with few. It sets
// damaged files aside. The caller holds the disk's mutex.
func (s *Spool) tidy() error {
	failed := s.mendLast()
	kept := s.segments[:0:0]
	rewritten := false
	for i, seg := range s.segments {
		last := i == len(s.segments)-1
		var err error
		switch {
		case seg.damage != nil && last: // it could not be set aside
		case seg.damage != nil:
			seg, err = s.setAside(seg)
		case last:
			seg, err = s.retire(seg, &kept)
		case seg.members.left == 0:
			seg, err = s.remove(seg)
		case !rewritten && seg.members.left < seg.members.size/4:
			rewritten = true // one at a time: others wait for the commit meanwhile
			seg, err = s.shrink(seg)
		}
		failed = errors.Join(failed, err)
		if seg != nil {
			kept = append(kept, seg)
		}
	}
	s.segments = kept
	return failed
}

// retire removes the last segment if all of it is settled and the removal is worthwhile. It creates
// the next one first. Its name protects the ids from reuse after a power cut, when a stage may have
// its old content.
func (s *Spool) retire(seg *segment, kept *[]*segment) (*segment, error) {
	if seg.members.left > 0 || seg.stray || seg.bytes == 0 || seg.bytes < s.opts.SegmentBytes/8 && !s.short {
		return seg, nil
	}
	fresh, err := createSegment(s.dir, seg.last()+1, &batch{game: seg.game})
	if err != nil {
		return seg, err
	}
	still, err := s.remove(seg)
	if still != nil {
		*kept = append(*kept, still)
	}
	return fresh, err
}

// remove deletes a segment's file. On an error it is tried again after the next commit.
func (s *Spool) remove(seg *segment) (*segment, error) {
	if err := seg.close(); err != nil {
		return seg, err
	}
	if err := os.Remove(seg.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return seg, err
	}
	s.freed(seg.bytes)
	// Notes about a file that goes are not written. Without sync a power cut could bring it back
	// without them.
	return nil, errors.Join(seg.leave(), s.dir.sync())
}

// freed takes bytes off the size that MaxBytes bounds.
func (s *Spool) freed(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size -= bytes
}

// shrink makes a segment smaller. It sets the file aside if it finds it damaged.
func (s *Spool) shrink(seg *segment) (*segment, error) {
	waiting, err := seg.pending()
	switch {
	case err != nil:
		return seg, err
	case seg.damage != nil:
		return s.setAside(seg)
	}
	return s.rewrite(seg, waiting)
}

// rewrite replaces a segment's file by one with only the waiting events. The name is the same, so
// at every moment one of the two files exists, and rewrite returns that one. It closes the old file
// before the replacement, so that no later note goes to a file without a name. Windows cannot
// replace an open file, either.
func (s *Spool) rewrite(seg *segment, waiting []batcher.StoredEvent) (*segment, error) {
	if err := seg.close(); err != nil {
		return seg, err
	}
	s.mu.Lock()
	s.generation++
	generation := s.generation
	s.mu.Unlock()
	smaller, err := createSegment(s.dir, seg.first, repack(waiting, generation, seg.game))
	if smaller == nil {
		return seg, err
	}
	s.freed(seg.bytes - smaller.bytes)
	return smaller, errors.Join(err, seg.leave())
}

// mendLast sets the last segment aside if it is damaged. It creates the next one first. Its name
// protects the ids from reuse; after a segment without events it has the same name.
func (s *Spool) mendLast() error {
	n := len(s.segments) - 1
	if n < 0 || s.segments[n].damage == nil {
		return nil
	}
	bad := s.segments[n]
	var next *segment
	if bad.last() >= bad.first {
		var err error
		if next, err = createSegment(s.dir, bad.last()+1, &batch{game: bad.game}); next == nil {
			return err
		}
	}
	copied, err := s.setAside(bad)
	if next == nil && copied != bad {
		var nextErr error
		next, nextErr = createSegment(s.dir, bad.last()+1, &batch{game: bad.game})
		err = errors.Join(err, nextErr)
	}
	s.segments = s.segments[:n:n]
	for _, seg := range []*segment{copied, next} {
		if seg != nil {
			s.segments = append(s.segments, seg)
		}
	}
	return err
}

// setAside gives a damaged file another name, and writes the readable events to a new one. On an
// error the file stays in its place, the readable events stay in memory, and the next commit tries
// again.
func (s *Spool) setAside(seg *segment) (*segment, error) {
	waiting, err := seg.pending()
	if err != nil {
		return seg, err
	}
	report := Damage{Path: seg.path, Err: seg.damage, Salvaged: len(waiting)}
	if !seg.reported {
		defer func() { s.opts.Report(report) }()
		seg.reported = true
	}
	aside := seg.path + ".damaged"
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.damaged-%d", seg.path, n)
	}
	if len(waiting) == 0 {
		if err := errors.Join(seg.close(), os.Rename(seg.path, aside)); err != nil {
			return seg, err
		}
		s.freed(seg.bytes)
		report.Path = aside
		return nil, errors.Join(seg.leave(), s.dir.sync())
	}
	// The copy takes the damaged file's name at the end, so that one that is cut short is made
	// again. Its own name stays meanwhile.
	if err := seg.secondName(aside); err != nil {
		return seg, err
	}
	copied, err := s.rewrite(seg, waiting)
	if copied == seg {
		return seg, errors.Join(err, os.Remove(aside))
	}
	report.Path = aside
	return copied, err
}

// secondName gives the file a second name. Not all file systems have hard links.
func (s *segment) secondName(path string) error {
	linkErr := os.Link(s.path, path)
	if linkErr == nil {
		return nil
	}
	f, err := s.dir.open(s.name, os.O_RDONLY)
	if err != nil {
		return errors.Join(linkErr, err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err == nil {
		err = s.dir.write(filepath.Base(path), data)
	}
	if err != nil {
		return errors.Join(linkErr, err)
	}
	return nil
}

// write creates a file with an unused name, and syncs it. On an error the file does not exist.
func (d *directory) write(name string, data []byte) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(d.at(name)))
	}
	return nil
}

// repack makes a batch of events that are already somewhere.
func repack(events []batcher.StoredEvent, generation uint64, game string) *batch {
	b, seed, size := &batch{generation: generation, game: game}, seedOf(generation), 0
	for i := range events {
		size += eventSize(&events[i])
	}
	mem := make([]byte, 0, size) // chunks grow within it
	for i := range events {
		at := len(mem)
		mem = appendEvent(mem, seed, events[i].ID, &events[i])
		b.add(record{kind: event, event: events[i]}, mem[at:])
		if events[i].InDoubt {
			b.sending = addRun(b.sending, run{events[i].ID, 1})
		}
	}
	return b
}
