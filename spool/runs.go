package spool

import (
	"cmp"
	"slices"
)

// run is a range of consecutive ids. A note of a few bytes can name thousands of ids, so the spool
// keeps and compares ids as runs. A note therefore costs time and memory by its bytes on the disk,
// and not by its number of ids.
type run struct{ first, n uint64 }

// end is the id behind the last.
func (r run) end() uint64 { return r.first + r.n }

// maxID bounds ids, so that no sum of them overflows. It is never reached: at a million events per
// second it takes 146,000 years.
const maxID = 1 << 62

// addRun appends a run, or extends the last one if the new one continues it.
func addRun(runs []run, r run) []run {
	if n := len(runs); n > 0 && runs[n-1].end() == r.first {
		runs[n-1].n += r.n
		return runs
	}
	return append(runs, r)
}

// runsOf returns ids as runs, in their order.
func runsOf(ids []uint64) (runs []run) {
	for _, id := range ids {
		runs = addRun(runs, run{id, 1})
	}
	return runs
}

// merged sorts runs and joins those that meet. It changes the slice.
func merged(runs []run) []run {
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.first, b.first) })
	out := runs[:0]
	for _, r := range runs {
		if n := len(out); n > 0 && r.first <= out[n-1].end() {
			out[n-1].n = max(out[n-1].end(), r.end()) - out[n-1].first
			continue
		}
		out = append(out, r)
	}
	return out
}

// find returns the first run that ends behind an id. The runs are merged.
func find(runs []run, id uint64) int {
	at, _ := slices.BinarySearchFunc(runs, id, func(r run, id uint64) int {
		if r.end() <= id {
			return -1
		}
		return 1
	})
	return at
}

// holds reports whether an id is in merged runs.
func holds(runs []run, id uint64) bool {
	at := find(runs, id)
	return at < len(runs) && runs[at].first <= id
}

// cutFrom cuts merged runs in two: the ids that are not smaller than one, and the others.
func cutFrom(runs []run, id uint64) (from, before []run) {
	at := find(runs, id)
	if at == len(runs) || runs[at].first >= id {
		return runs[at:], runs[:at:at]
	}
	r := runs[at]
	before = slices.Concat(runs[:at], []run{{r.first, id - r.first}})
	from = slices.Concat([]run{{id, r.end() - id}}, runs[at+1:])
	return from, before
}

// count returns how many ids there are.
func count(runs []run) (n uint64) {
	for _, r := range runs {
		n += r.n
	}
	return n
}
