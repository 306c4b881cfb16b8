package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// Notes about events that are not in a file yet.

// Events wait in a stage because the next file cannot be made. Notes about them go to it with them,
// and not to the one before.
func TestNotesWaitForTheirEvents(t *testing.T) {
	dir := t.TempDir()
	o := spool.Options{Sync: spool.Interval, Every: time.Hour, SegmentBytes: 2000}
	s := open(t, dir, o)
	ids := appendAll(t, s, 0, 60)
	require.NoError(t, s.Sync(t.Context()))
	later := appendAll(t, s, 60, 63)
	require.NoError(t, s.Sending(t.Context(), later[:2]))
	inTheWay := filepath.Join(dir, fmt.Sprintf("%016x.spool", later[0]))
	require.NoError(t, os.MkdirAll(filepath.Join(inTheWay, "a folder"), 0o700))
	require.Error(t, s.Sync(t.Context()))
	require.NoError(t, s.Settled(t.Context(), later[:1]))
	require.Error(t, s.Sync(t.Context()))
	require.NoError(t, os.RemoveAll(inTheWay))
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Sync(t.Context()), "what came meanwhile")
	require.NoError(t, s.Close())

	back := recovered(t, open(t, dir, o))
	require.Len(t, back, len(ids)+2, "one is settled")
	for _, e := range back {
		assert.Equal(t, e.ID == later[1], e.InDoubt, "event %d", e.ID)
	}
}

// A power cut with Interval takes an event, and leaves notes about it, because the system has
// written the page with them by chance.
func TestNotesOfEventsThatAreLost(t *testing.T) {
	dir, after := t.TempDir(), t.TempDir()
	o := spool.Options{Sync: spool.Interval, Every: time.Hour}
	s := open(t, dir, o)
	kept := appendAll(t, s, 0, 10)
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, os.CopyFS(after, os.DirFS(dir)))
	lost := appendAll(t, s, 10, 11)
	require.NoError(t, s.Sync(t.Context())) // to a file whose pages the disk has not
	require.NoError(t, s.Sending(t.Context(), lost))
	require.NoError(t, s.Settled(t.Context(), lost))
	for _, stage := range []string{"stage-a", "stage-b"} {
		data, err := os.ReadFile(filepath.Join(dir, stage))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(after, stage), data, 0o600))
	}

	s = open(t, after, o)
	require.Len(t, recovered(t, s), 10)
	kept = append(kept, appendAll(t, s, 11, 12)...)
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Close())
	back := []uint64{}
	for _, e := range recovered(t, open(t, after, o)) {
		back = append(back, e.ID)
		assert.False(t, e.InDoubt)
	}
	assert.Equal(t, kept, back)
}
