package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var stageNames = [...]string{"stage-a", "stage-b"}

// contents is what is in a directory, read without a change.
type contents struct {
	segments   []loaded
	staged     []*batch // without what is in the segments already
	generation uint64   // the greatest
	committed  uint64   // ids below it are in segments, or were
	next       uint64   // id
}

type loaded struct {
	*segment
	err error
}

func load(dir string) (*contents, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	c := &contents{next: 1}
	for _, entry := range names { // sorted, and the numbers have leading zeros
		var first uint64
		name, ok := strings.CutSuffix(entry.Name(), ".spool")
		if _, err := fmt.Sscanf(name, "%016x", &first); !ok || len(name) != 16 || err != nil {
			continue
		}
		seg, err := loadSegment(dir, first)
		c.segments = append(c.segments, loaded{seg, err})
		c.next = max(c.next, first, seg.last+1)
	}
	c.committed = c.next
	for _, name := range stageNames {
		mem, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b := batchOf(mem).from(c.committed)
		c.generation = max(c.generation, b.generation)
		if len(b.ids) > 0 {
			c.next = max(c.next, b.ids[len(b.ids)-1]+1)
		}
		c.staged = append(c.staged, b)
	}
	slices.SortFunc(c.staged, func(a, b *batch) int { return cmp.Compare(a.generation, b.generation) })
	return c, nil
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
