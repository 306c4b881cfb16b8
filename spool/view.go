package spool

import (
	"cmp"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/playline/playline-go/batcher"
)

// View is a directory for reading: nothing in it is changed, also where it is damaged. While it is open no process can Open it.
type View struct {
	Files  []File
	Damage []Damage

	lock     *bbolt.DB
	segments []*segment
	staged   []batcher.StoredEvent
}

// File is what a file holds.
type File struct {
	Name    string
	Events  int   // that were written to it
	Waiting int   // of these, not settled
	InDoubt int   // of these, noted as about to be sent
	Bytes   int64 // on the disk
}

// Inspect reads a whole directory. It fails when a process has it open (ErrInUse), and when it is no spool.
func Inspect(dir string) (*View, error) {
	db, err := lock(dir, true)
	if err != nil {
		return nil, err
	}
	c, err := load(dir)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	v := &View{lock: db}
	for _, b := range c.staged { // the notes first: they say what waits in the segments
		for _, l := range c.segments {
			l.note(b.sending, b.settled)
		}
	}
	for _, l := range c.segments {
		v.segments = append(v.segments, l.segment)
		v.Files = append(v.Files, fileOf(l.segment))
		if l.err != nil {
			v.Damage = append(v.Damage, Damage{Path: l.path, Err: l.err, Salvaged: l.left})
		}
	}
	v.stage(c)
	return v, nil
}

func fileOf(s *segment) File {
	f := File{Name: filepath.Base(s.path), Events: s.events, Waiting: s.left}
	if info, err := os.Stat(s.path); err == nil {
		f.Bytes = info.Size()
	}
	for id := s.first; id <= s.last; id++ {
		if s.live.has(id) && s.sent.has(id) {
			f.InDoubt++
		}
	}
	return f
}

// stage takes in the events that are in the stages alone.
func (v *View) stage(c *contents) {
	sent, done := map[uint64]bool{}, map[uint64]bool{}
	for _, b := range c.staged {
		for _, id := range b.sending {
			sent[id] = true
		}
		for _, id := range b.settled {
			done[id] = true
		}
	}
	f := File{Name: "stages"}
	for _, b := range c.staged {
		for e := range b.events() {
			f.Events++
			if done[e.ID] {
				continue
			}
			f.Waiting++
			if e.InDoubt = sent[e.ID]; e.InDoubt {
				f.InDoubt++
			}
			v.staged = append(v.staged, e)
		}
	}
	slices.SortFunc(v.staged, func(a, b batcher.StoredEvent) int { return cmp.Compare(a.ID, b.ID) })
	if f.Events > 0 {
		f.Bytes = 2 * stageBytes
		v.Files = append(v.Files, f)
	}
}

// Events walks what waits, in the order of the ids. An error is one file's, and the walk goes on behind it.
func (v *View) Events() iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		for _, s := range v.segments {
			events, err := s.pending()
			if err != nil && !yield(batcher.StoredEvent{}, err) {
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		}
		for _, e := range v.staged {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Close releases the directory.
func (v *View) Close() error { return v.lock.Close() }
