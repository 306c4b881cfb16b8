package spool_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// removals are what a cleaner or an operator does below a live spool.
var removals = map[string]func(dir string) error{
	"all files":     func(dir string) error { return removeFiles(dir, "") },
	"the segments":  func(dir string) error { return removeFiles(dir, ".spool") },
	"the stages":    func(dir string) error { return removeFiles(dir, "stage-") },
	"one stage":     func(dir string) error { return os.Remove(filepath.Join(dir, "stage-a")) },
	"the other":     func(dir string) error { return os.Remove(filepath.Join(dir, "stage-b")) },
	"the directory": os.RemoveAll,
	"a segment that is replaced": func(dir string) error {
		name := filepath.Join(dir, "0000000000000001.spool")
		if err := os.WriteFile(name+"x", []byte("restored from somewhere"), 0o600); err != nil {
			return err
		}
		return os.Rename(name+"x", name)
	},
	"the directory, which is made again": func(dir string) error {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		return os.Mkdir(dir, 0o700)
	},
}

func removeFiles(dir, like string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if err == nil && strings.Contains(entry.Name(), like) {
			err = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
	return err
}

// Each of the three says it, whatever is called first, and nothing is lost.
func TestRemovedFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // nobody can remove an open file
	}
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, o spool.Options) {
				dir := filepath.Join(t.TempDir(), "spool")
				o.SegmentBytes, o.MaxBytes, o.Every = 4000, 1<<20, time.Hour // no commit while the files go
				var reported []spool.Damage
				o.Report = func(d spool.Damage) { reported = append(reported, d) }
				s, err := spool.Open(dir, o)
				require.NoError(t, err)
				ids := appendAll(t, s, 0, 200)
				require.NoError(t, s.Sync(t.Context()))
				require.NoError(t, s.Sending(t.Context(), ids[:20]))
				require.NoError(t, s.Settled(t.Context(), ids[:10]))
				require.NoError(t, s.Sync(t.Context()))
				require.NoError(t, remove(dir))

				if o.Sync == spool.Interval { // Append does not wait for the commit that finds it
					require.ErrorIs(t, s.Sync(t.Context()), spool.ErrRemoved)
				}
				_, err = s.Append(t.Context(), numbered(len(ids)))
				require.ErrorIs(t, err, spool.ErrRemoved)
				require.ErrorContains(t, err, dir)
				if o.Sync == spool.Always {
					require.ErrorIs(t, s.Sync(t.Context()), spool.ErrRemoved)
				}
				id, err := s.Append(t.Context(), numbered(len(ids)))
				require.NoError(t, err, "it is said once")
				ids = append(ids, id)
				require.NoError(t, s.Sync(t.Context()), "and the disk has all again")
				require.ErrorIs(t, s.Close(), spool.ErrRemoved)
				told := len(reported)
				if strings.Contains(name, "segment") {
					assert.NotZero(t, told)
				}

				s, err = spool.Open(dir, spool.Options{Report: func(d spool.Damage) { reported = append(reported, d) }})
				require.NoError(t, err)
				assert.Len(t, reported, told, "damage")
				back := recovered(t, s)
				require.Len(t, back, len(ids)-10)
				for n, e := range back {
					assert.Equal(t, ids[n+10], e.ID)
					assert.Equal(t, numbered(n+10).JSON, e.JSON)
					assert.Equal(t, n < 10, e.InDoubt, "event %d", n+10)
				}
				next, err := s.Append(t.Context(), numbered(0))
				require.NoError(t, err)
				assert.Greater(t, next, ids[len(ids)-1], "ids are not given out again")
				require.NoError(t, s.Close())
			})
		})
	}
}

// Close also reports a removal to an idle server, which keeps its events.
func TestRemovedWhileNothingHappens(t *testing.T) {
	if runtime.GOOS == "windows" {
		return
	}
	both(t, func(t *testing.T, o spool.Options) {
		dir := t.TempDir()
		s, err := spool.Open(dir, o)
		require.NoError(t, err)
		appendAll(t, s, 0, 10)
		require.NoError(t, s.Sync(t.Context()))
		require.NoError(t, removeFiles(dir, ""))
		require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "0000000000000001.spool")); return err == nil }, time.Minute, time.Millisecond)
		require.ErrorIs(t, s.Close(), spool.ErrRemoved)
		assert.Len(t, recovered(t, open(t, dir, spool.Options{})), 10)
	})
}

// A directory that was moved still has the events: another process may send them from there.
// Nothing is made in its place.
func TestAMovedDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		return
	}
	for name, instead := range map[string]func(dir string) error{
		"nothing is in its place": func(string) error { return nil },
		"a directory is":          func(dir string) error { return os.Mkdir(dir, 0o700) },
		"a spool is": func(dir string) error {
			s, err := spool.Open(dir, spool.Options{})
			if err != nil {
				return err
			}
			return s.Close()
		},
		"a file is": func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, o spool.Options) {
				base := t.TempDir()
				dir, moved := filepath.Join(base, "spool"), filepath.Join(base, "moved")
				s, err := spool.Open(dir, o)
				require.NoError(t, err)
				appendAll(t, s, 0, 10)
				require.NoError(t, s.Sync(t.Context()))
				require.NoError(t, os.Rename(dir, moved))
				require.NoError(t, instead(dir))
				for range 3 { // as long as it is so
					require.ErrorIs(t, s.Sync(t.Context()), spool.ErrRemoved)
					_, err := s.Append(t.Context(), numbered(10))
					require.ErrorIs(t, err, spool.ErrRemoved)
				}
				require.NoError(t, os.RemoveAll(dir))
				require.NoError(t, os.Rename(moved, dir))
				require.Eventually(t, func() bool { return s.Sync(t.Context()) == nil }, time.Minute, time.Millisecond)
				require.Eventually(t, func() bool { _, err := s.Append(t.Context(), numbered(10)); return err == nil }, time.Minute, time.Millisecond)
				_ = s.Close() // it may say it once more
				assert.Len(t, recovered(t, open(t, dir, spool.Options{})), 11)
			})
		})
	}
}

// A cleaner takes an empty old file first. The lock does not depend on it.
func TestTheLockOutlivesItsFile(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"the lock":  func(dir string) error { return os.Remove(filepath.Join(dir, "lock")) },
		"all files": func(dir string) error { return removeFiles(dir, "") },
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				return
			}
			dir := t.TempDir()
			s, err := spool.Open(dir, spool.Options{Every: time.Hour})
			require.NoError(t, err)
			appendAll(t, s, 0, 3)
			require.NoError(t, remove(dir))
			_, err = spool.Open(dir, spool.Options{})
			require.ErrorIs(t, err, spool.ErrInUse)
			_ = s.Close()
			assert.Len(t, recovered(t, open(t, dir, spool.Options{})), 3)
		})
	}
}

// A relative directory is the one that it was at Open.
func TestAfterAChdir(t *testing.T) {
	base := t.TempDir()
	t.Chdir(base)
	s, err := spool.Open("spool", spool.Options{SegmentBytes: 2000, MaxBytes: 1 << 20})
	require.NoError(t, err)
	appendAll(t, s, 0, 51)
	t.Chdir(t.TempDir())
	appendAll(t, s, 51, 150)
	require.NoError(t, s.Close())
	assert.Len(t, recovered(t, open(t, filepath.Join(base, "spool"), spool.Options{})), 150)
}
