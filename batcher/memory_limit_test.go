package batcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pressure is what a process under a memory limit does: players whose events fill Config.MaxBytes while the service is down, which then
// comes back.
type pressure struct {
	MaxBytes int
	Players  int
	Pad      int // bytes of text in an event
}

// pressed is what it saw.
type pressed struct {
	Limit     int64
	Ledger    Ledger
	Bytes     int64   // of JSON, when it was full
	Got       int64   // events that the service took
	Wrong     int64   // of them, those that came twice or out of order
	Live      uint64  // bytes of objects alive, when it was full
	Peak      uint64  // bytes of memory at most, all that Go has and has not given back
	GC        float64 // part of the processors' time that the collector took
	Exhausted bool    // the first TryTrack that failed said ErrFull
}

// pressureEnv tells a child process what to do.
const pressureEnv = "BATCHER_TEST_PRESSURE"

// TestMemoryPressure runs itself as a process whose GOMEMLIMIT is near Config.MaxBytes, or below. The limit is soft: the collector works
// harder, and the process lives. What bounds the memory is the batcher.
func TestMemoryPressure(t *testing.T) {
	if in := os.Getenv(pressureEnv); in != "" {
		underPressure(t, in)
		return
	}
	t.Parallel()
	if runtime.GOOS == "js" || runtime.GOOS == "wasip1" {
		t.Skip("no processes there")
	}
	for _, row := range []struct {
		name    string
		limit   int // GOMEMLIMIT
		do      pressure
		perByte float64 // heap of what waits, for a byte of JSON
	}{
		{"two thirds of the limit, many events a player", 24 << 20, pressure{16 << 20, 200, 100}, 1.5},
		{"nearly all of the limit, many events a player", 24 << 20, pressure{22 << 20, 200, 100}, 1.5},
		{"more than the limit", 16 << 20, pressure{20 << 20, 200, 100}, 1.5},
		{"nearly all of the limit, long events", 24 << 20, pressure{22 << 20, 500, 4000}, 1.5},
		{"nearly all of the limit, few events a player", 24 << 20, pressure{10 << 20, 5_000, 100}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			saw := child(t, row.limit, row.do)
			t.Logf("limit %d MiB, MaxBytes %d MiB: alive %.1f MiB (%.2f a byte of JSON), peak %.1f MiB, collector %.0f %% of the time",
				row.limit>>20, row.do.MaxBytes>>20, mib(saw.Live), float64(saw.Live)/float64(saw.Bytes), mib(saw.Peak), 100*saw.GC)
			assert.Equal(t, int64(row.limit), saw.Limit)
			assert.True(t, saw.Exhausted)
			assert.LessOrEqual(t, saw.Bytes, int64(row.do.MaxBytes))
			assert.Greater(t, saw.Bytes, int64(row.do.MaxBytes-8<<10), "filled to the last event")
			assert.Positive(t, saw.Ledger.Accepted)
			assert.Equal(t, Ledger{Accepted: saw.Ledger.Accepted, Delivered: saw.Ledger.Accepted}, saw.Ledger, "nothing is lost")
			assert.Equal(t, saw.Ledger.Accepted, saw.Got)
			assert.Zero(t, saw.Wrong)
			const base = 8 << 20 // of the test binary itself, and the requests under way
			assert.Less(t, float64(saw.Live), row.perByte*float64(saw.Bytes)+base)
			assert.Less(t, saw.Peak, 2*saw.Live+base, "no more than without a limit")
		})
	}
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

// child runs the test once more as a process of its own.
func child(t *testing.T, limit int, do pressure) (saw pressed) {
	t.Helper()
	in, err := json.Marshal(do)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryPressure$", "-test.v")
	cmd.Env = append(os.Environ(), pressureEnv+"="+string(in), "GOMEMLIMIT="+strconv.Itoa(limit))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		if _, result, found := strings.Cut(line, pressureEnv+"="); found {
			require.NoError(t, json.Unmarshal([]byte(result), &saw))
			return saw
		}
	}
	require.Fail(t, "the process told nothing", string(out))
	return saw
}

// underPressure is what the child process does.
func underPressure(t *testing.T, in string) {
	t.Helper()
	var do pressure
	require.NoError(t, json.Unmarshal([]byte(in), &do))
	saw := pressed{Limit: debug.SetMemoryLimit(-1)}
	service := &checking{next: make([]atomic.Int64, do.Players)}
	service.down.Store(true)
	b, err := New(service, Config{
		GameID: game, Tokens: oneToken, MaxBytes: do.MaxBytes, MaxEvents: 100_000_000, Linger: time.Millisecond, MaxInFlight: 8,
	})
	require.NoError(t, err)
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			saw.Peak = max(saw.Peak, held())
			select {
			case <-ended:
				return
			case <-tick.C:
			}
		}
	}()
	pad := slog.String("pad", strings.Repeat("x", do.Pad))
	players := make([]*Player, do.Players)
	for i := range players {
		players[i] = b.Player(strconv.Itoa(i))
	}
	for n := 0; err == nil; n++ {
		for _, p := range players {
			if err = p.TryTrackAttrs(LevelCompleted, slog.Int("n", n), pad); err != nil {
				break
			}
		}
	}
	saw.Exhausted = errors.Is(err, ErrFull)
	saw.Bytes = b.Stats().PendingBytes
	saw.Live = uint64(alive())
	service.down.Store(false)
	require.NoError(t, b.Flush(t.Context()))
	report, err := b.Close(t.Context())
	require.NoError(t, err)
	close(ended)
	<-watched
	saw.Ledger, saw.Got, saw.Wrong = report.Ledger, service.got.Load(), service.wrong.Load()
	saw.GC = collectorShare()
	out, err := json.Marshal(saw)
	require.NoError(t, err)
	t.Logf("%s=%s", pressureEnv, out)
}

// checking is a Sender that checks that each player's events come once and in order.
type checking struct {
	down       atomic.Bool
	got, wrong atomic.Int64
	next       []atomic.Int64 // by player
}

// Send implements Sender.
func (c *checking) Send(_ context.Context, b Batch) (Receipt, error) {
	if c.down.Load() {
		return Receipt{}, failure(NotSent)
	}
	player, err := strconv.Atoi(b.UserID)
	if err != nil {
		return Receipt{}, fmt.Errorf("not a player of this test: %w", err)
	}
	for _, n := range numbers(b.AppendBody(nil)) {
		c.got.Add(1)
		if c.next[player].Add(1) != int64(n)+1 {
			c.wrong.Add(1)
		}
	}
	return Receipt{}, nil
}

// held returns the bytes of memory that Go has and has not given back, which is what GOMEMLIMIT limits.
func held() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// collectorShare returns which part of the time the collector took.
func collectorShare() float64 {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}}
	metrics.Read(samples)
	return samples[0].Value.Float64() / samples[1].Value.Float64()
}
