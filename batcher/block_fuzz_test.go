package batcher

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The block under random operations, beside a plain list of events.

var padding = strings.Repeat("x", 9000)

// splitter is a run of one player's events and everything that may happen to it on its way: it is built from the bytes of a fuzz
// input, of which every step takes the next one.
type splitter struct {
	t      *testing.T
	input  []byte
	lane   *lane
	want   []item // every event that was added, its time as the batcher keeps it: to the millisecond
	bad    map[int]bool
	gone   []int // the numbers of the events that left, in order
	byKind bool  // a cut by something else than the place was made
}

// FuzzSplitter cuts blocks as 400s, 413s, probes, expiry and at-most-once do, at random, until every event stands alone or is let
// through: none is lost, none comes twice, their order and times hold, and events and bytes are counted right all the way.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{3, 0, 0, 5, 1, 9, 8, 2, 255}, []byte{0})
	f.Add([]byte(strings.Repeat("\x01\x07\x80", 200)), []byte{0, 1, 2, 3, 4, 5})
	f.Add([]byte(strings.Repeat("\xff\xff\xff\x03\x00\x01", 60)), []byte{1, 0, 255, 7, 2, 2, 2})
	f.Add([]byte(strings.Repeat("\x10\xf0\x02", 199)), []byte{3, 3, 3, 3, 4, 200, 1})
	f.Add([]byte(strings.Repeat("\x10\x20\x61\x08\x30\x22", 60)), []byte{2, 5, 170, 1, 0, 4, 9}) // with ids
	f.Fuzz(func(t *testing.T, events, cuts []byte) {
		s := &splitter{t: t, input: events, lane: &lane{}, bad: map[int]bool{}}
		s.fill()
		s.check()
		s.input = cuts
		for s.lane.head != nil {
			s.step()
			s.check()
		}
		if s.byKind { // these cuts send later events earlier
			slices.Sort(s.gone)
		}
		for n := range s.want {
			if len(s.gone) != len(s.want) || s.gone[n] != n {
				t.Fatalf("of %d events these left: %v", len(s.want), s.gone)
			}
		}
	})
}

// next takes a byte of the input, 0 where there is none any more.
func (s *splitter) next() int {
	if len(s.input) == 0 {
		return 0
	}
	b := s.input[0]
	s.input = s.input[1:]
	return int(b)
}

// fill adds up to 200 events in blocks of up to 64: each takes its size, its age and its kind from the input.
func (s *splitter) fill() {
	clock := int64(time.Hour)
	for len(s.input) > 0 && len(s.want) < 200 {
		size, ahead, kind := s.next(), s.next(), s.next()
		n := len(s.want)
		pad := size / 4
		if size == 255 {
			pad = 9000 // larger than any chunk
		}
		text := fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, n, padding[:pad])
		clock += int64(ahead) * int64(ahead) * int64(time.Microsecond) * 37 // up to 2.4 s, seldom whole milliseconds
		accepted := clock
		if kind&8 != 0 {
			accepted -= int64(ahead) * int64(time.Millisecond) // another goroutine looked at the clock earlier
		}
		if s.lane.tail == nil || s.lane.tail.events >= 1+kind>>2 {
			b := &block{born: accepted, likeLast: kind&16 != 0, stored: kind&32 != 0}
			if s.lane.tail == nil {
				s.lane.head = b
			} else {
				s.lane.tail.next = b
			}
			s.lane.tail = b
		}
		tail := s.lane.tail
		tail.add(text, accepted, kind&1 != 0)
		age := max(accepted-tail.born, 0) / int64(time.Millisecond) * int64(time.Millisecond)
		want := item{json: text, accepted: tail.born + age, once: kind&1 != 0}
		if tail.stored && kind&64 != 0 {
			want.stored, want.id = true, ^uint64(n)
			tail.label(want.id)
		}
		s.want = append(s.want, want)
		s.bad[n] = kind&2 != 0
		s.lane.events++
		s.lane.bytes += len(text)
		if tail.events%3 == 0 {
			tail.attempts, tail.doubts = tail.events, tail.events/3
		}
	}
}

// step does to the first block what an answer does: it leaves, or it is cut.
func (s *splitter) step() {
	head := s.lane.head
	bad := slices.ContainsFunc(slices.Collect(head.items()), func(i item) bool { return s.bad[s.number(i)] })
	switch choice := s.next() % 6; {
	case choice == 1 && head.events > 1: // by bytes, as after a 413
		s.cutAt(head.half())
	case choice == 2 && head.events > 1: // a probe
		s.cutAt(1)
	case choice == 3: // at most once
		s.byKind = true
		s.cut(func(_ int, i item) bool { return i.once })
	case choice == 4: // by age
		s.byKind = true
		oldest := head.born + int64(s.next())*int64(20*time.Millisecond)
		s.cut(func(_ int, i item) bool { return i.accepted <= oldest })
	case choice == 5: // anyhow
		s.byKind = true
		mask := s.next()
		s.cut(func(n int, _ item) bool { return mask>>(n%8)&1 != 0 })
	case bad && head.events > 1: // refused: cut in two, as after a 400
		s.cutAt(head.events / 2)
	default: // delivered, or the bad event that stands alone is rejected
		s.leave()
	}
}

// leave takes the first block out, as a result does, and looks at what is sent of it and told of it.
func (s *splitter) leave() {
	base := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	head := s.lane.head
	lent, copied := head.records(base, false), head.records(base, true)
	body := []byte("[")
	for n, i := range slices.Collect(head.items()) {
		number := s.number(i)
		s.gone = append(s.gone, number)
		want := s.want[number]
		body = append(append(body, want.json...), ',')
		for _, r := range []Record{lent[n], copied[n]} {
			if string(r.JSON) != string(want.json) || !r.Accepted.Equal(base.Add(time.Duration(want.accepted))) {
				s.t.Fatalf("event %d: the record says %s of %.40s, want %s", number, r.Accepted, r.JSON, base.Add(time.Duration(want.accepted)))
			}
		}
	}
	body = append(body[:len(body)-1], "]}"...)
	if got := head.appendTo([]byte("[")); string(got) != string(body) {
		s.t.Fatalf("a body of %d bytes, want %d, or they differ", len(got), len(body))
	}
	if room := make([]byte, 1, 1+head.size()); cap(head.appendTo(room)) != cap(room) {
		s.t.Fatalf("a body of %d bytes does not fit in the %d of its size", len(body), cap(room))
	}
	s.lane.removeHeadLocked()
	head.free()
}

// cutAt cuts before the n-th event of the first block: both sides have some.
func (s *splitter) cutAt(at int) {
	head := s.lane.head
	if at < 1 || at >= head.events {
		s.t.Fatalf("a cut of %d events at %d", head.events, at)
	}
	s.cut(func(n int, _ item) bool { return n < at })
	if s.lane.head.events != at {
		s.t.Fatalf("%d events stand before the cut at %d", s.lane.head.events, at)
	}
}

// cut cuts the first block and looks at what came of it.
func (s *splitter) cut(first func(n int, i item) bool) {
	whole := s.lane.head
	before := slices.Collect(whole.items())
	for i := range before {
		before[i].json = slices.Clone(before[i].json) // the chunks are used again after the cut
	}
	attempts, doubts, next, waits := whole.attempts, whole.doubts, whole.next, newBarrier()
	whole.barriers = []*barrier{waits}
	s.lane.cutLocked(first)
	a := s.lane.head
	if a == whole {
		for n, i := range before {
			if first(n, i) != first(0, before[0]) {
				s.t.Fatal("both sides had events, and nothing was cut")
			}
		}
		return
	}
	z := a.next
	if z.next != next || len(a.barriers) != 0 || !slices.Equal(z.barriers, []*barrier{waits}) {
		s.t.Fatal("what comes behind the parts, and what waits for them, is not what came behind the whole")
	}
	for _, part := range []*block{a, z} {
		if !part.sealed || part.attempts != attempts || part.doubts != doubts {
			s.t.Fatalf("sealed %t, attempts %d, doubts %d", part.sealed, part.attempts, part.doubts)
		}
	}
	var left, right []item
	for n, i := range before {
		if first(n, i) {
			left = append(left, i)
		} else {
			right = append(right, i)
		}
	}
	s.same(a, left)
	s.same(z, right)
}

// same holds the events of a block against what they must be.
func (s *splitter) same(b *block, want []item) {
	got := slices.Collect(b.items())
	if !slices.EqualFunc(got, want, func(a, b item) bool {
		return string(a.json) == string(b.json) && a.accepted == b.accepted && a.once == b.once && a.id == b.id
	}) {
		s.t.Fatalf("a block has %d events, want %d, or they differ", len(got), len(want))
	}
}

// check holds all blocks against what was added: the counts of events and bytes, every event's time and kind, and the block's own time.
func (s *splitter) check() {
	events, bytes := 0, 0
	var last *block
	for b := s.lane.head; b != nil; b = b.next {
		n, size := 0, 0
		for i := range b.items() {
			want := s.want[s.number(i)]
			if len(i.json) != len(want.json) || i.accepted != want.accepted || i.once != want.once || i.stored != want.stored || i.id != want.id {
				s.t.Fatalf("event %d: accepted at %d, once %t, id %d, want %d, %t, %d",
					s.number(i), i.accepted, i.once, i.id, want.accepted, want.once, want.id)
			}
			if i.accepted < b.born {
				s.t.Fatalf("event %d: accepted at %d, before its block was born at %d", s.number(i), i.accepted, b.born)
			}
			n++
			size += len(i.json)
		}
		if n == 0 || n != b.events || size != b.bytes {
			s.t.Fatalf("a block counts %d events of %d bytes and has %d of %d", b.events, b.bytes, n, size)
		}
		events, bytes, last = events+n, bytes+size, b
	}
	if events != s.lane.events || bytes != s.lane.bytes || last != s.lane.tail || events+len(s.gone) != len(s.want) {
		s.t.Fatalf("the lane counts %d events of %d bytes and has %d of %d; %d left of %d",
			s.lane.events, s.lane.bytes, events, bytes, len(s.gone), len(s.want))
	}
}

// number reads the number with which an event's JSON begins.
func (s *splitter) number(i item) int {
	text, _, _ := strings.Cut(string(i.json[:min(len(i.json), 12)]), ",")
	n, err := strconv.Atoi(strings.TrimPrefix(text, `{"n":`))
	if err != nil || n < 0 || n >= len(s.want) {
		s.t.Fatalf("none of the events: %.40s", i.json)
	}
	return n
}
