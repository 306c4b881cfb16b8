package spool

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// synced returns what the next process finds in a copy of the directory without its stages, which a
// power cut may take.
func synced(t *testing.T, dir string) (waiting int) {
	t.Helper()
	copied := t.TempDir()
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	for _, name := range stageNames {
		require.NoError(t, os.Remove(filepath.Join(copied, name)))
	}
	v, err := Inspect(copied)
	require.NoError(t, err)
	defer v.Close()
	for _, err := range v.Events() {
		require.NoError(t, err)
		waiting++
	}
	return waiting
}

func TestSync(t *testing.T) {
	for name, o := range map[string]Options{"always": {Every: time.Hour}, "interval": {Sync: Interval, Every: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, o)
			require.NoError(t, err)
			require.NoError(t, s.Sync(t.Context()), "nothing was told it")
			var ids []uint64
			for range 3 {
				id, err := s.Append(t.Context(), one(`"x"`))
				require.NoError(t, err)
				ids = append(ids, id)
			}
			require.NoError(t, s.Sync(t.Context()))
			assert.Equal(t, 3, synced(t, dir))
			require.NoError(t, s.Settled(t.Context(), ids[:2]))
			require.NoError(t, s.Sync(t.Context()))
			assert.Equal(t, 1, synced(t, dir), "what is forgotten is forgotten on the disk")
			require.NoError(t, s.Sync(t.Context()), "twice")
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Sync(ended); err != nil { // the commit can be as fast
				require.ErrorIs(t, err, context.Canceled)
			}
			require.NoError(t, s.Close())
			require.ErrorIs(t, s.Sync(t.Context()), ErrClosed)
		})
	}
}

func TestSyncSaysThatTheDiskFails(t *testing.T) {
	for name, o := range map[string]Options{"always": {Every: time.Hour}, "interval": {Sync: Interval, Every: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, o)
			require.NoError(t, err)
			id, err := s.Append(t.Context(), one(`"x"`))
			require.NoError(t, err)
			require.NoError(t, s.Sync(t.Context()))
			mend := broken(t, s)
			require.NoError(t, s.Settled(t.Context(), []uint64{id}), "this does not wait")
			require.ErrorContains(t, s.Sync(t.Context()), "spool: cannot write")
			require.ErrorContains(t, s.Sync(t.Context()), "spool: cannot write", "also while the commit before waits to be tried again")
			assert.Equal(t, 1, synced(t, dir))
			mend()
			require.NoError(t, s.Sync(t.Context()))
			assert.Zero(t, synced(t, dir))
			require.NoError(t, s.Close())
		})
	}
}
