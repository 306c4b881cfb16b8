package batcher

import (
	"encoding/binary"
	"iter"
	"math"
	"sync"
	"time"
)

// block is a run of one player's events, encoded, in order: what becomes one request. It grows at its end until it is sealed;
// after that it can only be cut into smaller ones. Its lane's mutex guards it until it is sent, and the sending goroutine owns it then.
//
// The events stand in chunks. Chunks never move and grow in steps, so that a player with few events holds little memory and one
// with many copies nothing.
//
// What Track touches comes first: of a hundred thousand players each one's memory has left the processor's caches when its turn comes.
type block struct {
	last        chunk // that grows
	events      int
	bytes       int   // of JSON, without commas
	born        int64 // when its oldest event was accepted, on the batcher's clock
	came        int64 // when its first event came to this batcher, if that was later: it lingers from then on
	sealed      bool
	hurried     bool // it does not linger, and takes more events until its turn comes
	likeLast    bool // the one before it was large, so this one probably is too
	settling    bool // its result is being told: Close leaves it alone
	stored      bool // its marks have room for the ids in the Store
	noted       bool // the Store was told that it is about to be sent
	lost        bool // an earlier process may have sent it, and it must not be sent again
	full        []chunk
	next        *block
	attempts    int
	failures    int        // requests in a row that failed and may have failed because of it
	passesThen  int64      // how many requests had passed when the first of these failed
	piece       bool       // another part of the same request comes behind it
	unconfirmed int        // events that the answer does not account for
	doubts      int        // attempts that may have arrived
	barriers    []*barrier // wait until this block and all before it are settled
}

// chunk is a piece of memory with events at its front, as they stand in a request's body: each with a comma behind it. At its back, from
// the end towards the front, stands a mark for each.
type chunk struct {
	json   []byte
	events int
}

// A mark is an event's length, with the flags in the top bits, then its age in milliseconds after born, then, with a Store, its id there.
const (
	markSize   = 8
	idSize     = 8
	onceFlag   = 1 << 31
	storedFlag = 1 << 30 // it has an id
	lengthBits = storedFlag - 1
	// maxBlockAge is how much younger than its block an event can be: some 49 days. A parked player's block stays open that long.
	maxBlockAge = int64(math.MaxUint32) * int64(time.Millisecond)
)

// beginsOnce reports whether the first event must not be sent again in doubt.
func (b *block) beginsOnce() bool {
	for c := range b.chunks() {
		return binary.LittleEndian.Uint32(c.mark(0, b.markSize()))&onceFlag != 0
	}
	return false
}

// markSize is how many bytes each of the block's marks has.
func (b *block) markSize() int {
	if b.stored {
		return markSize + idSize
	}
	return markSize
}

// room is how many bytes are left between the events and the marks, which have that size.
func (c *chunk) room(size int) int { return cap(c.json) - len(c.json) - c.events*size }

// mark returns the bytes of an event's mark.
func (c *chunk) mark(event, size int) []byte {
	end := cap(c.json) - event*size
	return c.json[end-size : end : end]
}

// add appends an event's JSON. Accepted is on the batcher's clock.
func (b *block) add(json []byte, accepted int64, once bool) {
	marks := b.markSize()
	need := len(json) + len(",") + marks
	c := &b.last
	if c.room(marks) < need {
		n := len(b.full)
		if c.events > 0 {
			b.full = append(b.full, *c)
			n++
		}
		if b.likeLast {
			n = len(chunkSizes)
		}
		*c = chunk{json: newChunk(n, need)}
	}
	size := uint32(len(json))
	if once {
		size |= onceFlag
	}
	mark := c.mark(c.events, marks)
	binary.LittleEndian.PutUint32(mark, size)
	// Two goroutines can come in another order than they looked at the clock, so an event can seem older than the block.
	binary.LittleEndian.PutUint32(mark[4:], uint32(max(accepted-b.born, 0)/int64(time.Millisecond)))
	c.json = append(append(c.json, json...), ',')
	c.events++
	b.events++
	b.bytes += len(json)
}

// label gives the event that was added last its id in the Store. The block is one that was made for it.
func (b *block) label(id uint64) {
	mark := b.last.mark(b.last.events-1, b.markSize())
	binary.LittleEndian.PutUint32(mark, binary.LittleEndian.Uint32(mark)|storedFlag)
	binary.LittleEndian.PutUint64(mark[markSize:], id)
}

// chunks walks the chunks in order.
func (b *block) chunks() iter.Seq[*chunk] {
	return func(yield func(*chunk) bool) {
		for i := range b.full {
			if !yield(&b.full[i]) {
				return
			}
		}
		if b.last.events > 0 {
			yield(&b.last)
		}
	}
}

// item is one event of a block.
type item struct {
	json     []byte
	accepted int64
	once     bool
	stored   bool   // the Store has it
	id       uint64 // there
}

// items walks the events in order.
func (b *block) items() iter.Seq[item] {
	return func(yield func(item) bool) {
		marks := b.markSize()
		for c := range b.chunks() {
			start := 0
			for event := range c.events {
				mark := c.mark(event, marks)
				size, age := binary.LittleEndian.Uint32(mark), binary.LittleEndian.Uint32(mark[4:])
				end := start + int(size&lengthBits)
				i := item{json: c.json[start:end:end], accepted: b.born + int64(age)*int64(time.Millisecond), once: size&onceFlag != 0}
				if size&storedFlag != 0 {
					i.stored, i.id = true, binary.LittleEndian.Uint64(mark[markSize:])
				}
				if !yield(i) {
					return
				}
				start = end + len(",")
			}
		}
	}
}

// ids returns the ids of the events that the Store has.
func (b *block) ids() []uint64 {
	if !b.stored {
		return nil
	}
	out := make([]uint64, 0, b.events)
	for i := range b.items() {
		if i.stored {
			out = append(out, i.id)
		}
	}
	return out
}

// size is how many bytes appendTo appends.
func (b *block) size() int { return b.bytes + b.events + len("}") }

// appendTo appends the events, with commas between them, and the brackets that close a request.
func (b *block) appendTo(dst []byte) []byte {
	for c := range b.chunks() {
		dst = append(dst, c.json...)
	}
	dst[len(dst)-1] = ']' // in the place of the last comma
	return append(dst, '}')
}

// part returns a sealed block with the events that keep chooses, nil where there are none. What is known of the attempts goes with it.
func (b *block) part(keep func(n int, i item) bool) *block {
	p := &block{
		attempts: b.attempts, doubts: b.doubts, stored: b.stored, noted: b.noted, sealed: true, came: b.came, failures: b.failures, passesThen: b.passesThen,
	}
	// The oldest event need not be the first one, see add, and none may become younger by the cut.
	n, oldest := 0, int64(math.MaxInt64)
	for i := range b.items() {
		if keep(n, i) {
			oldest = min(oldest, i.accepted)
		}
		n++
	}
	p.born, n = oldest, 0
	for i := range b.items() {
		if keep(n, i) {
			p.add(i.json, i.accepted, i.once)
			if i.stored {
				p.label(i.id)
			}
		}
		n++
	}
	if p.events == 0 {
		return nil
	}
	return p
}

// half returns where to split so that both sides have about the same number of bytes.
func (b *block) half() int {
	n, sum := 0, 0
	for i := range b.items() {
		if n > 0 && sum+len(i.json) > b.bytes/2 {
			return n
		}
		sum += len(i.json)
		n++
	}
	return max(n-1, 1)
}

// records returns the events for a caller; base is when the batcher's clock began. copied says whether they may outlive the block.
func (b *block) records(base time.Time, copied bool) []Record {
	out := make([]Record, 0, b.events)
	for i := range b.items() {
		r := Record{Accepted: base.Add(time.Duration(i.accepted)), JSON: i.json}
		if copied {
			r.JSON = append([]byte(nil), i.json...)
		}
		out = append(out, r)
	}
	return out
}

// chunkSizes are the steps in which a block grows. The last one repeats.
var chunkSizes = [...]int{512, 1024, 2048, 4096}

// chunkPool keeps the largest chunks of delivered blocks for new ones.
var chunkPool sync.Pool

// newChunk returns the n-th chunk of a block, with room for an event of that size.
func newChunk(n, need int) []byte {
	size := chunkSizes[min(n, len(chunkSizes)-1)]
	if need > size {
		for _, size = range chunkSizes {
			if need <= size {
				return make([]byte, 0, size)
			}
		}
		return make([]byte, 0, need)
	}
	if size == chunkSizes[len(chunkSizes)-1] {
		if c, ok := chunkPool.Get().(*[4096]byte); ok {
			return c[:0]
		}
	}
	return make([]byte, 0, size)
}

// free gives the chunks back. Nothing may hold the block's bytes any more.
func (b *block) free() {
	for c := range b.chunks() {
		if cap(c.json) == len([4096]byte{}) {
			chunkPool.Put((*[4096]byte)(c.json[:cap(c.json)]))
		}
	}
	b.full, b.last = nil, chunk{}
}
