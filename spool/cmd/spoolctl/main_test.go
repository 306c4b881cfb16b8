package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// filled returns a directory with four events of two players. One event is in doubt and one is
// settled.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	for n := range 4 {
		_, err := s.Append(t.Context(), batcher.StoredEvent{
			UserID: []string{"ace", "blitz"}[n%2], Accepted: time.UnixMilli(int64(n)), Once: n == 2, JSON: fmt.Appendf(nil, `{"n":"<%d>"}`, n),
		})
		require.NoError(t, err)
	}
	require.NoError(t, s.Sending(t.Context(), []uint64{1}))
	require.NoError(t, s.Settled(t.Context(), []uint64{2}))
	require.NoError(t, s.Close())
	return dir
}

func spoolctl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(args, &out, io.Discard)
	return out.String(), err
}

const (
	first  = `{"id":1,"user_id":"ace","accepted":"1970-01-01T00:00:00Z","in_doubt":true,"event":{"n":"<0>"}}` + "\n"
	third  = `{"id":3,"user_id":"ace","accepted":"1970-01-01T00:00:00.002Z","once":true,"event":{"n":"<2>"}}` + "\n"
	fourth = `{"id":4,"user_id":"blitz","accepted":"1970-01-01T00:00:00.003Z","event":{"n":"<3>"}}` + "\n"
)

func TestReadingChangesNothing(t *testing.T) {
	dir := filled(t)
	before := contents(t, dir)
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"replay", dir}, first + third + fourth},
		{[]string{"replay", "--player", "ace", dir}, first + third},
		{[]string{"replay", "--player", "device-abc-123", dir}, ""},
		{[]string{"verify", dir}, "3 events wait and are whole, 1 of them in doubt; 1 files read\n"},
	} {
		out, err := spoolctl(t, row.args...)
		require.NoError(t, err)
		assert.Equal(t, row.want, out, "%s", row.args)
	}
	out, err := spoolctl(t, "ls", dir)
	require.NoError(t, err)
	assert.Regexp(t, `^3 events of 2 players wait, 1 of them in doubt, the oldest for \d+d\d+h \(since 1970-01-01T00:00:00Z\)\.\n`, out)
	assert.Regexp(t, `(?m)^ +2 +1 +\d+d\d+h "ace"$`, out)
	assert.Regexp(t, `(?m)^ +1 +0 +\d+d\d+h "blitz"$`, out)
	assert.Regexp(t, `(?m)^ +3 +1 +1 +\d+ KiB 0000000000000001\.spool$`, out)
	assert.Equal(t, before, contents(t, dir))
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		out[entry.Name()] = string(data)
	}
	return out
}

func TestPurgeForgetsOnePlayer(t *testing.T) {
	dir := filled(t)
	out, err := spoolctl(t, "purge", "-player", "ace", dir)
	require.NoError(t, err)
	assert.Equal(t, "2 events and 0 dead letters of player \"ace\" forgotten, and overwritten in 1 files; 1 of other players wait\n", out)
	out, err = spoolctl(t, "replay", dir)
	require.NoError(t, err)
	assert.Equal(t, fourth, out)
}

// Files that root rewrites no longer belong to the game server.
func TestPurgeIsForTheOwner(t *testing.T) {
	dir := "/"
	if os.Geteuid() == 0 {
		dir = filled(t)
		require.NoError(t, os.Chown(dir, 12345, 12345))
	}
	uid, known := owner(dir)
	if !known {
		return // users have no ids here
	}
	_, err := spoolctl(t, "purge", "-player", "ace", dir)
	require.ErrorContains(t, err, fmt.Sprintf("belongs to user %d", uid))
	if os.Geteuid() == 0 {
		out, err := spoolctl(t, "replay", dir)
		require.NoError(t, err)
		assert.Equal(t, first+third+fourth, out, "nothing is forgotten")
	}
}

func TestDamageIsReported(t *testing.T) {
	dir := filled(t)
	path := filepath.Join(dir, "0000000000000001.spool")
	require.NoError(t, os.Truncate(path, 100))
	for _, stage := range []string{"stage-a", "stage-b"} {
		require.NoError(t, os.Remove(filepath.Join(dir, stage)))
	}
	out, err := spoolctl(t, "verify", dir)
	require.ErrorIs(t, err, errDamaged)
	assert.Contains(t, out, "damaged: "+path)
	out, err = spoolctl(t, "ls", dir)
	require.ErrorIs(t, err, errDamaged)
	assert.Contains(t, out, "damaged: "+path)
	assert.FileExists(t, path, "only a process that opens it sets it aside")
}

// A script reads the exit status, a person the text.
func TestStatus(t *testing.T) {
	dir := filled(t)
	for name, row := range map[string]struct {
		args []string
		want int
		says string
	}{
		"well":          {[]string{"verify", dir}, 0, ""},
		"help":          {[]string{"-h"}, 0, ""},
		"help of one":   {[]string{"purge", "-h"}, 0, ""},
		"no command":    {nil, 2, "see spoolctl -h"},
		"no directory":  {[]string{"ls"}, 2, "needs one directory"},
		"not a spool":   {[]string{"ls", t.TempDir()}, 3, "is not a spool"},
		"player behind": {[]string{"replay", dir, "-player", "ace"}, 2, "after all flags"},
		"no use":        {[]string{"ls", "-player", "ace", dir}, 2, "not defined: -player"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			assert.Equal(t, row.want, status(run(row.args, io.Discard, io.Discard), &stderr))
			assert.Contains(t, stderr.String(), row.says)
		})
	}
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	defer s.Close()
	var stderr strings.Builder
	assert.Equal(t, 3, status(run([]string{"ls", dir}, io.Discard, io.Discard), &stderr))
	assert.Contains(t, stderr.String(), "Stop the process")
}

func TestSizesAndAges(t *testing.T) {
	for n, want := range map[int64]string{0: "0 KiB", 1: "1 KiB", 1 << 20: "1.0 MiB", 5 << 29: "2.5 GiB"} {
		assert.Equal(t, want, size(n))
	}
	synctest.Test(t, func(t *testing.T) {
		for ago, want := range map[time.Duration]string{
			-time.Hour: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m1s", 3*time.Hour + 59*time.Second: "3h0m", 50 * time.Hour: "2d2h",
		} {
			assert.Equal(t, want, age(time.Now().Add(-ago)))
		}
	})
}

func TestRefusals(t *testing.T) {
	used := filled(t)
	s, err := spool.Open(used, spool.Options{})
	require.NoError(t, err)
	defer s.Close()
	empty := t.TempDir()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"nothing":               {nil, "a command is missing"},
		"no directory":          {[]string{"ls"}, "needs one directory"},
		"two directories":       {[]string{"ls", empty, empty}, "needs one directory"},
		"unknown command":       {[]string{"rm", empty}, `no command "rm"`},
		"dead alone":            {[]string{"dead"}, "dead needs a command"},
		"dead and a typo":       {[]string{"dead", "rm", empty}, `no command "dead rm"`},
		"dead purge of nothing": {[]string{"dead", "purge", empty}, "needs -player, -number or -result, or -all"},
		"dead replay of all":    {[]string{"dead", "replay", empty}, "needs -player, -number or -result, or -all"},
		"dead of no result":     {[]string{"dead", "ls", "-result", "delivered", empty}, "is not rejected, expired or unknown"},
		"dead purge in use":     {[]string{"dead", "purge", "-all", used}, "the directory is in use"},
		"dead ls of no spool":   {[]string{"dead", "ls", empty}, "is not a spool"},
		"unknown flag":          {[]string{"ls", "-x", empty}, "not defined: -x"},
		"purge without player":  {[]string{"purge", empty}, "needs -player"},
		"a file":                {[]string{"ls", file}, "is not a directory"},
		"not there":             {[]string{"ls", filepath.Join(empty, "x")}, "no such file"},
		"no spool":              {[]string{"verify", empty}, "is not a spool"},
		"purge of what is none": {[]string{"purge", "-player", "ace", empty}, "is not a spool"},
		"in use":                {[]string{"replay", used}, "the directory is in use"},
		"purge while in use":    {[]string{"purge", "-player", "ace", used}, "the directory is in use"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := spoolctl(t, row.args...)
			require.ErrorContains(t, err, row.want)
		})
	}
	assert.Empty(t, contents(t, empty))
}
