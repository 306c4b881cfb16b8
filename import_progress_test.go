package playline

import (
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ImportAll: chunks, progress, resuming, and its bounds.

func TestImportAllRefusesWrongOptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		o    ImportOptions
		want string
	}{
		"negative concurrency": {ImportOptions{Concurrency: -1}, "Concurrency must be from 1 to 64"},
		"too much":             {ImportOptions{Concurrency: 65}, "Concurrency must be from 1 to 64"},
		"a negative place":     {ImportOptions{Resume: ImportPoint{Next: -1}}, "Resume.Next must not be negative"},
		"a range before":       {ImportOptions{Resume: ImportPoint{Next: 10, Done: []ImportRange{{5, 12}}}}, "Resume.Done must be ranges behind Next"},
		"an empty range":       {ImportOptions{Resume: ImportPoint{Done: []ImportRange{{5, 5}}}}, "Resume.Done"},
		"ranges that overlap":  {ImportOptions{Resume: ImportPoint{Done: []ImportRange{{5, 9}, {8, 12}}}}, "Resume.Done"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &importServer{}
			summary, err := importAll(t, server, playersUpTo(5, nil), test.o)
			require.ErrorContains(t, err, test.want)
			require.ErrorIs(t, err, ErrInvalid)
			assert.Nil(t, summary)
			assert.Empty(t, server.requests)
		})
	}
	server := &importServer{}
	_, err := importAll(t, server, playersUpTo(5, nil), ImportOptions{}, nil)
	require.ErrorContains(t, err, "opts must not hold nil")
	summary, err := importAll(t, server, playersUpTo(5000, nil), ImportOptions{}, IdempotencyKey("k"))
	require.ErrorContains(t, err, "IdempotencyKey", "a wrong option is no fault of the players")
	assert.Zero(t, summary.Failed)
	assert.Zero(t, summary.Resume.Next)
	assert.Empty(t, server.requests)
}

func TestImportAllSkipsWhatIsSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &importServer{}
		o := ImportOptions{Resume: ImportPoint{Next: 2, Done: []ImportRange{{3, 5}, {5, 6}, {9, 20}}}}
		summary, err := importAll(t, server, playersUpTo(10, nil), o)
		require.NoError(t, err)
		assert.Equal(t, ImportProgress{Read: 10, Imported: 4, Resume: ImportPoint{Next: 20}}, summary.ImportProgress)
		assert.Len(t, server.stored, 4)
		for _, i := range []int{2, 6, 7, 8} {
			assert.Equal(t, 1, server.stored[fmt.Sprintf("player-%d", i)])
		}
		assert.Equal(t, 20, summary.Resume.Next)
		assert.Equal(t, []ImportRange{{3, 5}, {5, 6}, {9, 20}}, o.Resume.Done, "the caller's point is changed")

		summary, err = importAll(t, server, playersUpTo(10, nil), ImportOptions{Resume: ImportPoint{Next: 10}})
		require.NoError(t, err)
		assert.Equal(t, ImportProgress{Read: 10, Resume: ImportPoint{Next: 10}}, summary.ImportProgress)
	})
}

func TestImportAllCallsBackOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inside atomic.Int32
		alone := func() {
			assert.Equal(t, int32(1), inside.Add(1), "two callbacks at once")
			runtime.Gosched() // no sleep: a bubble's clock stands still while others wait for the lock
			inside.Add(-1)
		}
		var progress []ImportProgress
		failures := 0
		summary, err := importAll(t, &importServer{delay: func(int) time.Duration { return time.Second }},
			playersUpTo(20_000, func(i int, p *Player) {
				if i%100 == 0 {
					p.ExternalID = ""
				}
			}), ImportOptions{
				Concurrency: 8,
				Progress:    func(p ImportProgress) { alone(); progress = append(progress, p) },
				OnFailure:   func(f ImportFailure) { alone(); assert.Zero(t, f.Index%100); failures++ },
			})
		require.NoError(t, err)
		assert.Equal(t, 200, failures)
		assert.Empty(t, summary.Failures, "OnFailure takes them in place of the summary")
		assert.Equal(t, ImportProgress{Read: 20_000, Imported: 19_800, Failed: 200, Resume: ImportPoint{Next: 20_000}}, summary.ImportProgress)
		require.Len(t, progress, 20)
		for i := 1; i < len(progress); i++ {
			assert.GreaterOrEqual(t, progress[i].Read, progress[i-1].Read)
			assert.Greater(t, progress[i].Imported, progress[i-1].Imported)
		}
		assert.Equal(t, summary.ImportProgress, progress[19])
	})
}

func TestImportAllBoundsItsConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		base := &importServer{}
		server := roundTripper(func(req *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			time.Sleep(time.Second)
			return base.RoundTrip(req)
		})
		var last Response
		started := time.Now()
		_, err := importAll(t, server, playersUpTo(12_000, nil), ImportOptions{Concurrency: 4}, CaptureResponse(&last))
		require.NoError(t, err)
		assert.Equal(t, int32(4), most.Load())
		assert.Equal(t, 3*time.Second, time.Since(started))
		assert.Equal(t, 200, last.StatusCode, "captured without a race")
	})
}

// TestImportAllHoldsNoMoreThanItsChunks imports a million players that are made on the way, every tenth invalid, and looks at the
// heap as it goes.
func TestImportAllHoldsNoMoreThanItsChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("a million players")
	}
	const n = 1_000_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var heaps []uint64
	ahead, read := 0, 0
	server := roundTripper(func(req *http.Request) (*http.Response, error) {
		return step{body: `{"success":true,"imported":900,"errors":[]}`}.response(req), nil
	})
	summary, err := importAll(t, server, playersUpTo(n, func(i int, p *Player) {
		read = i
		if i%10 == 0 {
			p.ExternalID = ""
		}
		if i%200_000 == 100_000 {
			heaps = append(heaps, heap())
		}
	}), ImportOptions{
		Concurrency: 1,
		OnFailure:   func(ImportFailure) {},
		Progress:    func(p ImportProgress) { ahead = max(ahead, p.Imported+p.Failed) },
	})
	require.NoError(t, err)
	assert.Equal(t, ImportProgress{Read: n, Imported: n - n/10, Failed: n / 10, Resume: ImportPoint{Next: n}}, summary.ImportProgress)
	assert.Equal(t, n, ahead)
	assert.Equal(t, n-1, read)
	require.Len(t, heaps, 5)
	for _, h := range heaps[1:] {
		// A heap that kept the players would be twice as large at the second look and five times at the last.
		assert.Less(t, float64(h), 1.7*float64(heaps[0])+2e6, "the heap grows with the input: %v", heaps)
	}
}
