package playline

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestImportAllResumesExactly is a model test: whatever fails when, no player is sent twice or left out over all runs.
func TestImportAllResumesExactly(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 7))
				var mu sync.Mutex
				draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
				n := 1 + draw(9000)
				server := &importServer{
					delay: func(int) time.Duration { return time.Duration(draw(1000)) * time.Millisecond },
					answer: func(int, []string) (step, bool) {
						switch draw(6) {
						case 0:
							return failed(401), false
						case 1:
							return step{lose: true}, true
						case 2:
							return failed(422), false
						}
						return step{}, true
					},
				}
				spoiled := func(i int, p *Player) {
					if i%997 == 3 {
						p.ExternalID = ""
					}
				}
				settled := make([]int, n) // how often each player was a failure
				imported, point := 0, ImportPoint{}
				for run := 0; ; run++ {
					require.Less(t, run, 200, "it makes no progress")
					kept, err := json.Marshal(point)
					require.NoError(t, err)
					point = ImportPoint{}
					require.NoError(t, json.Unmarshal(kept, &point), "a point survives as JSON")
					summary, err := importAll(t, server, playersUpTo(n, spoiled), ImportOptions{Concurrency: 4, Resume: point})
					for _, f := range summary.Failures {
						settled[f.Index]++
					}
					assert.Equal(t, len(summary.Failures), summary.Failed)
					imported += summary.Imported
					point = summary.Resume
					if err == nil {
						break
					}
				}
				assert.Equal(t, ImportPoint{Next: n, Done: point.Done}, point)
				assert.Empty(t, point.Done)
				failures := 0
				for i, times := range settled {
					sent := server.stored[fmt.Sprintf("player-%d", i)]
					require.LessOrEqual(t, sent, 1, "player %d was stored twice", i)
					require.LessOrEqual(t, times, 1, "player %d failed twice", i)
					require.Positive(t, sent+times, "player %d was left out", i)
					failures += times
				}
				assert.Equal(t, n, imported+failures, "every player is imported or a failure")
			})
		})
	}
}

// TestImportAllResumesAfterAKill goes on from a point that Progress reported, as after a kill -9 whose
// summary nobody got: no player is left out, and only players after that point are sent again.
func TestImportAllResumesAfterAKill(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 11))
				var mu sync.Mutex
				draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return rng.IntN(n) }
				n := 3000 + draw(4000)
				server := &importServer{delay: func(int) time.Duration { return time.Duration(draw(1000)) * time.Millisecond }}
				spoiled := func(i int, p *Player) {
					if i%997 == 3 {
						p.ExternalID = ""
					}
				}
				var points []ImportPoint    // that Progress reported
				var failures [][]int        // that OnFailure got before each of them
				var before []map[string]int // what was stored at each of them
				var failed []int
				_, err := importAll(t, server, playersUpTo(n, spoiled), ImportOptions{
					Concurrency: 4,
					OnFailure:   func(f ImportFailure) { failed = append(failed, f.Index) },
					Progress: func(p ImportProgress) {
						points = append(points, p.Resume)
						failures = append(failures, slices.Clone(failed))
						server.mu.Lock()
						defer server.mu.Unlock()
						before = append(before, maps.Clone(server.stored))
					},
				})
				require.NoError(t, err)
				require.Equal(t, ImportPoint{Next: n}, points[len(points)-1])

				killed := draw(len(points))
				point := points[killed]
				kept, err := json.Marshal(point)
				require.NoError(t, err)
				server.mu.Lock()
				server.stored = before[killed]
				server.mu.Unlock()
				failed = failures[killed]
				point = ImportPoint{}
				require.NoError(t, json.Unmarshal(kept, &point))
				_, err = importAll(t, server, playersUpTo(n, spoiled), ImportOptions{
					Resume: point, OnFailure: func(f ImportFailure) { failed = append(failed, f.Index) },
				})
				require.NoError(t, err)
				for i := range n {
					sent := server.stored[fmt.Sprintf("player-%d", i)]
					if i%997 == 3 {
						require.Zero(t, sent)
						require.Len(t, slices.DeleteFunc(slices.Clone(failed), func(f int) bool { return f != i }), 1, "failures of player %d", i)
						continue
					}
					require.Positive(t, sent, "player %d was left out", i)
				}
			})
		})
	}
}
