package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The contents of a directory before any change: segments, stages, and their waiting events.

var stageNames = [...]string{"stage-a", "stage-b"}

// contents is the state of a directory, read without changes.
type contents struct {
	segments   []*segment
	stages     []Damage // those that cannot be read
	staged     batches  // without what is in the segments already
	generation uint64   // the greatest
	committed  uint64   // ids below it are in segments, or were
	next       uint64   // id
}

// readable is a stage that was read.
type readable struct {
	path string
	*batch
}

// batches are in the order of their generations.
type batches []*batch

// last returns the greatest id of their events, or 0 without events.
func (b batches) last() (id uint64) {
	for _, some := range b {
		id = max(id, some.last())
	}
	return id
}

func load(dir *directory, mem *scratch) (_ *contents, err error) {
	names, err := os.ReadDir(dir.path)
	if err != nil {
		return nil, err
	}
	c := &contents{committed: 1, next: 1}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.leave())
		}
	}()
	for _, entry := range names { // sorted, and the numbers have leading zeros
		first, ok := firstOf(entry.Name())
		if !ok {
			continue
		}
		seg, err := loadSegment(dir, first, mem)
		if err != nil {
			return nil, err
		}
		c.segments = append(c.segments, seg)
		c.committed = max(c.committed, first, seg.last()+1)
		c.next = max(c.next, c.committed, seg.named+1)
	}
	var read []readable
	for _, name := range stageNames {
		data, err := readStage(dir, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil && refused(err):
			return nil, err
		case err != nil:
			c.stages = append(c.stages, Damage{Path: dir.at(name), Err: err})
			continue
		}
		all, err := batchOf(data)
		switch {
		case errors.Is(err, ErrNewer):
			return nil, fmt.Errorf("%s: %w", dir.at(name), err)
		case err != nil:
			c.stages = append(c.stages, Damage{Path: dir.at(name), Err: err, Salvaged: all.count()})
		}
		read = append(read, readable{dir.at(name), all})
	}
	slices.SortFunc(read, func(a, b readable) int { return cmp.Compare(a.generation, b.generation) })
	for _, st := range read {
		b := st.from(max(c.committed, c.staged.last()+1))
		if b.count() < st.from(c.committed).count() {
			c.stages = append(c.stages, Damage{Path: st.path, Err: errOrder, Salvaged: b.count()})
		}
		c.generation = max(c.generation, b.generation)
		// A power cut may take an event and leave a note about it. That note must not apply to a
		// later event with the same id.
		for _, ids := range slices.Concat(b.sending, b.settled) {
			if last := ids.end() - 1; last < c.committed+idSpan {
				c.next = max(c.next, last+1)
			}
		}
		c.next = max(c.next, b.last()+1)
		c.staged = append(c.staged, b)
	}
	for _, b := range c.staged { // an id that was never given out is another event's later
		_, b.sending = cutFrom(merged(b.sending), c.next)
		_, b.settled = cutFrom(merged(b.settled), c.next)
	}
	for _, b := range c.staged { // their notes say what waits in the segments
		for _, seg := range c.segments {
			seg.note(b.sending, b.settled)
		}
	}
	return c, nil
}

// readStage returns a stage's bytes.
func readStage(dir *directory, name string) ([]byte, error) {
	f, err := dir.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, stageBytes)
	n, err := io.ReadFull(f, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return data[:n], err
}

// leave closes all open files.
func (c *contents) leave() (err error) {
	for _, seg := range c.segments {
		err = errors.Join(err, seg.leave())
	}
	return err
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

// from returns the batch without the events before an id. These are in a segment, or were there and
// are settled.
func (b *batch) from(id uint64) *batch {
	out := &batch{generation: b.generation, game: b.game, sending: b.sending, settled: b.settled}
	for r, raw := range b.records() {
		if r.event.ID >= id {
			out.add(r, raw)
			out.open = false // after a skipped event, the next does not follow directly
		}
	}
	return out
}
