package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/playline/playline-go/batcher"
)

// View is a directory for reading. It changes nothing, even if the directory is damaged. No process
// can Open the directory while the View is open.
type View struct {
	Files  []File
	Damage []Damage

	dir      *directory
	dead     *dead
	segments []*segment
	staged   []batcher.StoredEvent
}

// File describes the content of a file.
type File struct {
	Name    string
	GameID  string // of its events; "" where an earlier version wrote the file, or it holds none
	Events  int    // that were written to it
	Waiting int    // of these, not settled
	InDoubt int    // of these, noted as about to be sent
	Bytes   int64  // on the disk
}

// Inspect reads a whole directory. It fails if a process has it open (ErrInUse), and if it is not a
// spool.
func Inspect(dir string) (*View, error) {
	held, err := openDirectory(dir, true)
	if err != nil {
		return nil, err
	}
	c, err := load(held, new(scratch))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool: cannot read %s: %w", held.path, err), held.close())
	}
	letters := &dead{dir: held}
	if err := letters.open(os.O_RDONLY); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("spool: %w", err), c.leave(), held.close())
	}
	v := &View{dir: held, dead: letters, segments: c.segments, Damage: c.stages}
	for _, s := range c.segments {
		v.Files = append(v.Files, fileOf(s))
		if s.damage != nil {
			v.Damage = append(v.Damage, Damage{Path: s.path, Err: s.damage, Salvaged: s.members.left})
		}
	}
	v.stage(c)
	return v, nil
}

func fileOf(s *segment) File {
	f := File{Name: filepath.Base(s.path), GameID: s.game, Events: s.members.size, Waiting: s.members.left, InDoubt: s.members.inDoubt()}
	if info, err := os.Lstat(s.path); err == nil {
		f.Bytes = info.Size()
	}
	return f
}

// stage takes in the events that are in the stages alone.
func (v *View) stage(c *contents) {
	f := File{Name: "stages"}
	v.staged = waiting(c.staged)
	for _, b := range c.staged {
		f.Events += b.count()
		f.GameID = cmp.Or(b.game, f.GameID)
	}
	f.Waiting = len(v.staged)
	for _, e := range v.staged {
		if e.InDoubt {
			f.InDoubt++
		}
	}
	if f.Events > 0 {
		f.Bytes = 2 * stageBytes
		v.Files = append(v.Files, f)
	}
}

// Events walks the waiting events in the order of the ids. An error concerns one file, and the walk
// continues after it.
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

// DeadLetters walks the events that batchers gave up, in the order in which they came.
func (v *View) DeadLetters() iter.Seq2[DeadLetter, error] { return v.dead.all() }

// Close releases the directory.
func (v *View) Close() (err error) {
	for _, s := range v.segments {
		err = errors.Join(err, s.leave())
	}
	return errors.Join(err, v.dead.close(), v.dir.close())
}
