package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulation, held to what it promises: the same seed is the same run, a broken batcher is
// found, and the batcher as it is keeps its promises over a fixed list of seeds.

// testHost is built once: the world takes some seconds to build and to compile.
var testHost = sync.OnceValues(func() (*host, error) { return newHost(context.Background(), "") })

func theHost(t *testing.T) *host {
	t.Helper()
	h, err := testHost()
	require.NoError(t, err)
	return h
}

// TestASeedIsPlayedAgain plays each seed twice, in memories of their own and side by side.
func TestASeedIsPlayedAgain(t *testing.T) {
	t.Parallel()
	h := theHost(t)
	for seed := range uint64(20) {
		var results [2]result
		var both sync.WaitGroup
		for i := range results {
			both.Go(func() {
				var err error
				results[i], err = h.play(t.Context(), plan{seed: seed + 1}, false)
				assert.NoError(t, err)
			})
		}
		both.Wait()
		assert.Equal(t, results[0].hash, results[1].hash, "seed %d", seed+1)
		assert.Equal(t, results[0].virtual, results[1].virtual, "seed %d", seed+1)
		assert.NotEmpty(t, results[0].hash)
	}
}

// TestSeedsAreWorldsOfTheirOwn: a host that ignored its seed would repeat itself, too.
func TestSeedsAreWorldsOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := theHost(t)
	seen := map[string]bool{}
	for seed := range uint64(5) {
		r, err := h.play(t.Context(), plan{seed: seed + 1}, false)
		require.NoError(t, err)
		seen[r.hash] = true
	}
	assert.Len(t, seen, 5)
}

// TestFixedSeeds plays the seeds from 1 on.
//
//	PLAYLINE_SIM_SEEDS=1000 go test -run FixedSeeds ./sim    so many (100)
func TestFixedSeeds(t *testing.T) {
	t.Parallel()
	seeds := 100
	if text := os.Getenv("PLAYLINE_SIM_SEEDS"); text != "" {
		var err error
		seeds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	h := theHost(t)
	var virtual time.Duration
	for seed := range uint64(seeds) {
		r, err := h.play(t.Context(), plan{seed: seed + 1}, false)
		require.NoError(t, err)
		require.Equal(t, ok, r.verdict, "replay: go run ./sim -seed %d\n%s", seed+1, r.words)
		virtual += r.virtual
	}
	t.Logf("%d seeds, %s of virtual time", seeds, virtual.Round(time.Second))
}

// TestABrokenBatcherIsFound plays a batcher that books what may be lost as delivered.
func TestABrokenBatcherIsFound(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs("../batcher/delivery.go")
	require.NoError(t, err)
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	const code, wrong = "if err == nil {\n\t\tb.delivered(", "if err == nil || f.Failure == InDoubt {\n\t\tb.delivered("
	require.Equal(t, 1, bytes.Count(source, []byte(code)), "mend this test: the code that it breaks has changed")
	folder := t.TempDir()
	changed := filepath.Join(folder, "delivery.go")
	require.NoError(t, os.WriteFile(changed, bytes.Replace(source, []byte(code), []byte(wrong), 1), 0o600))
	overlay := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace":{%q:%q}}`, path, changed), 0o600))
	var out bytes.Buffer
	err = run(t.Context(), []string{"-seeds", "200", "-workers", "2", "-overlay", overlay}, &out)
	require.ErrorContains(t, err, "is broken", out.String())
	assert.Contains(t, out.String(), "is told as delivered, and the service does not have it")
	assert.Contains(t, out.String(), "replay: go run ./sim -seed ")
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown flag", []string{"-sed", "1"}, "flag provided but not defined: -sed"},
		{"a seed that is no number", []string{"-seed", "seven"}, `invalid value "seven" for flag -seed`},
		{"a negative seed", []string{"-seed", "-1"}, `invalid value "-1" for flag -seed`},
		{"a word too many", []string{"7"}, `"7" is not an option`},
		{"no seeds", []string{"-seeds", "0"}, "-seeds must be at least 1"},
		{"no workers", []string{"-workers", "0"}, "-workers must be at least 1"},
		{"steps of many", []string{"-seeds", "2", "-steps"}, "-steps is for one seed"},
		{"negative players", []string{"-players", "-2"}, "-players and -actions must be 0 or more"},
		{"an overlay that is not there", []string{"-overlay", "nowhere.json"}, "the world does not build"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), row.args, &out), row.want)
		})
	}
}
