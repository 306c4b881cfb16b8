package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// Stages whose pages the system cannot write or read: their files are cut off, which gives the same
// signal.

// On a file system that needs room for every store a store to a stage can fault.
func TestAStageThatFaults(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		dir := t.TempDir()
		s, err := spool.Open(dir, o)
		require.NoError(t, err)
		ids := appendAll(t, s, 0, 3)
		require.NoError(t, s.Sync(t.Context()))
		stages := []string{filepath.Join(dir, "stage-a"), filepath.Join(dir, "stage-b")}
		for _, path := range stages {
			require.NoError(t, os.Truncate(path, 0))
		}
		_, err = s.Append(t.Context(), numbered(3))
		require.ErrorContains(t, err, "spool: cannot write")
		require.ErrorContains(t, s.Sending(t.Context(), ids[:1]), "spool: cannot write")
		require.NoError(t, s.Settled(t.Context(), ids[:1]), "this is remembered")
		for _, path := range stages {
			require.NoError(t, os.Truncate(path, 2<<20))
		}
		require.Eventually(t, func() bool {
			id, err := s.Append(t.Context(), numbered(3))
			ids = append(ids, id)
			return err == nil
		}, time.Minute, time.Millisecond)
		require.NoError(t, s.Close())
		want := []uint64{ids[1], ids[2], ids[len(ids)-1]}
		assert.Equal(t, want, idsBack(t, open(t, dir, o)))
	})
}

// A stage waits for its commit, and the disk cannot read it back. No file is to blame.
func TestAStageThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	o := spool.Options{Sync: spool.Interval, Every: time.Hour, Report: func(d spool.Damage) { t.Errorf("damage: %s", d) }}
	s, err := spool.Open(dir, o)
	require.NoError(t, err)
	kept := appendAll(t, s, 0, 3)
	require.NoError(t, s.Sync(t.Context()))
	ids := slices.Clone(kept)
	for n := range 40 {
		id, err := s.Append(t.Context(), padded(n, 5000))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	data := map[string][]byte{}
	for _, name := range []string{"stage-a", "stage-b"} {
		data[name], err = os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, os.Truncate(filepath.Join(dir, name), 8<<10))
	}
	for range 3 {
		require.ErrorContains(t, s.Sync(t.Context()), "spool: cannot write")
	}
	require.NoError(t, s.Sending(t.Context(), kept), "what is in a file can be sent meanwhile")
	for name, content := range data {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.Write(content)
		require.NoError(t, errors.Join(err, f.Close()))
	}
	// A Sync can still get the error of a commit that began before the disk worked again.
	require.Eventually(t, func() bool { return s.Sync(t.Context()) == nil }, time.Minute, time.Millisecond)
	require.NoError(t, s.Close())
	assert.Equal(t, ids, idsBack(t, open(t, dir, o)))
}

// Events that were settled stay settled: Sync says that it is not known, and then it is.
func TestSettledEventsInAnUnreadableStage(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		dir := t.TempDir()
		o.Every = time.Hour
		s, err := spool.Open(dir, o)
		require.NoError(t, err)
		ids := appendAll(t, s, 0, 3)
		require.NoError(t, s.Sync(t.Context()))
		require.NoError(t, s.Settled(t.Context(), ids))
		stages := map[string][]byte{"stage-a": nil, "stage-b": nil}
		for name := range stages {
			path := filepath.Join(dir, name)
			stages[name], err = os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(path, 0))
		}
		require.Error(t, s.Sync(t.Context()))
		for name, content := range stages {
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.Write(content)
			require.NoError(t, errors.Join(err, f.Close()))
		}
		require.Eventually(t, func() bool { return s.Sync(t.Context()) == nil }, time.Minute, time.Millisecond)
		require.NoError(t, s.Close())
		assert.Empty(t, idsBack(t, open(t, dir, o)))
	})
}
