package spool

import (
	"encoding/binary"
	"iter"

	"github.com/playline/playline-go/batcher"
)

// batchOf reads the records of a stage's bytes, up to the first that is not whole: there the process died, or nothing was written.
func batchOf(mem []byte) *batch {
	if len(mem) < stageHead {
		return &batch{}
	}
	b := &batch{generation: binary.BigEndian.Uint64(mem)}
	seed := seedOf(b.generation)
	for at := stageHead; at < len(mem); {
		r, n, err := readRecord(mem[at:], seed)
		if err != nil {
			break
		}
		b.add(r, mem[at:at+n])
		at += n
	}
	return b
}

// batch is what one commit writes.
type batch struct {
	generation uint64
	chunks     []chunk
	ids        []uint64 // of the events
	sending    []uint64
	settled    []uint64
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
		b.ids = append(b.ids, r.event.ID)
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

// last returns the greatest id of the events, 0 where there is none.
func (b *batch) last() uint64 {
	if len(b.ids) == 0 {
		return 0
	}
	return b.ids[len(b.ids)-1]
}

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
			if !yield(r.event) {
				return
			}
		}
	}
}
