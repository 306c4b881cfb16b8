package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/playline/playline-go/batcher"
)

// Files that an operator, or a cleaner of temporary files, removes from the directory while it is
// open.

// ErrRemoved means that somebody removed or replaced files of the open spool, or its directory.
// Append, Sync and Close each return it once. The spool writes the files again. It keeps all its
// files open and therefore loses nothing, except on Windows, where nobody can remove an open file.
// Append fails until the files are written again.
var ErrRemoved = errors.New("files were removed while the spool was open")

// unsaid lists the calls that have not yet reported that files were removed.
type unsaid struct {
	err                  error
	append, sync, closed bool
}

// restore checks whether the names still lead to the open files, and rewrites missing files. It
// returns what it found, and why it could not repair it. It costs one system call per file.
func (s *Spool) restore() (found, failed error) {
	s.disk.Lock()
	defer s.disk.Unlock()
	if gone, err := s.restoreDirectory(); err != nil {
		return err, err
	} else if gone {
		found = fmt.Errorf("spool: the directory %s: %w", s.dir.path, ErrRemoved)
	}
	lost := func(name string) {
		if found == nil {
			found = fmt.Errorf("spool: %s: %w", s.dir.at(name), ErrRemoved)
		}
	}
	all := s.looks() || found != nil
	kept := s.segments[:0:0]
	for i, seg := range s.segments {
		last := i == len(s.segments)-1
		if seg.info == nil || !last && !all || s.dir.leadsTo(seg.name, seg.info) {
			kept = append(kept, seg)
			continue
		}
		lost(seg.name)
		instead, err := s.restoreSegment(seg, last)
		kept = append(kept, instead...)
		failed = errors.Join(failed, err)
	}
	s.segments = kept
	if !s.dir.has(reserveName) {
		s.reserve.whole = false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stages {
		if st == nil || s.dir.leadsTo(st.name, st.info) {
			continue
		}
		lost(st.name)
		failed = errors.Join(failed, st.refile(s.dir))
	}
	return found, described(failed)
}

// looks reports whether the names of all segments are to be looked at, and not only the last one's:
// somebody made or removed a file in the directory, or some time has passed. The directory's own
// time may be too coarse to tell.
func (s *Spool) looks() bool {
	info, err := s.dir.file.Stat()
	if err == nil && info.ModTime().Equal(s.changed) && time.Since(s.looked) < lookEvery {
		return false
	}
	s.looked = time.Now()
	if err == nil {
		s.changed = info.ModTime()
	}
	return true
}

const lookEvery = 100 * time.Millisecond

// restoreSegment rewrites a segment under its own name, from the open file that no longer has a
// name, and returns the replacement. It sets a file aside that took the name. On an error the
// segment stays, and the next commit tries again.
func (s *Spool) restoreSegment(seg *segment, last bool) (instead []*segment, err error) {
	waiting, err := seg.pending()
	if err == nil && s.dir.has(seg.name) {
		err = os.Rename(seg.path, s.dir.unused(seg.name+".damaged"))
	}
	if err != nil {
		return []*segment{seg}, err
	}
	if instead, err = s.rewritten(seg, waiting, last); err == nil {
		s.opts.Report(Damage{Path: seg.path, Err: ErrRemoved, Salvaged: len(waiting)})
	}
	return instead, err
}

// rewritten writes the waiting events of a segment to a new file of its name, and returns the
// replacement. There is no replacement if nothing waits and other segments follow. On an error the
// segment stays.
func (s *Spool) rewritten(seg *segment, waiting []batcher.StoredEvent, last bool) (instead []*segment, err error) {
	s.mu.Lock()
	s.generation++
	b := repack(waiting, s.generation, seg.game)
	s.mu.Unlock()
	held, end := seg.bytes, max(seg.last(), seg.named)+1
	if last && b.last()+1 < end { // its name keeps the ids of what is settled from being given out again
		next, err := createSegment(s.dir, end, &batch{game: seg.game})
		if next == nil {
			return []*segment{seg}, err
		}
		instead = append(instead, next)
	}
	if len(waiting) > 0 {
		fresh, err := createSegment(s.dir, seg.first, b)
		if fresh == nil {
			return append([]*segment{seg}, instead...), err
		}
		instead, held = append([]*segment{fresh}, instead...), held-fresh.bytes
	}
	s.freed(held)
	return instead, seg.leave()
}

// restoreDirectory looks whether the name still leads to the open directory. One that was removed
// is made again.
func (s *Spool) restoreDirectory() (gone bool, err error) {
	now, err := os.Lstat(s.dir.path)
	switch {
	case err == nil && os.SameFile(now, s.dir.info):
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, described(err)
	}
	info, statErr := s.dir.file.Stat()
	if statErr != nil {
		return false, described(statErr)
	}
	if links(info) > 0 { // its files are elsewhere, and another process may send them from there
		return false, fmt.Errorf("spool: %s was moved away: %w; put it back", s.dir.path, ErrRemoved)
	}
	if err == nil { // a directory that somebody made in its place
		if s.dir.isSpool() {
			return false, fmt.Errorf("spool: another spool took the place of %s: %w; move it away", s.dir.path, ErrRemoved)
		}
	}
	fresh, err := openDirectory(s.dir.path, false)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRemoved, err)
	}
	old := *s.dir
	*s.dir = *fresh // segments and the reserve have the pointer
	return true, old.close()
}

// has reports whether a name is there, whatever it leads to.
func (d *directory) has(name string) bool {
	_, err := os.Lstat(d.at(name))
	return err == nil
}

// unused returns a path that nobody has, by a number behind it.
func (d *directory) unused(name string) string {
	path := d.at(name)
	for n := 2; d.has(filepath.Base(path)); n++ {
		path = fmt.Sprintf("%s-%d", d.at(name), n)
	}
	return path
}

// tell records that files were removed, for the calls that have not reported it.
func (s *Spool) tell(found error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid = unsaid{found, true, true, true}
}

// removedLocked returns a removal once per kind of call.
func (s *Spool) removedLocked(toTell *bool) error {
	if !*toTell {
		return nil
	}
	*toTell = false
	return s.unsaid.err
}
