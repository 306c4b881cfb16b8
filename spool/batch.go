package spool

import (
	"errors"
	"fmt"
	"iter"

	"github.com/playline/playline-go/batcher"
)

// batchOf reads the records of a stage's bytes, up to the first that is not whole: there the process died, or nothing was written. The
// ids of a stage's events follow one another, so a record with another id is none of a spool's. The error is about what cannot have
// been left by a process that died; what was read before is in the batch.
func batchOf(mem []byte) (*batch, error) {
	generation, at, err := stageHeadOf(mem)
	b := &batch{generation: generation}
	seed := seedOf(generation)
	for at < len(mem) {
		r, n, err := readRecord(mem[at:], seed)
		switch {
		case errors.Is(err, errMalformed):
			return b, err
		case err != nil:
			return b, nil
		case r.kind == gameOf:
			if b.count() > 0 && r.game != b.game {
				return b, errors.New("it has events of two games")
			}
			b.game = r.game
		default:
			if (r.kind == event || r.kind == eventOnce) && b.count() > 0 && r.event.ID != b.last()+1 {
				return b, fmt.Errorf("event %d stands behind event %d", r.event.ID, b.last())
			}
			b.add(r, mem[at:at+n])
		}
		at += n
	}
	return b, err
}

// batch is what one commit writes.
type batch struct {
	generation uint64
	game       string // of its events
	chunks     []chunk
	ids        []run // of the events, in order
	sending    []run
	settled    []run
	open       bool // the last chunk may grow
}

// chunk is a run of event records that are stored under one key. The engine puts two of them into a run of pages where they are larger
// than a page; two full ones leave little of four pages unused.
type chunk struct {
	first uint64
	ids   int
	data  []byte
}

const chunkBytes = 8160

// add takes a record that stands right behind the one before it.
func (b *batch) add(r record, raw []byte) {
	switch r.kind {
	case sending:
		b.sending = append(b.sending, r.ids...)
		b.open = false
	case settled:
		b.settled = append(b.settled, r.ids...)
		b.open = false
	default:
		b.ids = addRun(b.ids, run{r.event.ID, 1})
		if b.open {
			if c := &b.chunks[len(b.chunks)-1]; len(c.data)+len(raw) <= chunkBytes {
				c.data = c.data[:len(c.data)+len(raw)]
				c.ids++
				return
			}
		}
		b.chunks = append(b.chunks, chunk{r.event.ID, 1, raw})
		b.open = true
	}
}

// first returns the smallest id of the events, of which there is one.
func (b *batch) first() uint64 { return b.ids[0].first }

// last returns the greatest id of the events, 0 where there is none.
func (b *batch) last() uint64 {
	if len(b.ids) == 0 {
		return 0
	}
	return b.ids[len(b.ids)-1].end() - 1
}

// count returns how many events there are.
func (b *batch) count() int { return int(count(b.ids)) }

// records walks the records of the events, and their bytes.
func (b *batch) records() iter.Seq2[record, []byte] {
	return func(yield func(record, []byte) bool) {
		seed := seedOf(b.generation)
		for _, c := range b.chunks {
			for rest := c.data; len(rest) > 0; {
				r, n, err := readRecord(rest, seed)
				if err != nil || !yield(r, rest[:n:n]) { // it was read without an error a moment ago
					return
				}
				rest = rest[n:]
			}
		}
	}
}

// events walks the events. Their bytes are the batch's.
func (b *batch) events() iter.Seq[batcher.StoredEvent] {
	return func(yield func(batcher.StoredEvent) bool) {
		for r := range b.records() {
			r.event.GameID = b.game
			if !yield(r.event) {
				return
			}
		}
	}
}
