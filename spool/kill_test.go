package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/spool"
)

// victim is the process that the test kills. Several goroutines append, note and settle, each for
// its own player. They print each call and each return to standard output. A line is one write to a
// pipe, so it arrives whole even if the process is killed right after it. A stubborn victim
// continues after errors of the spool.
func victim(dir string, o spool.Options, from int, stubborn bool) error {
	s, err := spool.Open(dir, o)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }
	const players = 8
	var wg sync.WaitGroup
	for p := range players {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(from), uint64(p)))
			var ids []uint64
			for n := from + p; ; n += players {
				say("append %d", n)
				id, err := s.Append(context.Background(), killed(n, p))
				if err != nil && stubborn {
					say("refused %d", n)
					_ = s.Sync(context.Background()) // until the next try
					continue
				}
				if err != nil {
					say("error %v", err)
					return
				}
				say("appended %d %d", n, id)
				ids = append(ids, id)
				if random.IntN(4) > 0 {
					continue
				}
				some := ids[:random.IntN(len(ids)+1)]
				list := strings.Trim(fmt.Sprint(some), "[]")
				say("send %s", list)
				if err := s.Sending(context.Background(), some); err != nil && stubborn {
					continue
				} else if err != nil {
					say("error %v", err)
					return
				}
				say("sent %s", list)
				if random.IntN(3) == 0 {
					continue
				}
				say("settle %s", list)
				if err := s.Settled(context.Background(), some); err != nil {
					say("error %v", err)
					return
				}
				say("settled %s", list)
				ids = ids[len(some):]
			}
		})
	}
	wg.Wait()
	return nil
}

func killed(n, p int) batcher.StoredEvent {
	return batcher.StoredEvent{
		UserID: fmt.Sprintf("device-%d", p), Accepted: time.UnixMilli(int64(n)), Once: n%2 == 0,
		JSON: fmt.Appendf(nil, `{"n":%d,"p":%d,"pad":"%s"}`, n, p, strings.Repeat("x", n%300)),
	}
}

func TestMain(m *testing.M) {
	from, _ := strconv.Atoi(os.Getenv("SPOOL_FROM"))
	o := spool.Options{SegmentBytes: 20_000, Every: 5 * time.Millisecond}
	if os.Getenv("SPOOL_SYNC") == "interval" {
		o.Sync = spool.Interval
	}
	if dir := os.Getenv("SPOOL_VICTIM"); dir != "" {
		if err := victim(dir, o, from, os.Getenv("SPOOL_STUBBORN") != ""); err != nil {
			fmt.Fprintln(os.Stdout, "error", err)
		}
		os.Exit(1)
	}
	if dir := os.Getenv("SPOOL_ROT"); dir != "" {
		if err := rotten(dir, o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("SPOOL_GAME"); dir != "" {
		if err := gameServer(dir, o, os.Getenv("SPOOL_URL"), from); err != nil {
			fmt.Fprintln(os.Stdout, "error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// onSmallDisk reports whether this is the process of a test with a file system of its own.
var onSmallDisk = os.Getenv("SPOOL_DISK") != ""

// journal is the state of an event according to the victim's lines.
type journal struct {
	id              uint64
	appended        bool
	refused         bool
	send, sent      bool // begun, returned
	settle, settled bool
	gone            bool // it was not there after a kill: it must not come back
}

// A process that appends, notes and settles is killed at random moments. See killRounds.
func TestKilled(t *testing.T) {
	rounds := killRounds()
	for _, sync := range []string{"always", "interval"} {
		t.Run(sync, func(t *testing.T) {
			dir := t.TempDir()
			known, byID := map[int]*journal{}, map[uint64]*journal{}
			from, back := 0, 0
			for round := range rounds / 2 {
				kill(t, dir, sync, from, 20+rand.IntN(3000), known, byID)
				for n := range known {
					from = max(from, n+1)
				}
				n, err := checkRecovered(t, dir, known, byID)
				require.NoError(t, err)
				back += n
				if t.Failed() {
					t.Fatalf("round %d", round)
				}
			}
			assert.Positive(t, back)
			t.Logf("%d rounds, %d events begun, %d recovered (over all rounds)", rounds/2, len(known), back)
		})
	}
}

// kill starts a victim, kills it after a number of lines, and records all its lines.
func kill(t *testing.T, dir, sync string, from, lines int, known map[int]*journal, byID map[uint64]*journal) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SPOOL_VICTIM="+dir, "SPOOL_SYNC="+sync, fmt.Sprint("SPOOL_FROM=", from))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for seen := 0; scanner.Scan(); seen++ {
		if seen == lines {
			require.NoError(t, cmd.Process.Kill())
		}
		word, rest, _ := strings.Cut(scanner.Text(), " ")
		var numbers []int
		for _, field := range strings.Fields(rest) {
			if n, err := strconv.Atoi(field); err == nil {
				numbers = append(numbers, n)
			}
		}
		switch word {
		case "append":
			known[numbers[0]] = &journal{}
		case "appended":
			j := known[numbers[0]]
			j.appended, j.id = true, uint64(numbers[1])
			byID[j.id] = j
		case "refused":
			known[numbers[0]].refused = true
		case "send", "sent", "settle", "settled":
			for _, id := range numbers {
				j := byID[uint64(id)]
				j.send = true
				j.sent = j.sent || word != "send"
				j.settle = j.settle || word == "settle" || word == "settled"
				j.settled = j.settled || word == "settled"
			}
		default:
			assert.Fail(t, "the victim failed", "%s", scanner.Text())
		}
	}
	require.NoError(t, scanner.Err())
	_ = cmd.Wait() // killed
	require.Empty(t, stderr.String())
}

// checkRecovered compares what the next process finds with what is known. The error is that
// process's Close.
func checkRecovered(t *testing.T, dir string, known map[int]*journal, byID map[uint64]*journal) (n int, err error) {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{SegmentBytes: 20_000, Report: func(d spool.Damage) { assert.Fail(t, "damage", "%s", d) }})
	require.NoError(t, err)
	there := map[int]bool{}
	last := uint64(0)
	latest := map[string]int{}
	for e, err := range s.Recover(t.Context()) {
		require.NoError(t, err)
		var in struct{ N, P int }
		require.NoError(t, json.Unmarshal(e.JSON, &in))
		j := known[in.N]
		require.NotNil(t, j, "never appended: %s", e.JSON)
		want := killed(in.N, in.P)
		want.ID, want.InDoubt = e.ID, e.InDoubt
		assert.Equal(t, want, e)
		assert.Greater(t, e.ID, last, "order")
		last = e.ID
		if before, ok := latest[e.UserID]; ok {
			assert.Greater(t, in.N, before, "a player's order")
		}
		latest[e.UserID] = in.N
		assert.False(t, there[in.N], "twice")
		there[in.N] = true
		assert.False(t, j.gone, "it comes back")
		assert.False(t, j.refused, "it was refused")
		// On a full disk what is settled is kept in memory. It was sent, and is marked so.
		assert.False(t, j.settled && !(onSmallDisk && e.InDoubt), "it was settled")
		if j.appended {
			assert.Equal(t, j.id, e.ID)
		}
		// Killed between the append and its line: now it is known.
		j.appended, j.id, j.settle, j.settled = true, e.ID, false, false
		byID[e.ID] = j
		if j.send == j.sent { // otherwise it was killed in Sending
			assert.Equal(t, j.sent, e.InDoubt, "in doubt, of %+v", *j)
		}
		j.send, j.sent = e.InDoubt, e.InDoubt
		n++
	}
	for number, j := range known {
		if there[number] {
			continue
		}
		assert.False(t, j.appended && !j.settle && !j.gone, "event %d is lost: %+v", number, *j)
		j.gone = true
	}
	return n, s.Close()
}
