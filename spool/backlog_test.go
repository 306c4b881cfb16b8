package spool

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

// Records of an earlier process in its stages that cannot be committed at once.

// staged writes a stage file as a process leaves it that is killed.
func staged(t *testing.T, dir, name string, generation byte, events, sent, done []uint64) {
	t.Helper()
	mem := []byte{0, 0, 0, 0, 0, 0, 0, generation}
	seed := seedOf(uint64(generation))
	for _, id := range events {
		e := one(`"staged"`)
		mem = appendEvent(mem, seed, id, &e)
	}
	mem = appendNote(mem, seed, sending, runsOf(sent))
	mem = appendNote(mem, seed, settled, runsOf(done))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), append(mem, make([]byte, stageBytes-len(mem))...), 0o600))
}

// The events can be written, and a note about an event of an older file cannot.
func TestABacklogIsWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	o := Options{SegmentBytes: 2000, Every: time.Hour}
	s, err := Open(dir, o)
	require.NoError(t, err)
	var last uint64
	for range 100 {
		last, err = s.Append(t.Context(), one(`"an event of some length"`))
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	staged(t, dir, "stage-a", 200, []uint64{last + 1, last + 2, last + 3}, []uint64{1}, nil)
	staged(t, dir, "stage-b", 201, []uint64{last + 4}, []uint64{last + 1, last + 2, last + 3}, []uint64{last + 3})

	// As Open has it, before the backlog is committed.
	o, err = o.withDefaults()
	require.NoError(t, err)
	held, err := openDirectory(dir, false)
	require.NoError(t, err)
	found, err := load(held, nil)
	require.NoError(t, err)
	kept, err := newReserve(held)
	require.NoError(t, err)
	s = &Spool{dir: held, opts: o, generation: found.generation + 1, next: found.next, segments: found.segments, backlog: found.staged, reserve: kept}
	other, err := bbolt.Open(s.segments[0].path, 0o600, nil) // it is locked
	require.NoError(t, err)
	require.Error(t, s.ready())
	marks := func() map[uint64]bool {
		marks := map[uint64]bool{}
		for e, err := range s.walk() {
			require.NoError(t, err)
			if e.ID > last {
				_, twice := marks[e.ID-last]
				require.False(t, twice)
				marks[e.ID-last] = e.InDoubt
			}
		}
		return marks
	}
	assert.Equal(t, map[uint64]bool{1: true, 2: true, 4: false}, marks(), "the later stage's notes hold for what is written already")
	s.settled = append(s.settled, run{last + 1, 1})
	_, _, _ = s.commit(&batch{}) // what concerns the locked file fails once more
	require.NoError(t, other.Close())
	require.NoError(t, s.ready())
	assert.Equal(t, map[uint64]bool{2: true, 4: false}, marks())
	require.NoError(t, s.release())

	held, err = openDirectory(dir, true)
	require.NoError(t, err)
	found, err = load(held, nil)
	require.NoError(t, err)
	require.NoError(t, held.close())
	for _, seg := range found.segments {
		require.NoError(t, seg.damage, seg.path)
	}
	s, err = Open(dir, Options{})
	require.NoError(t, err)
	assert.Equal(t, map[uint64]bool{2: true, 4: false}, marks())
	require.NoError(t, s.Close())
}

// The last file goes bad before it has an event: the next event's file would have the same name.
func TestAnEmptyFileRots(t *testing.T) {
	dir := t.TempDir()
	var found []Damage
	s, err := Open(dir, Options{Every: time.Hour, Report: func(d Damage) { found = append(found, d) }})
	require.NoError(t, err)
	path := s.segments[0].path
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, meta := range []int{0, os.Getpagesize()} {
		data[meta+20] ^= 1
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(data, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	assert.Empty(t, texts(t, s), "which finds the damage")
	_, err = s.Append(t.Context(), one(`"acknowledged"`))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Len(t, found, 1)
	s, err = Open(dir, Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{`"acknowledged"`}, texts(t, s))
	require.NoError(t, s.Close())
}

// A file that cannot be cleaned of what was refused does not keep others from being delivered.
func TestNotesOfOtherFilesDoNotFail(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Every: time.Hour, SegmentBytes: 2000})
	require.NoError(t, err)
	for range 100 {
		_, err := s.Append(t.Context(), one(`"an event of some length"`))
		require.NoError(t, err)
	}
	mend := broken(t, s)
	_, err = s.Append(t.Context(), one(`"refused"`))
	require.Error(t, err)
	require.NoError(t, s.Sending(t.Context(), []uint64{1}))
	mend()
	require.NoError(t, s.Close())
}
