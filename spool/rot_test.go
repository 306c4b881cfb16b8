package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// Files that the disk damages while the spool has them open.

// rot changes the bytes of a file in its place.
func rot(t *testing.T, path string, change func(data []byte)) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	change(data)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(data, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// The damage is found when the file is to be made smaller.
func TestAFileThatRotsIsNotMadeSmaller(t *testing.T) {
	dir := t.TempDir()
	var found []spool.Damage
	o := spool.Options{SegmentBytes: 20_000, Every: time.Hour, Report: func(d spool.Damage) { found = append(found, d) }}
	s := open(t, dir, o)
	var ids []uint64
	for n := range 200 {
		id, err := s.Append(t.Context(), padded(n, 200))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.NoError(t, s.Close())
	s = open(t, dir, o)
	rot(t, filepath.Join(dir, fmt.Sprintf("%016x.spool", 1)), func(data []byte) {
		for at := 0; ; at++ { // one event that waits
			next := bytes.Index(data[at:], []byte(`{"n":2}`))
			if next < 0 {
				return
			}
			at += next
			data[at+5] ^= 1
		}
	})
	require.NoError(t, s.Settled(ids[4:150]))
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Close())
	require.Len(t, found, 1)
	assert.Equal(t, 3, found[0].Salvaged)
	assert.FileExists(t, found[0].Path)
	want := append([]uint64{ids[0], ids[1], ids[3]}, ids[150:]...)
	back := []uint64{}
	for _, e := range recovered(t, open(t, dir, o)) {
		back = append(back, e.ID)
	}
	assert.Equal(t, want, back)
}

// The engine trips over the file that is written to, and keeps its locks.
func TestTheLastFileRots(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		dir := t.TempDir()
		var found []spool.Damage
		o.Report = func(d spool.Damage) { found = append(found, d) }
		s := open(t, dir, o)
		ids := []uint64{}
		for n := range 300 {
			id, err := s.Append(t.Context(), padded(n, 2000))
			require.NoError(t, err)
			ids = append(ids, id)
		}
		require.NoError(t, s.Sync(t.Context()))
		rot(t, filepath.Join(dir, fmt.Sprintf("%016x.spool", 1)), func(data []byte) {
			for at := 2 * page; at < len(data); at += page {
				if data[at+8] == 1 { // a branch
					clear(data[at+16 : at+page])
				}
			}
		})
		require.Eventually(t, func() bool { // one event is refused, or written a little later
			id, err := s.Append(t.Context(), numbered(len(ids)))
			if err == nil {
				ids = append(ids, id)
			}
			return err == nil && s.Sync(t.Context()) == nil
		}, 10*time.Second, time.Millisecond)
		require.NoError(t, s.Close())
		require.Len(t, found, 1)
		assert.Equal(t, 300, found[0].Salvaged)
		back := []uint64{}
		for _, e := range recovered(t, open(t, dir, o)) {
			back = append(back, e.ID)
		}
		assert.Equal(t, ids, back)
	})
}
