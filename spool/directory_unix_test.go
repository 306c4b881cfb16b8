//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package spool_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/playline/playline-go/spool"
)

// Files that a stranger may have put into the directory before the spool.

const aSegment = "0000000000000001.spool"

func TestPlantedFiles(t *testing.T) {
	link := func(name string) func(t *testing.T, dir, victim string) {
		return func(t *testing.T, dir, victim string) {
			t.Helper()
			require.NoError(t, os.Symlink(victim, filepath.Join(dir, name)))
		}
	}
	hard := func(name string) func(t *testing.T, dir, victim string) {
		return func(t *testing.T, dir, victim string) {
			t.Helper()
			require.NoError(t, os.Link(victim, filepath.Join(dir, name)))
		}
	}
	pipe := func(name string) func(t *testing.T, dir, victim string) {
		return func(t *testing.T, dir, _ string) {
			t.Helper()
			require.NoError(t, unix.Mkfifo(filepath.Join(dir, name), 0o600))
		}
	}
	anothers := func(name string) func(t *testing.T, dir, victim string) {
		return func(t *testing.T, dir, _ string) {
			t.Helper()
			if os.Geteuid() != 0 {
				link(name)(t, dir, "/etc/passwd") // nobody else can give files away
				return
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
			require.NoError(t, os.Chown(filepath.Join(dir, name), 12345, 12345))
		}
	}
	for name, row := range map[string]struct {
		plant func(t *testing.T, dir, victim string)
		want  string // what the error says; "": it opens
	}{
		"a link as the stage":          {link("stage-a"), "stage-a is a symbolic link"},
		"a link as the other stage":    {link("stage-b"), "stage-b is a symbolic link"},
		"a link as the reserve":        {link("reserve"), "reserve is a symbolic link"},
		"a link as the lock":           {link("lock"), "lock is a symbolic link"},
		"a link as a segment":          {link(aSegment), aSegment + " is a symbolic link"},
		"a link as a later segment":    {link("00000000000000ff.spool"), "is a symbolic link"},
		"a link that leads nowhere":    {func(t *testing.T, dir, _ string) { link("reserve")(t, dir, filepath.Join(dir, "..", "made")) }, "is a symbolic link"},
		"a link within the directory":  {func(t *testing.T, dir, _ string) { link("stage-a")(t, dir, "stage-b") }, "is a symbolic link"},
		"a link as an unfinished file": {link(aSegment + ".tmp"), ""},
		"a hard link as the stage":     {hard("stage-a"), "2 hard links"},
		"a hard link as the reserve":   {hard("reserve"), "2 hard links"},
		"a hard link as a segment":     {hard(aSegment), "2 hard links"},
		"a pipe as the stage":          {pipe("stage-b"), "is not a regular file"},
		"a pipe as the lock":           {pipe("lock"), "is not a regular file"},
		"a pipe as a segment":          {pipe(aSegment), "is not a regular file"},
		"another user's stage":         {anothers("stage-a"), "stage-a"},
		"another user's reserve":       {anothers("reserve"), "reserve"},
		"another user's segment":       {anothers(aSegment), aSegment},
	} {
		t.Run(name, func(t *testing.T) {
			base := t.TempDir()
			dir, victim := filepath.Join(base, "spool"), filepath.Join(base, "victim")
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o644))
			row.plant(t, dir, victim)
			s, err := spool.Open(dir, spool.Options{})
			if row.want == "" {
				require.NoError(t, err)
				appendAll(t, s, 0, 3)
				require.NoError(t, s.Close())
			} else {
				require.ErrorIs(t, err, spool.ErrUnsafe)
				require.ErrorContains(t, err, row.want)
			}
			data, err := os.ReadFile(victim)
			require.NoError(t, err)
			assert.Equal(t, "precious", string(data))
			info, err := os.Stat(victim)
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o644), info.Mode().Perm(), "nor is its mode another")
			assert.NoFileExists(t, filepath.Join(base, "made"))
		})
	}
}

func TestTheModeOfADirectory(t *testing.T) {
	for name, row := range map[string]struct {
		mode uint32
		want string // what the error says; "": it opens
	}{
		"its own":                         {0o700, ""},
		"others may read, as systemd's":   {0o755, ""},
		"its group may read":              {0o750, ""},
		"others may pass":                 {0o711, ""},
		"others may write":                {0o777, "others may write"},
		"a shared one":                    {0o1777, "others may write"},
		"others may write, and its group": {0o776, "others may write"},
		"its group may write":             {0o770, "others may write"},
		"a group's, as a volume's":        {0o2775, "others may write"},
		"others may only write":           {0o702, "others may write"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, unix.Chmod(dir, row.mode)) // os.Chmod has other bits
			before, err := os.Stat(dir)
			require.NoError(t, err)
			s, err := spool.Open(dir, spool.Options{})
			if row.want == "" {
				require.NoError(t, err)
				require.NoError(t, s.Close())
			} else {
				require.ErrorIs(t, err, spool.ErrUnsafe)
				require.ErrorContains(t, err, row.want)
				require.ErrorContains(t, err, dir)
				assert.Empty(t, filesIn(t, dir), "nothing is put there")
				s, err := spool.Open(filepath.Join(dir, "own"), spool.Options{}) // as the error says
				require.NoError(t, err)
				require.NoError(t, s.Close())
			}
			after, err := os.Stat(dir)
			require.NoError(t, err)
			assert.Equal(t, before.Mode(), after.Mode(), "the mode stays")
		})
	}
	if os.Geteuid() == 0 {
		dir := t.TempDir()
		require.NoError(t, os.Chown(dir, 12345, 12345))
		_, err := spool.Open(dir, spool.Options{})
		require.ErrorIs(t, err, spool.ErrUnsafe)
		require.ErrorContains(t, err, "belongs to user 12345")
	}
}

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// A restore from a backup, or a careless umask, leaves files that others may use.
func TestFilesThatOthersMayUseAreMended(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	appendAll(t, s, 0, 3)
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, aSegment+".damaged"), []byte("an event of ace"), 0o600))
	for _, mode := range []fs.FileMode{0o666, 0o640, 0o604, 0o777} {
		for _, name := range filesIn(t, dir) {
			require.NoError(t, os.Chmod(filepath.Join(dir, name), mode))
		}
		s := open(t, dir, spool.Options{})
		assert.Len(t, recovered(t, s), 3)
		id := appendAll(t, s, 3, 4)
		for _, name := range filesIn(t, dir) {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			assert.Zero(t, info.Mode().Perm()&0o077, "%s, of %s", name, mode)
		}
		require.NoError(t, s.Settled(t.Context(), id))
		require.NoError(t, s.Close())
	}
}
