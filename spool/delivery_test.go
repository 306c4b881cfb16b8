package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/spool"
)

// A game server that is killed while it delivers, over client, batcher, spool and emulator.

const gamePlayers = 6

// gameServer is the process that the test kills. Goroutines of several players track, and a batcher
// on a spool delivers. The process prints every return and every reported result as one line on
// standard output. At "close" on standard input it closes the batcher and ends.
func gameServer(dir string, o spool.Options, url string, from int) error {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }
	say("started")
	store, err := spool.Open(dir, o)
	if err != nil {
		return err
	}
	say("opened")
	client, err := playline.New(playline.WithPlaySmart(), playline.WithBaseURL(playline.PlaySmart, url+emulator.PlaySmartPath))
	if err != nil {
		return err
	}
	tokens := emulator.New()
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster", Store: store, Linger: time.Millisecond, BatchEvents: 20, MaxEvents: 2000, MaxPlayerEvents: 2000,
		Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(tokens.Token(user, time.Hour))}, nil
		}),
		OnOutcome: func(o batcher.Outcome) {
			line := fmt.Sprintf("told %s %t", o.Result, o.PossibleDuplicates)
			for _, r := range o.Records {
				line += fmt.Sprint(" ", trackedNumber(r.JSON))
			}
			say("%s", line)
		},
	})
	if err != nil {
		return err
	}
	say("recovered")
	for p := range gamePlayers {
		go func() {
			player := b.Player(fmt.Sprintf("device-%d", p))
			for n := from + p; ; n += gamePlayers {
				if err := player.TrackAttrs(context.Background(), batcher.LevelCompleted, slog.Int("n", n)); err != nil {
					return // closed
				}
				say("tracked %d", n)
			}
		}()
	}
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	report, err := b.Close(context.Background())
	say("closed %d", report.Delivered+report.Pending-report.Accepted)
	if err != nil {
		return err
	}
	return store.Close()
}

func trackedNumber(event []byte) int {
	var in struct {
		CustomData struct{ N int } `json:"customdata"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return -1
	}
	return in.CustomData.N
}

// delivery is the state of an event, from the game servers' lines and from the spool after each
// kill.
type delivery struct {
	tracked   bool
	told      int
	toldTwice bool // as one that may have a copy
	doubts    int  // kills after which it was in doubt
	stored    int
}

// TestKilledWhileItDelivers kills a game server at random moments and starts it again. See
// killRounds.
func TestKilledWhileItDelivers(t *testing.T) {
	rounds := killRounds()
	for _, sync := range []string{"always", "interval"} {
		t.Run(sync, func(t *testing.T) {
			dir := t.TempDir()
			service := emulator.Start(t)
			known := map[int]*delivery{}
			waited, doubtful := 0, 0
			for round := range rounds / 2 {
				lines := 20 + rand.IntN(1500)
				if round > 0 && rand.IntN(4) == 0 {
					lines = rand.IntN(6) // while it starts
				}
				serve(t, dir, sync, service.URL, lines, known)
				w, d := whatWaits(t, dir, service, known)
				waited, doubtful = waited+w, doubtful+d
				if t.Failed() {
					t.Fatalf("round %d", round)
				}
			}
			serve(t, dir, sync, service.URL, -1, known)
			view, err := spool.Inspect(dir)
			require.NoError(t, err)
			for e, err := range view.Events() {
				require.NoError(t, err)
				assert.Fail(t, "it waits", "%s", e.JSON)
			}
			require.NoError(t, view.Close())
			service.Close() // a request of a killed process may still have been read
			copies := checkDelivered(t, service, known)
			assert.Positive(t, waited)
			t.Logf("%d kills, %d events; after the kills %d waited, %d of them in doubt; %d copies", rounds/2, len(known), waited, doubtful, copies)
		})
	}
}

// serve runs a game server and kills it after a number of lines. If the number is negative, the
// server ends by itself after 100 events.
func serve(t *testing.T, dir, sync, url string, lines int, known map[int]*delivery) {
	t.Helper()
	from := 0
	for n := range known {
		from = max(from, n+1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // one that is stuck says nothing
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "SPOOL_GAME="+dir, "SPOOL_SYNC="+sync, "SPOOL_URL="+url, fmt.Sprint("SPOOL_FROM=", from))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	of := func(field string) *delivery {
		n, err := strconv.Atoi(field)
		require.NoError(t, err)
		if known[n] == nil {
			known[n] = &delivery{}
		}
		return known[n]
	}
	closed := false
	for seen := 0; scanner.Scan(); seen++ {
		switch {
		case seen == lines:
			require.NoError(t, cmd.Process.Kill())
		case lines < 0 && seen == 100:
			require.NoError(t, in.Close())
		}
		fields := strings.Fields(scanner.Text())
		switch fields[0] {
		case "started", "opened", "recovered":
		case "tracked":
			of(fields[1]).tracked = true
		case "told":
			assert.Equal(t, "delivered", fields[1])
			for _, field := range fields[3:] {
				e := of(field)
				e.told++
				e.toldTwice = e.toldTwice || fields[2] == "true"
			}
		case "closed":
			closed = true
			assert.Equal(t, "0", fields[1], "all that it accepted is delivered")
		default:
			assert.Fail(t, "the game server failed", "%s", scanner.Text())
		}
	}
	require.NoError(t, scanner.Err())
	err = cmd.Wait()
	require.NoError(t, ctx.Err(), "the game server is stuck")
	if lines < 0 {
		require.NoError(t, err, stderr.String())
		assert.True(t, closed)
	}
	require.Empty(t, stderr.String())
}

// whatWaits reads the spool after a kill. An event that is not in doubt was never sent.
func whatWaits(t *testing.T, dir string, service *emulator.Server, known map[int]*delivery) (waits, doubtful int) {
	t.Helper()
	view, err := spool.Inspect(dir)
	require.NoError(t, err)
	arrived := map[int]bool{}
	for p := range gamePlayers {
		for _, e := range service.Events(fmt.Sprintf("device-%d", p)) {
			arrived[trackedNumber(fmt.Appendf(nil, `{"customdata":%s}`, e.CustomData))] = true
		}
	}
	assert.Empty(t, view.Damage)
	for e, err := range view.Events() {
		require.NoError(t, err)
		n := trackedNumber(e.JSON)
		if known[n] == nil { // killed before its Track returned
			known[n] = &delivery{}
		}
		waits++
		if e.InDoubt {
			known[n].doubts++
			doubtful++
		} else {
			assert.False(t, arrived[n], "event %d was sent, and the spool does not know", n)
		}
	}
	require.NoError(t, view.Close())
	return waits, doubtful
}

// checkDelivered compares the arrived events with the tracked and the reported ones.
func checkDelivered(t *testing.T, service *emulator.Server, known map[int]*delivery) (copies int) {
	t.Helper()
	for p := range gamePlayers {
		latest := -1
		for _, e := range service.Events(fmt.Sprintf("device-%d", p)) {
			n := trackedNumber(fmt.Appendf(nil, `{"customdata":%s}`, e.CustomData))
			if !assert.NotNil(t, known[n], "event %d was never tracked", n) {
				continue
			}
			if known[n].stored++; known[n].stored == 1 {
				assert.Greater(t, n, latest, "device-%d: the order", p)
				latest = n
			}
		}
	}
	for n, e := range known {
		about := fmt.Sprintf("event %d: %+v", n, *e)
		if e.tracked {
			assert.Positive(t, e.stored, "lost: %s", about)
			assert.Positive(t, e.told, "not told: %s", about)
		}
		assert.LessOrEqual(t, e.stored, 1+e.doubts, "a copy without a doubt: %s", about)
		assert.False(t, e.stored > 1 && !e.toldTwice, "a copy that nobody was told of: %s", about)
		copies += max(e.stored-1, 0)
	}
	return copies
}
