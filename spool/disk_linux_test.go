package spool_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// smallDisk runs a test in a process of its own that has a file system of 8 MiB to itself. It returns the directory within that
// process, and "" in the one that only waits. A machine that does not let us mount one skips the test.
func smallDisk(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("SPOOL_DISK"); dir != "" {
		require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"))
		return dir
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "SPOOL_DISK="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) || strings.Contains(string(out), "operation not permitted") {
		t.Skipf("no file system of our own here: %v %s", err, out)
	}
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS")
	return ""
}

// ballast takes what is left of the disk.
func ballast(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return path
}

func TestDiskFullAlways(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	dir := filepath.Join(disk, "spool")
	s := open(t, dir, spool.Options{})
	ids := appendAll(t, s, 0, 20)
	full := ballast(t, disk)
	var err error
	for n := 20; err == nil; n++ { // what is free within the file can still be used
		var id uint64
		if id, err = s.Append(t.Context(), numbered(n)); err == nil {
			ids = append(ids, id)
		}
		require.Less(t, n, 100_000)
	}
	require.ErrorIs(t, err, spool.ErrFull)
	require.ErrorIs(t, err, syscall.ENOSPC)
	_, err = s.Append(t.Context(), numbered(0))
	require.ErrorIs(t, err, spool.ErrFull, "as long as it is full")
	require.NoError(t, s.Settled(ids[:1]), "settling goes on")

	require.NoError(t, os.Remove(full))
	id, err := s.Append(t.Context(), numbered(len(ids)))
	require.NoError(t, err, "space is back, and nobody had to do anything")
	ids = append(ids, id)
	require.NoError(t, s.Close())

	var back []uint64
	for n, e := range recovered(t, open(t, dir, spool.Options{})) {
		assert.Equal(t, numbered(n+1).JSON, e.JSON, "what was refused does not come back")
		back = append(back, e.ID)
	}
	assert.Equal(t, ids[1:], back)
}

func TestDiskFullInterval(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	dir := filepath.Join(disk, "spool")
	o := spool.Options{Sync: spool.Interval, Every: time.Millisecond}
	s := open(t, dir, o)
	ids := appendAll(t, s, 0, 20)
	full := ballast(t, disk)
	var err error
	for n := 20; err == nil; n++ { // the stages have their space
		var id uint64
		if id, err = s.Append(t.Context(), numbered(n)); err == nil {
			ids = append(ids, id)
		}
		require.Less(t, n, 1_000_000)
	}
	require.ErrorIs(t, err, spool.ErrFull)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorIs(t, s.Close(), spool.ErrFull, "Close says that it could not write")

	// Even so nothing is lost: the stages have it, and whoever looks sees it.
	v, err := spool.Inspect(dir)
	require.NoError(t, err)
	assert.Equal(t, ids, viewed(t, v))
	require.NoError(t, v.Close())
	_, err = spool.Open(dir, o)
	require.ErrorIs(t, err, spool.ErrFull, "what was accepted has no place yet")

	require.NoError(t, os.Remove(full))
	s = open(t, dir, o)
	ids = append(ids, appendAll(t, s, len(ids), len(ids)+1)...)
	require.NoError(t, s.Close())
	var back []uint64
	for n, e := range recovered(t, open(t, dir, o)) {
		assert.Equal(t, numbered(n).JSON, e.JSON)
		back = append(back, e.ID)
	}
	assert.True(t, slices.Equal(ids, back), "%d accepted, %d are back", len(ids), len(back))
}

func viewed(t *testing.T, v *spool.View) (ids []uint64) {
	t.Helper()
	for e, err := range v.Events() {
		require.NoError(t, err)
		ids = append(ids, e.ID)
	}
	return ids
}

func TestReadOnlyDisk(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	dir := filepath.Join(disk, "spool")
	s := open(t, dir, spool.Options{})
	ids := appendAll(t, s, 0, 3)
	require.NoError(t, s.Close())
	require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, err := spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, syscall.EROFS)
	v, err := spool.Inspect(dir)
	require.NoError(t, err, "reading needs no more")
	assert.Equal(t, ids, viewed(t, v))
	require.NoError(t, v.Close())
	require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""))
	assert.Len(t, recovered(t, open(t, dir, spool.Options{})), 3, fmt.Sprint("all of ", ids))
}
