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

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// smallDisk runs a test in a process of its own that has a file system of 12 MiB to itself. It
// returns the directory within that process, and "" in the one that only waits. A machine that does
// not let us mount one skips the test.
func smallDisk(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("SPOOL_DISK"); dir != "" {
		require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"))
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
	require.NoError(t, s.Settled(t.Context(), ids[:1]), "settling goes on")

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

// The spool itself has filled the disk. Deliveries must continue, and give the space back.
func TestDiskFullOfEvents(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	for name, row := range map[string]struct {
		sync    spool.Sync
		segment int64
	}{
		"always, one file":     {spool.Always, 16 << 20},
		"always, many files":   {spool.Always, 500_000},
		"interval, one file":   {spool.Interval, 16 << 20},
		"interval, many files": {spool.Interval, 500_000},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(disk, "spool")
			s := open(t, dir, spool.Options{Sync: row.sync, SegmentBytes: row.segment, Every: time.Millisecond})
			var ids []uint64
			var err error
			for err == nil {
				var id uint64
				if id, err = s.Append(t.Context(), padded(len(ids), 2000)); err == nil {
					ids = append(ids, id)
				}
			}
			require.ErrorIs(t, err, spool.ErrFull)
			for some := range slices.Chunk(ids, 50) {
				require.Eventually(t, func() bool { return s.Sending(t.Context(), some) == nil }, time.Minute, time.Millisecond, "to %d", some[0])
				require.NoError(t, s.Settled(t.Context(), some))
			}
			require.Eventually(t, func() bool {
				_, err := s.Append(t.Context(), padded(0, 2000))
				return err == nil
			}, 20*time.Second, time.Millisecond, "space is back")
			require.Eventually(t, func() bool { return segmentBytes(t, dir) < 4<<20 }, 20*time.Second, time.Millisecond)
			require.NoError(t, s.Close())
			s = open(t, dir, spool.Options{})
			assert.Len(t, idsBack(t, s), 1)
			require.NoError(t, s.Close())
			require.NoError(t, os.RemoveAll(dir))
		})
	}
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

	// Even so nothing is lost: the stages have the events, and Inspect shows them.
	v, err := spool.Inspect(dir)
	require.NoError(t, err)
	assert.Equal(t, ids, viewed(t, v))
	require.NoError(t, v.Close())

	// And Open works: the accepted events are there, and there is no room for more.
	for _, sync := range []spool.Sync{spool.Always, spool.Interval} {
		s, err := spool.Open(dir, spool.Options{Sync: sync, Every: time.Millisecond})
		require.NoError(t, err)
		assert.Equal(t, ids, idsBack(t, s))
		_, err = s.Append(t.Context(), numbered(0))
		require.ErrorIs(t, err, spool.ErrFull)
		require.ErrorIs(t, s.Sending(t.Context(), ids[len(ids)-1:]), spool.ErrFull, "it is in a stage alone, and nobody would know of it")
		require.ErrorIs(t, s.Close(), spool.ErrFull)
	}

	// When there is room, the spool continues by itself. Events settled meanwhile stay settled.
	s, err = spool.Open(dir, o)
	require.NoError(t, err)
	require.NoError(t, s.Settled(t.Context(), ids[:3]))
	require.NoError(t, os.Remove(full))
	require.Eventually(t, func() bool {
		id, err := s.Append(t.Context(), numbered(len(ids)))
		ids = append(ids, id)
		return err == nil
	}, time.Minute, time.Millisecond)
	require.NoError(t, s.Close())
	last := ids[len(ids)-1]
	ids = append(slices.DeleteFunc(ids[3:len(ids)-1], func(id uint64) bool { return id == 0 }), last) // 0: not yet
	back := idsBack(t, open(t, dir, o))
	assert.True(t, slices.Equal(ids, back), "%d accepted, %d are back", len(ids), len(back))
}

func TestOpenOnAFullDisk(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	for name, prepare := range map[string]func(t *testing.T, dir string) (want int){
		"nothing there": func(*testing.T, string) int { return 0 },
		"a stage is gone": func(t *testing.T, dir string) int {
			s := open(t, dir, spool.Options{})
			appendAll(t, s, 0, 20)
			require.NoError(t, s.Close())
			require.NoError(t, os.Remove(filepath.Join(dir, "stage-b")))
			return 20
		},
		"a damaged file": func(t *testing.T, dir string) int {
			s := open(t, dir, spool.Options{})
			appendAll(t, s, 0, 20)
			require.NoError(t, s.Close())
			path := filepath.Join(dir, fmt.Sprintf("%016x.spool", 1))
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			clear(data[:4096]) // a meta page
			require.NoError(t, os.WriteFile(path, data, 0o600))
			return 20
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(disk, strings.ReplaceAll(name, " ", "-"))
			want := prepare(t, dir)
			full := ballast(t, disk)
			o := spool.Options{Every: time.Millisecond, Report: func(d spool.Damage) { t.Log(d) }}
			for range 2 {
				s, err := spool.Open(dir, o)
				require.NoError(t, err)
				assert.Len(t, idsBack(t, s), want)
				_ = s.Close() // there may have been room for what it had to write
			}
			require.NoError(t, os.Remove(full))
			s := open(t, dir, o)
			assert.Len(t, idsBack(t, s), want)
			appendAll(t, s, 0, 1)
			require.NoError(t, s.Close())
			s = open(t, dir, o)
			assert.Len(t, idsBack(t, s), want+1)
			require.NoError(t, s.Close())
			require.NoError(t, os.RemoveAll(dir))
		})
	}
}

// Events that are refused have ids, too, which are given out again after a restart.
func TestDiskFullForSomeTime(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	dir := filepath.Join(disk, "spool")
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	large := func() (uint64, error) {
		return s.Append(t.Context(), padded(0, 2000))
	}
	ids := appendAll(t, s, 0, 20)
	full := ballast(t, disk)
	reserve := filepath.Join(dir, "reserve")
	for n := 0; ; n++ { // events are delivered meanwhile, until the reserve for their notes is spent
		require.Less(t, n, 5000)
		_ = s.Sending(t.Context(), ids[n%len(ids):n%len(ids)+1])
		if _, err := large(); err == nil {
			continue
		}
		if info, err := os.Stat(reserve); err == nil && info.Size() == 0 {
			break
		}
	}
	for range 20 {
		_, err := large()
		require.ErrorIs(t, err, spool.ErrFull)
	}
	_ = s.Close()
	require.NoError(t, os.Remove(full))
	s = open(t, dir, spool.Options{})
	want := append(idsBack(t, s), appendAll(t, s, 0, 10)...)
	require.NoError(t, s.Close())
	assert.Equal(t, want, idsBack(t, open(t, dir, spool.Options{})))
}

// The notes in the stages apply even while the disk is full.
func TestOpenOnAFullDiskAfterAKill(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	dir, killed := filepath.Join(disk, "spool"), filepath.Join(disk, "killed")
	o := spool.Options{Sync: spool.Interval, Every: time.Hour}
	s := open(t, dir, o)
	var ids []uint64
	for n := range 400 {
		id, err := s.Append(t.Context(), padded(n, 2000))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	require.NoError(t, s.Sending(t.Context(), ids[:200]))
	require.NoError(t, s.Settled(t.Context(), ids[:100]))
	require.NoError(t, os.CopyFS(killed, os.DirFS(dir))) // as kill -9 leaves it
	require.NoError(t, s.Close())
	require.NoError(t, os.RemoveAll(dir))
	full := ballast(t, disk)
	check := func(events []batcher.StoredEvent) {
		t.Helper()
		require.Len(t, events, 300)
		for i, e := range events {
			require.Equal(t, ids[100+i], e.ID)
			require.Equal(t, i < 100, e.InDoubt, "event %d", e.ID)
		}
	}
	crowded, err := spool.Open(killed, o)
	require.NoError(t, err)
	check(recovered(t, crowded))
	require.ErrorIs(t, crowded.Close(), spool.ErrFull)
	require.NoError(t, os.Remove(full))
	check(recovered(t, open(t, killed, o)))
}

func idsBack(t *testing.T, s *spool.Spool) (ids []uint64) {
	t.Helper()
	for _, e := range recovered(t, s) {
		ids = append(ids, e.ID)
	}
	return ids
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
