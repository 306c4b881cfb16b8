package spool

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// Dead letters in a spool: they are kept, listed and removed.

func letterOf(user string, died time.Time) batcher.DeadLetter {
	return batcher.DeadLetter{
		GameID: "com.example.stackblaster", UserID: user, Result: batcher.Expired, Cause: "too old", Accepted: time.UnixMilli(7), Died: died,
		Attempts: 2, InDoubt: 1, JSON: []byte(`{"type":"GameEnd"}`),
	}
}

func numbersOf(t *testing.T, s *Spool) (numbers []uint64) {
	t.Helper()
	for l, err := range s.DeadLetters() {
		require.NoError(t, err)
		numbers = append(numbers, l.Number)
	}
	return numbers
}

func TestDeadLettersSurvive(t *testing.T) {
	died := time.UnixMilli(time.Now().UnixMilli())
	for name, change := range map[string]struct {
		what func(t *testing.T, path string)
		want []uint64 // the numbers that are there, with that of one which comes later
	}{
		"nothing": {func(*testing.T, string) {}, []uint64{1, 2, 3, 4}},
		"the process died within a record": {func(t *testing.T, path string) {
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(path, info.Size()-5))
		}, []uint64{1, 2, 3}},
		"the process died before the head": {func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 3)) }, []uint64{1}},
		"a bit flipped": {func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			data[deadHead+20] ^= 1
			require.NoError(t, os.WriteFile(path, data, 0o600))
		}, []uint64{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{})
			require.NoError(t, err)
			require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", died), letterOf("blitz", died)}))
			require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", died)}))
			for l, err := range s.DeadLetters() {
				require.NoError(t, err)
				want := letterOf([]string{"ace", "blitz", "ace"}[l.Number-1], died)
				assert.Equal(t, want, l.DeadLetter)
			}
			require.NoError(t, s.Close())
			require.ErrorIs(t, s.KeepDead(t.Context(), nil), ErrClosed)
			change.what(t, filepath.Join(dir, "dead"))
			s, err = Open(dir, Options{})
			require.NoError(t, err)
			require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", died)}))
			assert.Equal(t, change.want, numbersOf(t, s))
			require.NoError(t, s.Close())
		})
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{MaxDeadBytes: 300})
	require.NoError(t, err)
	kept := 0
	for ; err == nil; kept++ {
		err = s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", time.Now())})
	}
	require.ErrorIs(t, err, ErrFull)
	require.ErrorContains(t, err, "MaxDeadBytes is 300")
	assert.Len(t, numbersOf(t, s), kept-1)
	require.NoError(t, s.EraseDead(t.Context(), "ace"))
	assert.Empty(t, numbersOf(t, s))
	require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", time.Now())}), "there is room again")
	require.NoError(t, s.Close())
}

func TestDeadLettersHaveAnAge(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	now := time.Now()
	require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("canary", now.Add(-48*time.Hour)), letterOf("blitz", now.Add(-time.Minute))}))
	require.NoError(t, s.Close())
	s, err = Open(dir, Options{DeadAge: 24 * time.Hour})
	require.NoError(t, err)
	assert.Equal(t, []uint64{2}, numbersOf(t, s))
	assert.Empty(t, holding(t, dir, "canary"))
	require.NoError(t, s.Close())
}

// A cleaner takes the file. Its letters are still there, because the file is open.
func TestRemovedDeadLetters(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	require.NoError(t, err)
	require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", time.Now())}))
	if os.Remove(filepath.Join(dir, "dead")) == nil { // Windows refuses
		require.NoError(t, s.KeepDead(t.Context(), []batcher.DeadLetter{letterOf("ace", time.Now())}))
	}
	assert.Equal(t, []uint64{1, 2}, numbersOf(t, s))
	require.NoError(t, s.Close())
	assert.FileExists(t, filepath.Join(dir, "dead"))
}
