package spool_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// numbered returns an event with its own number, of one of three players.
func numbered(n int) batcher.StoredEvent {
	return batcher.StoredEvent{
		UserID:   []string{"ace", "blitz", "device-abc-123"}[n%3],
		Accepted: time.UnixMilli(1_700_000_000_000 + int64(n)),
		JSON:     fmt.Appendf(nil, `{"type":"GameEnd","customdata":{"n":%d}}`, n),
		Once:     n%5 == 0,
	}
}

// padded is numbered, with spaces behind it.
func padded(n, spaces int) batcher.StoredEvent {
	e := numbered(n)
	e.JSON = append(e.JSON, strings.Repeat(" ", spaces)...)
	return e
}

func open(t *testing.T, dir string, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func appendAll(t *testing.T, s *spool.Spool, from, to int) (ids []uint64) {
	t.Helper()
	for n := from; n < to; n++ {
		id, err := s.Append(t.Context(), numbered(n))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

func recovered(t *testing.T, s *spool.Spool) (events []batcher.StoredEvent) {
	t.Helper()
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		events = append(events, e)
	}
	return events
}

// A directory may have any name.
func TestDirectoryNames(t *testing.T) {
	for _, name := range []string{"game[eu", `back\\slash`, "star*", "with space", "ünïcode"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), strings.ReplaceAll(name, "/", "-"))
			s := open(t, dir, spool.Options{})
			appendAll(t, s, 0, 1)
			require.NoError(t, s.Close())
			assert.Len(t, recovered(t, open(t, dir, spool.Options{})), 1)
		})
	}
}

// both runs a test with each way to sync.
func both(t *testing.T, test func(t *testing.T, o spool.Options)) {
	t.Helper()
	for name, sync := range map[string]spool.Sync{"always": spool.Always, "interval": spool.Interval} {
		t.Run(name, func(t *testing.T) { test(t, spool.Options{Sync: sync, Every: time.Millisecond}) })
	}
}

func TestUnsettledEventsComeBack(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		dir := filepath.Join(t.TempDir(), "spool")
		s := open(t, dir, o)
		assert.Empty(t, recovered(t, s))
		ids := appendAll(t, s, 0, 10)
		require.NoError(t, s.Sending(t.Context(), ids[:6]))
		require.NoError(t, s.Settled(t.Context(), []uint64{ids[3], ids[0], ids[4]}))
		require.NoError(t, s.Settled(t.Context(), []uint64{ids[0], 999}), "settling twice, or what is not there, does no harm")
		require.NoError(t, s.Close())

		for range 2 { // it does not matter how often it is opened
			s = open(t, dir, o)
			var want []batcher.StoredEvent
			for _, n := range []int{1, 2, 5, 6, 7, 8, 9} {
				e := numbered(n)
				e.ID, e.InDoubt = ids[n], n < 6
				want = append(want, e)
			}
			assert.Equal(t, want, recovered(t, s))
			require.NoError(t, s.Close())
		}

		s = open(t, dir, o)
		later := appendAll(t, s, 10, 11)
		assert.Greater(t, later[0], ids[9], "ids go on")
		require.NoError(t, s.Settled(t.Context(), append(later, ids...)))
		require.NoError(t, s.Close())
		assert.Empty(t, recovered(t, open(t, dir, o)))
	})
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, spool.Options{})
	appendAll(t, s, 0, 3)
	seen := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		assert.Equal(t, want, info.Mode().Perm(), path)
		seen++
		return nil
	}))
	assert.Equal(t, 6, seen, "the directory, the lock, two stages, the reserve, a segment")
}

func TestOneOpensADirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	_, err := spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrInUse)
	assert.ErrorContains(t, err, dir)
	_, err = spool.Inspect(dir)
	require.ErrorIs(t, err, spool.ErrInUse)

	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is nothing")
	v, err := spool.Inspect(dir)
	require.NoError(t, err)
	_, err = spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrInUse, "while somebody reads")
	require.NoError(t, v.Close())
	open(t, dir, spool.Options{})
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	require.NoError(t, s.Close())
	_, err := s.Append(t.Context(), numbered(0))
	require.ErrorIs(t, err, spool.ErrClosed)
	require.ErrorIs(t, s.Sending(t.Context(), []uint64{1}), spool.ErrClosed)
	require.ErrorIs(t, s.Settled(t.Context(), []uint64{1}), spool.ErrClosed)
}

func TestOptions(t *testing.T) {
	for name, row := range map[string]struct {
		o    spool.Options
		want string
	}{
		"sync":          {spool.Options{Sync: 2}, "use Always or Interval"},
		"every":         {spool.Options{Every: -1}, "must not be negative"},
		"segment bytes": {spool.Options{SegmentBytes: -1}, "must not be negative"},
		"max bytes":     {spool.Options{SegmentBytes: 100, MaxBytes: 199}, "at least twice SegmentBytes (100)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "spool")
			_, err := spool.Open(dir, row.o)
			require.ErrorContains(t, err, row.want)
			assert.NoDirExists(t, dir)
		})
	}
}

func TestMaxBytesBoundsAndSettlingMakesRoom(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		o.SegmentBytes, o.MaxBytes = 1000, 4000
		s := open(t, t.TempDir(), o)
		var ids []uint64
		var err error
		for n := 0; err == nil; n++ {
			var id uint64
			if id, err = s.Append(t.Context(), numbered(n)); err == nil {
				ids = append(ids, id)
			}
		}
		require.ErrorIs(t, err, spool.ErrFull)
		require.ErrorContains(t, err, "MaxBytes is 4000")
		assert.Greater(t, len(ids), 20)
		require.NoError(t, s.Settled(t.Context(), ids))
		require.Eventually(t, func() bool {
			_, err := s.Append(t.Context(), numbered(0))
			return err == nil
		}, time.Minute, time.Millisecond)
	})
}

func TestAnEventThatIsTooLarge(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	e := numbered(0)
	e.JSON = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	_, err := s.Append(t.Context(), e)
	require.ErrorContains(t, err, "too large")
	e.JSON = e.JSON[100:]
	_, err = s.Append(t.Context(), e)
	require.NoError(t, err)
}

// Producers keep both stages full, so that Append has to wait for room.
func TestManyProducers(t *testing.T) {
	both(t, func(t *testing.T, o spool.Options) {
		o.SegmentBytes = 200_000
		dir := t.TempDir()
		s := open(t, dir, o)
		const producers, each = 16, 300
		got := make([][]uint64, producers)
		var wg sync.WaitGroup
		for p := range producers {
			wg.Go(func() {
				for n := range each {
					e := numbered(n)
					e.UserID = fmt.Sprint(p)
					e.JSON = fmt.Appendf(nil, `"%d %s"`, n, strings.Repeat("x", 2000))
					id, err := s.Append(t.Context(), e)
					if !assert.NoError(t, err) {
						return
					}
					got[p] = append(got[p], id)
					if n%3 == 0 {
						assert.NoError(t, s.Sending(t.Context(), []uint64{id}))
						assert.NoError(t, s.Settled(t.Context(), []uint64{id}))
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, s.Close())
		back := map[string][]uint64{}
		for _, e := range recovered(t, open(t, dir, o)) {
			back[e.UserID] = append(back[e.UserID], e.ID)
			assert.False(t, e.InDoubt)
		}
		for p := range producers {
			var want []uint64
			for n, id := range got[p] {
				if n%3 != 0 {
					want = append(want, id)
				}
			}
			assert.IsIncreasing(t, got[p])
			assert.Equal(t, want, back[fmt.Sprint(p)])
		}
	})
}

func TestSettledFilesGoAndSparseOnesShrink(t *testing.T) {
	dir := t.TempDir()
	o := spool.Options{SegmentBytes: 50_000, Every: time.Millisecond}
	s := open(t, dir, o)
	const n = 4000
	var ids [n]uint64
	var wg sync.WaitGroup
	for p := range 16 {
		wg.Go(func() {
			for i := p; i < n; i += 16 {
				id, err := s.Append(t.Context(), numbered(i))
				assert.NoError(t, err)
				ids[i] = id
			}
		})
	}
	wg.Wait()
	full := segmentBytes(t, dir)
	var most, kept []uint64
	for i, id := range ids {
		if i == 100 || i == 101 {
			kept = append(kept, id)
		} else {
			most = append(most, id)
		}
	}
	require.NoError(t, s.Sending(t.Context(), kept[:1]))
	require.NoError(t, s.Settled(t.Context(), most))
	require.Eventually(t, func() bool { return segmentBytes(t, dir) < full/4 }, time.Minute, time.Millisecond)
	require.NoError(t, s.Close())
	s = open(t, dir, o)
	back := recovered(t, s)
	require.Len(t, back, 2)
	for _, e := range back {
		assert.Equal(t, e.ID == kept[0], e.InDoubt, "a rewritten file keeps the doubt")
	}
	require.NoError(t, s.Settled(t.Context(), kept))
	require.Eventually(t, func() bool { return segmentFiles(t, dir) == 1 }, time.Minute, time.Millisecond)
}

func segmentFiles(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	require.NoError(t, err)
	return len(files)
}

func segmentBytes(t *testing.T, dir string) (sum int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	require.NoError(t, err)
	for _, path := range files {
		if info, err := os.Stat(path); err == nil { // it may be gone by now
			sum += info.Size()
		}
	}
	return sum
}

// While the caller walks what is left, it delivers it: files may go behind the walk.
func TestSettlingDuringRecover(t *testing.T) {
	dir := t.TempDir()
	o := spool.Options{SegmentBytes: 2000, Sync: spool.Interval, Every: time.Millisecond}
	s := open(t, dir, o)
	ids := appendAll(t, s, 0, 500)
	require.NoError(t, s.Close())
	s = open(t, dir, o)
	var back []uint64
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		back = append(back, e.ID)
		require.NoError(t, s.Sending(t.Context(), []uint64{e.ID}))
		require.NoError(t, s.Settled(t.Context(), []uint64{e.ID}))
	}
	assert.Equal(t, ids, back)
	require.NoError(t, s.Close())
	assert.Empty(t, recovered(t, open(t, dir, o)))
}

// With Interval nobody waits for the disk, and Close leaves no goroutine: the bubble would not end.
func TestIntervalOnAClock(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(dir, spool.Options{Sync: spool.Interval, Every: time.Hour})
		require.NoError(t, err)
		started := time.Now()
		_, err = s.Append(t.Context(), numbered(0))
		require.NoError(t, err)
		assert.Zero(t, time.Since(started))
		require.NoError(t, s.Close())
	})
	assert.Len(t, recovered(t, open(t, dir, spool.Options{})), 1)
}

// A context that is over does not matter if there is room: Append accepts the event at once.
func TestAContextThatIsOver(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Append(ctx, numbered(0))
	require.NoError(t, err)
}
