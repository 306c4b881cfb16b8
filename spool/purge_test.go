package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// withCanary returns a directory with a player's bytes in every place: waiting, settled, in a
// stage, among the dead letters, in a damaged segment and in a damaged stage. Events of other
// players are next to them.
func withCanary(t *testing.T) (dir string, others int) {
	t.Helper()
	dir = t.TempDir()
	o := Options{Every: time.Hour, SegmentBytes: 3000, MaxBytes: 1 << 20, Sync: Interval}
	s, err := Open(dir, o)
	require.NoError(t, err)
	var mine []uint64
	fill := func(n int) {
		for i := range n {
			e := batcher.StoredEvent{GameID: "com.example.stackblaster", UserID: []string{"canary", "blitz"}[i%2], JSON: fmt.Appendf(nil, `{"secret of":"%s %d"}`, []string{"canary", "blitz"}[i%2], i)}
			id, err := s.Append(t.Context(), e)
			require.NoError(t, err)
			if i%2 == 0 {
				mine = append(mine, id)
			} else {
				others++
			}
		}
	}
	for range 3 {
		fill(60)
		require.NoError(t, s.Sync(t.Context()))
	}
	require.NoError(t, s.Settled(t.Context(), mine[:len(mine)/2]))
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{
		{UserID: "canary", Cause: "canary is no number", JSON: []byte(`{"of":"canary"}`)}, {UserID: "blitz", Cause: "no", JSON: []byte(`{}`)},
	}))
	data, err := os.ReadFile(s.segments[0].path)
	require.NoError(t, err)
	fill(10)
	stage, err := os.ReadFile(filepath.Join(dir, "stage-a"))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	data[20] ^= 1 // whatever was wrong with it
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000000000001.spool.damaged-2"), data, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stage-a.damaged"), stage, 0o600))
	return dir, others
}

// holding returns the names of the files that hold a text.
func holding(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		if bytes.Contains(data, []byte(text)) {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestPurgeLeavesNoByte(t *testing.T) {
	dir, others := withCanary(t)
	require.GreaterOrEqual(t, len(holding(t, dir, "canary")), 5)
	var opened []*os.File // what is overwritten may have no name any more
	for _, name := range holding(t, dir, "canary") {
		f, err := os.Open(filepath.Join(dir, name))
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		opened = append(opened, f)
	}
	p, err := Purge(t.Context(), dir, "canary", nil)
	require.NoError(t, err)
	assert.Empty(t, holding(t, dir, "canary"))
	for _, f := range opened {
		info, err := f.Stat()
		require.NoError(t, err)
		data := make([]byte, info.Size())
		_, err = f.ReadAt(data, 0)
		require.NoError(t, err)
		assert.NotContains(t, string(data), "canary", f.Name())
	}
	assert.Empty(t, p.Left)
	assert.Equal(t, 1, p.Dead)
	assert.Equal(t, others, p.Others)
	assert.Positive(t, p.Events)
	assert.Contains(t, holding(t, dir, "blitz"), "0000000000000001.spool.damaged-2", "others' bytes stay")

	s, err := Open(dir, Options{Report: func(d Damage) { assert.Fail(t, "damage", "%s", d) }})
	require.NoError(t, err)
	back := all(t, s)
	assert.Len(t, back, others)
	last := uint64(0)
	for _, e := range back {
		assert.Equal(t, "blitz", e.UserID)
		last = e.ID
	}
	id, err := s.Append(t.Context(), batcher.StoredEvent{GameID: "com.example.stackblaster", UserID: "ace"})
	require.NoError(t, err)
	assert.Greater(t, id, last)
	require.NoError(t, s.Close())
	again, err := Purge(t.Context(), dir, "canary", nil)
	require.NoError(t, err)
	assert.Equal(t, Purged{Others: others + 1}, again, "there is nothing left to do")
}

// The head of a record is lost. Purge names the file.
func TestPurgeNamesFilesThatKeepTheID(t *testing.T) {
	dir := filled(t)
	text := append(bytes.Repeat([]byte{0}, 100), append([]byte{6}, "canary{\"of\":"...)...)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000000000099.spool.damaged"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000000000098.spool.damaged"), []byte("canary within other text"), 0o600))
	p, err := Purge(t.Context(), dir, "canary", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "0000000000000099.spool.damaged")}, p.Left)
}

func TestPurgeRefuses(t *testing.T) {
	_, err := Purge(t.Context(), filled(t), "", nil)
	require.ErrorContains(t, err, "the player's id is empty")
	_, err = Purge(t.Context(), t.TempDir(), "ace", nil)
	require.ErrorContains(t, err, "is not a spool")
}
