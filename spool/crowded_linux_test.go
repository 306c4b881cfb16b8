package spool_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/spool"
)

// A process appends, notes and settles on a disk that fills up and has room again at random moments, goes on where it is refused, and is
// killed at random moments. PLAYLINE_SPOOL_ROUNDS sets how often (20).
func TestKilledOnACrowdedDisk(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	t.Setenv("SPOOL_STUBBORN", "1")
	rounds := 20
	if n, err := strconv.Atoi(os.Getenv("PLAYLINE_SPOOL_ROUNDS")); err == nil {
		rounds = n
	}
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
			require.NoError(t, s.Settled(idsBack(t, s)))
			require.Eventually(t, func() bool { return s.Sync(t.Context()) == nil }, 10*time.Second, time.Millisecond)
			require.NoError(t, s.Close())
			assert.Empty(t, idsBack(t, open(t, dir, spool.Options{})))
			t.Logf("%d rounds, %d events begun", rounds/2, len(known))
		})
	}
	assert.Positive(t, refused, "the disk was never full")
	t.Logf("%d events were refused; %d times there was no room for what was left", refused, full)
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
