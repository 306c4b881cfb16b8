package spool

import (
	"errors"
	"fmt"
	"iter"

	"github.com/playline/playline-go/batcher"
)

// batchOf reads the records in a stage's bytes, up to the first incomplete one. There the process
// died, or nothing was written. The ids in a stage are consecutive, so a record with another id is
// not from a spool. The error reports bytes that a dead process cannot have left. The batch has the
// records before them.
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
				return b, fmt.Errorf("event %d follows event %d", r.event.ID, b.last())
			}
			b.add(r, mem[at:at+n])
		}
		at += n
	}
	return b, err
}

// batch holds the records that one commit writes.
type batch struct {
	generation uint64
	game       string // of its events
	chunks     []chunk
	ids        []run // of the events, in order
	sending    []run
	settled    []run
	open       bool // the last chunk may grow
}

// chunk is a run of event records under one key. The engine puts two of them into a run of pages if
// they are larger than a page. Two full ones leave little of four pages unused.
type chunk struct {
	first uint64
	ids   int
	data  []byte
}

const chunkBytes = 8160

// add adds a record that directly follows the previous one.
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

// first returns the smallest id of the events. The batch must have one.
func (b *batch) first() uint64 { return b.ids[0].first }

// last returns the greatest id of the events, or 0 without events.
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

// events walks the events. Their bytes belong to the batch.
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
