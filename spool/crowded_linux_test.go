package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// A process appends, notes and settles on a disk that fills up and has room again at random
// moments. It continues after errors, and the test kills it at random moments. See killRounds.
func TestKilledOnACrowdedDisk(t *testing.T) {
	if os.Getenv("PLAYLINE_LONG") == "" && os.Getenv("PLAYLINE_SPOOL_ROUNDS") == "" {
		t.Skip("a disk is full only after many rounds: set PLAYLINE_LONG=1")
	}
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	t.Setenv("SPOOL_STUBBORN", "1")
	rounds := killRounds()
	refused, full := 0, 0
	for _, sync := range []string{"always", "interval"} {
		t.Run(sync, func(t *testing.T) {
			dir := filepath.Join(disk, sync)
			defer os.RemoveAll(dir)
			known, byID := map[int]*journal{}, map[uint64]*journal{}
			from := 0
			for round := range rounds / 2 {
				stop := crowd(disk)
				kill(t, dir, sync, from, 20+rand.IntN(3000), known, byID)
				stop()
				for n := range known {
					from = max(from, n+1)
				}
				_, err := checkRecovered(t, dir, known, byID)
				if err != nil {
					require.ErrorIs(t, err, spool.ErrFull)
					full++
				}
				if t.Failed() {
					t.Fatalf("round %d", round)
				}
			}
			for _, j := range known {
				if j.refused {
					refused++
				}
			}
			require.NoError(t, os.RemoveAll(filepath.Join(disk, "ballast")))
			s := open(t, dir, spool.Options{Every: time.Millisecond}) // the spool may have filled the disk by itself
			require.NoError(t, s.Settled(t.Context(), idsBack(t, s)))
			require.Eventually(t, func() bool { return s.Sync(t.Context()) == nil }, time.Minute, time.Millisecond)
			require.NoError(t, s.Close())
			s = open(t, dir, spool.Options{})
			assert.Empty(t, idsBack(t, s))
			require.NoError(t, s.Close())
			t.Logf("%d rounds, %d events begun", rounds/2, len(known))
		})
	}
	assert.Positive(t, refused, "the disk was never full")
	t.Logf("%d events were refused; %d times there was no room for what was left", refused, full)
}

// Others fill the disk. A file of which everything is settled goes, although it is small.
func TestASettledFileGoesOnAFullDisk(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	both(t, func(t *testing.T, o spool.Options) {
		dir := filepath.Join(disk, "spool")
		s, err := spool.Open(dir, o)
		require.NoError(t, err)
		ids := []uint64{}
		for n := range 150 {
			id, err := s.Append(t.Context(), padded(n, 3000))
			require.NoError(t, err)
			ids = append(ids, id)
		}
		require.NoError(t, s.Sync(t.Context()))
		require.NoError(t, s.Settled(t.Context(), ids))
		require.NoError(t, s.Sync(t.Context()))
		full := ballast(t, disk)
		require.Eventually(t, func() bool {
			_, _ = s.Append(t.Context(), padded(0, 900_000)) // more than is free within the file
			// The next file can be as large soon: with Interval the event goes there.
			_, err := os.Lstat(filepath.Join(dir, "0000000000000001.spool"))
			return errors.Is(err, fs.ErrNotExist)
		}, 20*time.Second, time.Millisecond)
		require.NoError(t, os.Remove(full))
		require.NoError(t, s.Close())
		require.NoError(t, os.RemoveAll(dir))
	})
}

// The only file rots, none of its events waits, and there is no room for the next file.
func TestADamagedFileOnAFullDisk(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	dir := filepath.Join(disk, "spool")
	s, err := spool.Open(dir, spool.Options{Every: time.Hour, Report: func(spool.Damage) {}})
	require.NoError(t, err)
	require.NoError(t, s.Settled(t.Context(), appendAll(t, s, 0, 20)))
	require.NoError(t, s.Sync(t.Context()))
	full := ballast(t, disk)
	require.NoError(t, rot(filepath.Join(dir, fmt.Sprintf("%016x.spool", 1)), func(data []byte) {
		for at := bytes.Index(data, []byte("GameEnd")); at >= 0; at = bytes.Index(data, []byte("GameEnd")) {
			data[at] ^= 1
		}
	}))
	assert.Empty(t, recovered(t, s), "which finds the damage")
	for range 3 {
		_, _ = s.Append(t.Context(), numbered(0)) // there is a reserve
	}
	require.NoError(t, os.Remove(full))
	appendAll(t, s, 1, 2)
	require.NoError(t, s.Close())
	back := recovered(t, open(t, dir, spool.Options{}))
	require.NotEmpty(t, back)
	assert.Equal(t, numbered(1).JSON, back[len(back)-1].JSON)
}

// crowd fills a disk and makes room on it until it is stopped. Then it stays as it is.
func crowd(disk string) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		path := filepath.Join(disk, "ballast")
		for {
			select {
			case <-quit:
				return
			case <-time.After(time.Duration(rand.IntN(30)) * time.Millisecond):
			}
			if rand.IntN(3) == 0 {
				_ = os.Remove(path)
				continue
			}
			if f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
				size := int64(rand.IntN(12 << 20))
				for err == nil && size > 0 {
					_, err = f.Write(make([]byte, 4096))
					size -= 4096
				}
				_ = f.Close()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
