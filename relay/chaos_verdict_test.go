//go:build linux

package relay

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// What must hold after the chaos, event by event and type by type.

// chaosEvent is one event of a publisher.
type chaosEvent struct {
	player string
	n      int
}

// chaosVerdict compares what the stream acknowledged with what the service and the dead letters
// have.
func chaosVerdict(t *testing.T, service *emulator.Server, js jetstream.JetStream, acknowledged, relays []string) {
	t.Helper()
	acked := map[chaosEvent]batcher.EventType{}
	for _, name := range acknowledged {
		f, err := os.Open(filepath.Clean(name))
		if os.IsNotExist(err) {
			continue // it was killed before the stream acknowledged anything
		}
		require.NoError(t, err)
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			var e chaosEvent
			var typ batcher.EventType
			if n, _ := fmt.Sscan(lines.Text(), &e.player, &e.n, &typ); n == 3 { // a line may be torn by a kill
				acked[e] = typ
			}
		}
		require.NoError(t, f.Close())
	}
	require.NotEmpty(t, acked)

	dead, letters := map[chaosEvent]string{}, map[string]int{}
	for d, err := range DeadLetters(t.Context(), js, "EVENTS", gameID) {
		require.NoError(t, err)
		n, _ := chaosNumber(d.JSON)
		e := chaosEvent{d.UserID, n}
		assert.Empty(t, dead[e], "two dead letters of %v", e)
		dead[e] = d.Result
		letters[d.Result]++
	}

	players := map[string]bool{}
	for e := range acked {
		players[e.player] = true
	}
	times := map[chaosEvent]int{}
	copies := map[batcher.EventType]int64{}
	for player := range players {
		highest := -1
		for _, received := range service.Events(player) {
			var in struct {
				N int `json:"n"`
			}
			require.NoError(t, json.Unmarshal(received.CustomData, &in))
			e := chaosEvent{player, in.N}
			if times[e]++; times[e] > 1 {
				copies[batcher.EventType(received.Type)]++
				continue
			}
			assert.Greater(t, in.N, highest, "%s: order", player)
			highest = max(highest, in.N)
		}
	}
	missing := 0
	for e, typ := range acked {
		if times[e] == 0 && dead[e] == "" {
			missing++
			t.Errorf("missing: %v %s", e, typ)
		}
		if typ == batcher.IAPPurchase {
			assert.LessOrEqual(t, times[e], 1, "%v must not be there twice", e)
		}
	}
	counted, sum := map[batcher.EventType]int64{}, Stats{}
	for _, name := range relays {
		body, err := os.ReadFile(filepath.Clean(name + ".json"))
		if err != nil {
			continue // it was killed before it began
		}
		var s Stats
		require.NoError(t, json.Unmarshal(body, &s))
		for typ, n := range s.DuplicatesByType {
			counted[typ] += n
		}
		sum.Resets += s.Resets
		sum.Redelivered += s.Redelivered
	}
	for _, typ := range chaosTypes {
		assert.LessOrEqual(t, copies[typ], counted[typ], "copies of %s at most their own count", typ)
	}
	t.Logf("%d acknowledged, %d missing, copies %v, counted %v, dead letters %v, %d resets, %d redelivered",
		len(acked), missing, copies, counted, letters, sum.Resets, sum.Redelivered)
}
