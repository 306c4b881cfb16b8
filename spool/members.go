package spool

import (
	"math/bits"
	"slices"
)

// members are the ids of a segment's events, with two bits each. Their memory depends on the number
// of events, not on the distance of the ids.
type members struct {
	runs []run // in order
	at   []int // of each run, the place of its first id
	size int
	left int    // that are live
	live bitset // not settled
	sent bitset // noted as about to be sent
}

// last returns the greatest id, or 0 without ids.
func (m *members) last() uint64 {
	if len(m.runs) == 0 {
		return 0
	}
	return m.runs[len(m.runs)-1].end() - 1
}

// add adds ids that are all greater than the previous ones. It returns false if they are not.
func (m *members) add(r run) bool {
	if r.n == 0 || m.size > 0 && r.first <= m.last() {
		return r.n == 0
	}
	before := len(m.runs)
	if m.runs = addRun(m.runs, r); len(m.runs) > before {
		m.at = append(m.at, m.size)
	}
	m.live.set(m.size, m.size+int(r.n))
	m.size += int(r.n)
	m.left += int(r.n)
	return true
}

// place returns the index of an id's bits, or -1 if the id is not a member.
func (m *members) place(id uint64) int {
	if at := find(m.runs, id); at < len(m.runs) && m.runs[at].first <= id {
		return m.at[at] + int(id-m.runs[at].first)
	}
	return -1
}

// snapshot returns a copy that no longer changes.
func (m *members) snapshot() members {
	return members{slices.Clone(m.runs), slices.Clone(m.at), m.size, m.left, slices.Clone(m.live), slices.Clone(m.sent)}
}

func (m *members) waits(id uint64) bool {
	at := m.place(id)
	return at >= 0 && m.live.has(at)
}

func (m *members) doubtful(id uint64) bool {
	at := m.place(id)
	return at >= 0 && m.sent.has(at)
}

// each visits the places of those ids that are members.
func (m *members) each(ids []run, visit func(from, to int)) {
	for _, r := range ids {
		for at := find(m.runs, r.first); at < len(m.runs) && m.runs[at].first < r.end(); at++ {
			first, end := max(r.first, m.runs[at].first), min(r.end(), m.runs[at].end())
			visit(m.at[at]+int(first-m.runs[at].first), m.at[at]+int(end-m.runs[at].first))
		}
	}
}

// settle marks ids as settled.
func (m *members) settle(ids []run) {
	m.each(ids, func(from, to int) { m.left -= m.live.clear(from, to) })
}

// doubt marks ids as about to be sent.
func (m *members) doubt(ids []run) {
	m.each(ids, func(from, to int) { m.sent.set(from, to) })
}

// leaves returns how many would wait after these were settled. The ids are merged.
func (m *members) leaves(ids []run) int {
	left := m.left
	m.each(ids, func(from, to int) { left -= m.live.count(from, to) })
	return left
}

// inDoubt returns how many wait and were noted as about to be sent.
func (m *members) inDoubt() (n int) {
	for i := range min(len(m.live), len(m.sent)) {
		n += bits.OnesCount64(m.live[i] & m.sent[i])
	}
	return n
}

// bitset has one bit per place, from 0 on.
type bitset []uint64

func (b bitset) has(at int) bool { return at/64 < len(b) && b[at/64]&(1<<(at%64)) != 0 }

// words visits the words of a range of places, with a mask of those that are in it.
func words(from, to int, visit func(word int, mask uint64)) {
	for word := from / 64; word*64 < to; word++ {
		mask := ^uint64(0)
		if word == from/64 {
			mask <<= from % 64
		}
		if rest := to - word*64; rest < 64 {
			mask &= 1<<rest - 1
		}
		visit(word, mask)
	}
}

func (b *bitset) set(from, to int) {
	for len(*b)*64 < to {
		*b = append(*b, 0)
	}
	words(from, to, func(word int, mask uint64) { (*b)[word] |= mask })
}

func (b bitset) count(from, to int) (n int) {
	words(from, min(to, len(b)*64), func(word int, mask uint64) { n += bits.OnesCount64(b[word] & mask) })
	return n
}

// clear clears bits and returns how many were set.
func (b bitset) clear(from, to int) (n int) {
	n = b.count(from, to)
	words(from, min(to, len(b)*64), func(word int, mask uint64) { b[word] &^= mask })
	return n
}
