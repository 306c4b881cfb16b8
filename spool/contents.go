package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A directory as it is found: segments, stages, and what of them waits.

var stageNames = [...]string{"stage-a", "stage-b"}

// contents is what is in a directory, read without a change.
type contents struct {
	segments   []*segment
	stages     []Damage // those that cannot be read
	staged     []*batch // without what is in the segments already
	generation uint64   // the greatest
	committed  uint64   // ids below it are in segments, or were
	next       uint64   // id
}

func load(dir string) (*contents, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	c := &contents{committed: 1, next: 1}
	for _, entry := range names { // sorted, and the numbers have leading zeros
		first, ok := firstOf(entry.Name())
		if !ok {
			continue
		}
		seg, err := loadSegment(dir, first)
		if err != nil {
			return nil, err
		}
		c.segments = append(c.segments, seg)
		c.committed = max(c.committed, first, seg.last+1)
		c.next = max(c.next, c.committed, seg.named+1)
	}
	for _, name := range stageNames {
		path := filepath.Join(dir, name)
		mem, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil && refused(err):
			return nil, err
		case err != nil:
			c.stages = append(c.stages, Damage{Path: path, Err: err})
			continue
		}
		b := batchOf(mem).from(c.committed)
		c.generation = max(c.generation, b.generation)
		// A power cut may take an event and leave a note about it. The note must not be taken for one about another event.
		for _, id := range slices.Concat(b.ids, b.sending, b.settled) {
			if id < c.committed+idSpan {
				c.next = max(c.next, id+1)
			}
		}
		c.staged = append(c.staged, b)
	}
	slices.SortFunc(c.staged, func(a, b *batch) int { return cmp.Compare(a.generation, b.generation) })
	for _, b := range c.staged { // their notes say what waits in the segments
		for _, seg := range c.segments {
			seg.note(b.sending, b.settled)
		}
	}
	return c, nil
}

// firstOf returns the first id of a segment, which is its file's name.
func firstOf(name string) (first uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, ".spool")
	if !ok || len(digits) != 16 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 16, 63)
	return first, err == nil && first > 0
}

// from returns the batch without the events before an id: they are in a segment, or were and are settled.
func (b *batch) from(id uint64) *batch {
	out := &batch{generation: b.generation, sending: b.sending, settled: b.settled}
	for r, raw := range b.records() {
		if r.event.ID >= id {
			out.add(r, raw)
			out.open = false // where one was left out, the next does not stand right behind
		}
	}
	return out
}
