package spool_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// shelf is a closed directory whose files are damaged in copies of it: three segments with
// branches, some events settled, some sent.
type shelf struct {
	files   map[string][]byte
	names   []string // of the segments
	ids     []uint64
	settled map[uint64]bool
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, spool.Options{Sync: spool.Interval, Every: time.Hour, SegmentBytes: 60_000})
	b := &shelf{files: map[string][]byte{}, settled: map[uint64]bool{}}
	for range 3 {
		from := len(b.ids)
		b.ids = append(b.ids, appendAll(t, s, from, from+1000)...)
		require.NoError(t, s.Close()) // a segment, because a commit is not cut in two
		s = open(t, dir, spool.Options{Sync: spool.Interval, Every: time.Hour, SegmentBytes: 60_000})
		require.NoError(t, s.Sending(t.Context(), b.ids[from:from+40]))
		require.NoError(t, s.Settled(t.Context(), b.ids[from:from+20]))
		for _, id := range b.ids[from : from+20] {
			b.settled[id] = true
		}
	}
	require.NoError(t, s.Close())
	for name, c := range snapshot(t, dir) {
		if strings.HasPrefix(name, "stage-") {
			continue // so that nothing is there a second time
		}
		b.files[name] = c.data
		if strings.HasSuffix(name, ".spool") {
			b.names = append(b.names, name)
		}
	}
	slices.Sort(b.names)
	require.Len(t, b.names, 3)
	return b
}

// lay writes the files into a directory, one of them damaged.
func (b *shelf) lay(t *testing.T, name string, damaged []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for file, data := range b.files {
		if file == name {
			data = damaged
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), data, 0o600))
	}
	return dir
}

// check opens a directory whose segment at an index is damaged, and returns how many of the
// segment's events are back and whether damage was reported. The other segments' events must all be
// there, and nothing that never was.
func (b *shelf) check(t *testing.T, dir string, index int) (back int, reported bool) {
	t.Helper()
	var found []spool.Damage
	s, err := spool.Open(dir, spool.Options{SegmentBytes: 60_000, Every: time.Hour, Report: func(d spool.Damage) { found = append(found, d) }})
	require.NoError(t, err)
	var last uint64
	others := 0
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		assert.Greater(t, e.ID, last)
		last = e.ID
		n, ok := slices.BinarySearch(b.ids, e.ID)
		require.True(t, ok, "never appended: %d %s", e.ID, e.JSON)
		want := numbered(n)
		want.ID, want.InDoubt = e.ID, e.InDoubt
		require.Equal(t, want, e)
		if n/1000 == index {
			back++
			continue
		}
		others++
		assert.False(t, b.settled[e.ID])
		assert.Equal(t, n%1000 < 40, e.InDoubt)
	}
	assert.Equal(t, 2*980, others, "the other files have nothing to do with it")
	id, err := s.Append(t.Context(), numbered(0))
	require.NoError(t, err)
	if index < 2 {
		assert.Greater(t, id, b.ids[2999])
	}
	require.NoError(t, s.Close())
	for _, d := range found {
		assert.FileExists(t, d.Path)
		assert.Contains(t, d.Path, ".damaged")
		assert.Equal(t, back, d.Salvaged)
	}
	assert.LessOrEqual(t, len(found), 1)
	if len(found) == 0 {
		assert.Equal(t, 980, back, "no damage, and nothing is missing")
	}
	return back, len(found) > 0
}

// Random damage of any kind anywhere in a file. Open must end, must not panic and must not fail.
func TestRandomDamage(t *testing.T) {
	b := newShelf(t)
	reported, back := 0, 0
	tried := seeds(t)
	for seed := range uint64(tried) {
		random := rand.New(rand.NewPCG(seed, 7))
		index := random.IntN(3)
		data := slices.Clone(b.files[b.names[index]])
		for range 1 + random.IntN(3) {
			data = mutate(data, random)
		}
		n, damaged := b.check(t, b.lay(t, b.names[index], data), index)
		require.False(t, t.Failed(), "seed %d", seed)
		if damaged {
			reported++
			back += n
		}
	}
	require.Positive(t, reported)
	t.Logf("%d of %d were damage, the others hit what is not in use; %d of 980 events came back on average", reported, tried, back/reported)
}

func mutate(b []byte, r *rand.Rand) []byte {
	at := r.IntN(len(b))
	end := min(len(b), at+1+r.IntN(2*page))
	structure := r.IntN(len(b)/page)*page + r.IntN(80) // where a page says what it is
	switch r.IntN(7) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
	case 1:
		b[structure] ^= 1 << r.IntN(8)
	case 2:
		b[structure] = byte(r.Uint32())
	case 3:
		clear(b[at:end])
	case 4:
		noise(b[at:end], r)
	case 5: // a page where another should be
		copy(somePage(b, r), slices.Clone(somePage(b, r)))
	case 6:
		b = b[:max(3*page, at)]
	}
	return b
}

// branches are the file's pages that lead to others.
func branches(b []byte) (pages [][]byte) {
	for at := 2 * page; at < len(b); at += page {
		if p := b[at : at+page]; binary.NativeEndian.Uint64(p) == uint64(at/page) && binary.NativeEndian.Uint16(p[8:]) == 1 {
			pages = append(pages, p)
		}
	}
	return pages
}

// The pages that lead to the events may be lost, or lead in circles. The events are still there.
func TestDamagedBranch(t *testing.T) {
	b := newShelf(t)
	for name, damage := range map[string]func(branch []byte){
		"zeros":      func(p []byte) { clear(p) },
		"noise":      func(p []byte) { noise(p, rand.New(rand.NewPCG(1, 1))) },
		"to itself":  func(p []byte) { copy(p[16+8:16+16], p[:8]) },
		"empty":      func(p []byte) { clear(p[10:12]) },
		"too many":   func(p []byte) { p[10], p[11] = 0xff, 0xff },
		"far away":   func(p []byte) { binary.NativeEndian.PutUint64(p[16+8:], 1<<40) },
		"to a meta":  func(p []byte) { binary.NativeEndian.PutUint64(p[16+8:], 1) },
		"overflows":  func(p []byte) { binary.NativeEndian.PutUint32(p[12:], 1<<31) },
		"a key away": func(p []byte) { binary.NativeEndian.PutUint32(p[16:], 1<<31) },
		"order":      func(p []byte) { noise(p[page-16:], rand.New(rand.NewPCG(1, 1))); p[12+16+8] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			for index := range 3 {
				data := slices.Clone(b.files[b.names[index]])
				lead := branches(data)
				require.NotEmpty(t, lead)
				for _, p := range lead {
					damage(p)
				}
				back, reported := b.check(t, b.lay(t, b.names[index], data), index)
				assert.True(t, reported)
				assert.Equal(t, 980, back, "every event is in a leaf, and every leaf is whole")
			}
		})
	}
}

// One of the meta pages is lost: the engine would go back by one commit and say nothing.
func TestDamagedMeta(t *testing.T) {
	b := newShelf(t)
	for meta := range 2 {
		for index := range 3 {
			data := slices.Clone(b.files[b.names[index]])
			data[meta*page+40] ^= 1
			back, reported := b.check(t, b.lay(t, b.names[index], data), index)
			assert.True(t, reported)
			assert.Equal(t, 980, back)
		}
	}
}

// The spool finds the next record after a damaged one.
func TestADamagedRecordIsOne(t *testing.T) {
	b := newShelf(t)
	data := slices.Clone(b.files[b.names[1]])
	require.True(t, bytes.Contains(data, []byte(`"n":1500}`)))
	data = bytes.ReplaceAll(data, []byte(`"n":1500}`), []byte(`"n":x500}`)) // a free page may have an older copy
	back, reported := b.check(t, b.lay(t, b.names[1], data), 1)
	assert.True(t, reported)
	assert.Equal(t, 979, back)
}

// An entry that is not a spool's file, or not a file at all, does not keep Open from working.
func TestOddThingsInTheDirectory(t *testing.T) {
	for name, put := range map[string]func(dir string) error{
		"garbage in the lock":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "lock"), []byte("x"), 0o600) },
		"a directory as a stage":   func(dir string) error { return swapForDir(filepath.Join(dir, "stage-a")) },
		"a short stage":            func(dir string) error { return os.Truncate(filepath.Join(dir, "stage-b"), 5) },
		"a directory as a segment": func(dir string) error { return os.Mkdir(filepath.Join(dir, fmt.Sprintf("%016x.spool", 99)), 0o700) },
		"an impossible name":       func(dir string) error { return os.WriteFile(filepath.Join(dir, "ffffffffffffffff.spool"), nil, 0o600) },
		"the id nought":            func(dir string) error { return os.WriteFile(filepath.Join(dir, "0000000000000000.spool"), nil, 0o600) },
		"an unfinished file":       func(dir string) error { return os.Mkdir(filepath.Join(dir, "0000000000000001.spool.tmp"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, spool.Options{})
			appendAll(t, s, 0, 10)
			require.NoError(t, s.Close())
			require.NoError(t, put(dir))
			s = open(t, dir, spool.Options{})
			assert.Len(t, recovered(t, s), 10)
			ids := appendAll(t, s, 10, 11)
			require.NoError(t, s.Close())
			back := recovered(t, open(t, dir, spool.Options{}))
			assert.Len(t, back, 11)
			assert.Equal(t, ids[0], back[10].ID)
		})
	}
}

func swapForDir(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o700)
}
