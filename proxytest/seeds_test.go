package proxytest

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// eachSeed runs a random test from PLAYLINE_PROXY_FIRST (1) on, PLAYLINE_PROXY_SEEDS (few) times. A
// failing one says how to replay it.
func eachSeed(t *testing.T, few int, run func(t *testing.T, r *rand.Rand)) {
	t.Helper()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	first := number("PLAYLINE_PROXY_FIRST", 1)
	name := t.Name()
	for seed := first; seed < first+number("PLAYLINE_PROXY_SEEDS", few); seed++ {
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("replay: PLAYLINE_PROXY_FIRST=%d PLAYLINE_PROXY_SEEDS=1 go test -race -count=20 -run '^%s$' ./proxytest/", seed, name)
				}
			}()
			run(t, rand.New(rand.NewPCG(uint64(seed), 1)))
		})
	}
}

// TestMain looks, after all tests, for goroutines of the client, the batcher and the emulator that
// have not ended. Toxiproxy's own are left out: it leaves some behind, see line.change.
func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // the bandwidth toxic writes to the global logger
	// The tests wait more than they work. A flag of the command line still wins.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code := m.Run()
	left := ""
	for deadline := time.Now().Add(hung); ; {
		if left = goroutinesLeft(); left == "" || time.Now().After(deadline) {
			break
		}
		<-time.After(20 * time.Millisecond) // what was cancelled needs a moment to end
	}
	if left != "" {
		fmt.Fprintf(os.Stderr, "goroutines that did not end:\n%s\n", left)
		code = max(code, 1)
	}
	os.Exit(code)
}

// goroutinesLeft returns the stacks of the goroutines that should have ended with the tests.
func goroutinesLeft() string {
	stacks := make([]byte, 64<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var left []string
	for i, stack := range bytes.Split(stacks, []byte("\n\n")) {
		text := string(stack)
		ours := strings.Contains(text, "playline-go") || strings.Contains(text, "net/http.")
		if i > 0 && ours && !strings.Contains(text, "Shopify/toxiproxy") { // the first one is this
			left = append(left, text)
		}
	}
	return strings.Join(left, "\n\n")
}
