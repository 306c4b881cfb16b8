package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Open opens a directory, and makes it where there is none. What an earlier process left is put in order first: its stages are
// committed, damaged files are set aside. What is on the disk is no reason not to open: where the disk is full, Recover has all that was
// accepted, and Append says ErrFull until there is room.
//
// It fails when another process has the directory open (ErrInUse), and when the system does not let us read and write there.
func Open(dir string, opts Options) (*Spool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: cannot make the directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs the x
		return nil, fmt.Errorf("spool: cannot keep others out of the directory: %w; where it belongs to another user, give a folder within it", err)
	}
	held, err := lock(dir, false)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: dir, opts: opts, lock: held,
		round: &round{done: make(chan struct{})},
		wake:  make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.prepare(); err != nil {
		err = fmt.Errorf("spool: cannot open %s: %w", dir, err)
		return nil, errors.Join(err, s.release())
	}
	go s.run()
	return s, nil
}

// prepare brings a directory into order.
func (s *Spool) prepare() error {
	names, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range names {
		if strings.HasSuffix(entry.Name(), ".spool.tmp") { // the process died while it made it
			if err := os.RemoveAll(filepath.Join(s.dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	found, err := load(s.dir)
	if err != nil {
		return err
	}
	s.generation, s.next = found.generation+1, found.next
	s.segments, s.backlog, s.reserve = found.segments, found.staged, newReserve(s.dir)
	for _, d := range found.stages {
		aside := d.Path + ".damaged"
		if err := errors.Join(os.RemoveAll(aside), os.Rename(d.Path, aside)); err != nil {
			return err
		}
		s.opts.Report(Damage{Path: aside, Err: d.Err})
	}
	for _, seg := range s.segments {
		s.stored = max(s.stored, seg.last)
		s.size += seg.bytes
	}
	for _, b := range s.backlog {
		for _, c := range b.chunks {
			s.size += int64(len(c.data))
		}
	}
	s.disk.Lock()
	err = described(s.tidy())
	s.disk.Unlock()
	if ready := s.ready(); ready != nil || err != nil {
		s.failure = errors.Join(ready, err)
	}
	if s.failure == nil || errors.Is(s.failure, ErrFull) {
		return nil
	}
	return s.failure
}

// release closes what is open. The committing goroutine does not run, or no longer.
func (s *Spool) release() (err error) {
	for _, seg := range s.segments {
		err = errors.Join(err, seg.close())
	}
	for _, st := range []*stage{s.stage, s.spare} {
		if st != nil {
			err = errors.Join(err, st.close())
		}
	}
	return errors.Join(err, s.lock.Close())
}
