package spool

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// FuzzReadRecord: whatever the bytes are, what is read can be written again, and reads the same;
// and nothing is read beyond them.
func FuzzReadRecord(f *testing.F) {
	e := batcher.StoredEvent{UserID: "ace", Accepted: time.UnixMilli(5), JSON: []byte(`{"type":"GameEnd"}`), Once: true}
	const generation = 3
	seed := seedOf(generation)
	f.Add(appendEvent(nil, seed, 7, &e), uint64(generation))
	f.Add(appendNotes(nil, seed, sending, []run{{4, 3}, {2, 1}, {9, 1}}), uint64(generation))
	f.Add(appendNotes(appendEvent(nil, seed, 1<<40, &e), seed, settled, []run{{1, 1 << 40}}), uint64(generation))
	f.Add(append([]byte{0}, appendEvent(nil, seed, 7, &e)...), uint64(generation))
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, generation uint64) {
		seed := seedOf(generation)
		// A body of any kind, with its checksum.
		fits := appendRecord(nil, seed, len(b), func(dst []byte) []byte { return append(dst, b...) })
		for _, in := range [][]byte{b, fits} {
			r, n, err := readRecord(in, seed)
			if err != nil {
				assert.Zero(t, n)
				continue
			}
			require.LessOrEqual(t, n, len(in))
			require.Positive(t, n)
			again, m, err := readRecord(in[:n:n], seed)
			require.NoError(t, err, "it needs no more than its own bytes")
			require.Equal(t, n, m)
			require.Equal(t, r, again)
			_, _, err = readRecord(in[:n-1], seed)
			require.Error(t, err, "and no less")
			switch r.kind {
			case event, eventOnce:
				if r.event.Accepted.UnixMilli() < 0 {
					continue // never written
				}
				back, _, err := readRecord(appendEvent(nil, seed, r.event.ID, &r.event), seed)
				require.NoError(t, err)
				require.Equal(t, r.event, back.event)
			case gameOf:
				back, _, err := readRecord(appendGame(nil, seed, r.game), seed)
				require.NoError(t, err)
				require.Equal(t, r.game, back.game)
			default:
				require.LessOrEqual(t, len(r.ids), noteRuns)
				back, _, err := readRecord(appendNote(nil, seed, r.kind, r.ids), seed)
				require.NoError(t, err)
				require.Equal(t, r.ids, back.ids)
			}
		}
		_ = records(b, seed, func(r record, n int) { require.Positive(t, n) })
	})
}

// FuzzStage: a stage whose tail is torn gives the whole records before it, in order, and never one
// that was not written.
func FuzzStage(f *testing.F) {
	f.Add(uint8(5), uint16(70), []byte("torn"))
	f.Add(uint8(0), uint16(0), []byte{})
	f.Add(uint8(200), uint16(8), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, events uint8, at uint16, tear []byte) {
		const generation = 9
		mem := appendStageHead(nil, generation)
		ends := []int{len(mem)}
		for n := range uint64(events) {
			e := batcher.StoredEvent{ID: n + 1, UserID: "ace", Accepted: time.UnixMilli(int64(n)), JSON: make([]byte, n)}
			mem = appendEvent(mem, seedOf(generation), e.ID, &e)
			ends = append(ends, len(mem))
		}
		torn := slices.Concat(mem, make([]byte, 64))
		from := min(stageHead+int(at), len(torn))
		changed := len(torn)
		for i, c := range tear {
			if from+i < len(torn) && torn[from+i] != c {
				changed = min(changed, from+i)
				torn[from+i] = c
			}
		}
		b, err := batchOf(torn)
		require.NoError(t, err)
		whole := 0
		for whole < int(events) && ends[whole+1] <= changed {
			whole++
		}
		require.Equal(t, whole, b.count())
		if whole > 0 {
			require.Equal(t, []run{{1, uint64(whole)}}, b.ids)
		}
	})
}

// FuzzPages: no file leads the reader beyond it, or round in a circle.
func FuzzPages(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(dir, Options{Sync: Interval, Every: time.Hour})
	require.NoError(f, err)
	for n := range uint64(300) {
		_, err := s.Append(f.Context(), batcher.StoredEvent{UserID: "ace", JSON: make([]byte, 100+n)})
		require.NoError(f, err)
	}
	require.NoError(f, s.Close())
	sound, err := os.ReadFile(filepath.Join(dir, "0000000000000001.spool"))
	require.NoError(f, err)
	f.Add(uint32(0), []byte{}, uint32(0), []byte{})
	f.Add(uint32(4096*3+8), []byte{1, 0, 255, 255}, uint32(4096*5+8), []byte{1})
	f.Add(uint32(4096*4+16), []byte{2, 0, 0, 0, 0, 0, 0, 0}, uint32(20), []byte{9})
	f.Fuzz(func(t *testing.T, at uint32, change []byte, at2 uint32, change2 []byte) {
		file := append([]byte(nil), sound...)
		copy(file[int(at)%len(file):], change)
		copy(file[int(at2)%len(file):], change2)
		p, err := pagesOf(file)
		if err != nil {
			return
		}
		visited := 0
		visit := func(_, value []byte) { visited += 1 + len(value) }
		visits := func(key, value []byte) error { visit(key, value); return nil }
		buckets, err := p.buckets()
		if err == nil {
			for _, b := range buckets {
				_ = p.values(b, visits)
			}
			require.Less(t, visited, 2*len(file), "nothing is visited twice")
		}
		visited = 0
		p.leaves(visit)
		require.Less(t, visited, 6*len(file), "nor is much where the tree does not lead")
	})
}
