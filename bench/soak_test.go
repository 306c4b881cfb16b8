package main

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// TestSoakRuns runs a soak of seconds with all parts of a long one, and draws it. Its rates and
// delays mean nothing, but ledger and sink must agree.
func TestSoakRuns(t *testing.T) {
	t.Parallel()
	r, err := runPlan(t.Context(), newSoakPlan(options{smoke: true}))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, r.judge(&out))
	assert.Contains(t, out.String(), "They agree to the event.")
	assert.Contains(t, out.String(), "| outage |")
	assert.Equal(t, int64(r.plan.events()), r.Ledger.Accepted)
	assert.Positive(t, r.Ledger.Delivered)
	assert.Positive(t, r.Ledger.Rejected, "garbage was sent")
	assert.Positive(t, r.traffic.Refused, "bad tokens were sent")
	assert.NotEmpty(t, r.Samples)
	assert.Positive(t, r.Phases[0].Events)

	folder := t.TempDir()
	file := filepath.Join(folder, "soak.svg")
	require.NoError(t, r.draw(file))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, want := range []string{"<svg", "Requests", "Memory of the game server", "resets", "Arial"} {
		assert.Contains(t, string(text), want)
	}
	file = filepath.Join(folder, "soak.png")
	require.NoError(t, r.draw(file))
	picture, err := os.Open(file)
	require.NoError(t, err)
	defer picture.Close()
	_, err = png.Decode(picture)
	require.NoError(t, err)
}

// TestASoakThatDisagreesFails removes an event from the sink. The program ends with an error that
// names the event.
func TestASoakThatDisagreesFails(t *testing.T) {
	t.Parallel()
	p := newSoakPlan(options{smoke: true})
	r := &soakRun{plan: p, copies: []uint16{1, 0}, traffic: sinkTraffic{Events: 1}}
	r.account = account{[]byte{byte(fateOf(batcher.Delivered)), byte(fateOf(batcher.Delivered))}, batcher.Ledger{Accepted: 2, Delivered: 2}}
	for _, phase := range p.phases(p.End) {
		r.Phases = append(r.Phases, phaseDelays{soakPhase: phase})
	}
	var out bytes.Buffer
	err := r.judge(&out)
	require.ErrorIs(t, err, errDisagree)
	require.ErrorContains(t, err, "1 events delivered, but not stored, such as eid [1]")
	assert.Contains(t, out.String(), "DISAGREE")
	assert.Contains(t, out.String(), "| ledger and sink agree to the event | 1 events delivered, but not stored, such as eid [1] | MISSED |")
	assert.NotContains(t, out.String(), "They agree")
}

func TestSoakOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		o    options
		want string
	}{
		{"picture", options{picture: "soak.gif"}, `the file must end in .svg or .png, not as "soak.gif" does`},
		{"no extension", options{picture: "soak"}, `the file must end in .svg or .png`},
		{"too short", options{duration: 100 * time.Millisecond}, "-d 100ms is too short for a soak"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.soak, tt.o.runs = true, 1
			require.ErrorContains(t, run(t.Context(), tt.o, io.Discard, io.Discard), tt.want)
		})
	}
}

func TestSoakPlan(t *testing.T) {
	t.Parallel()
	full := newSoakPlan(options{})
	assert.Equal(t, soakPlan{
		Players: 100_000, Rate: 20_000, Mixed: 30 * time.Second, Outage: time.Minute, Recovery: 2 * time.Minute, End: 3 * time.Minute,
		Linger: 5 * time.Second, Lifetime: 30 * time.Second, Tick: time.Second, Close: time.Minute,
	}, full)
	assert.Equal(t, 3_600_000, full.events())

	long := newSoakPlan(options{duration: 30 * time.Minute})
	assert.Equal(t, time.Minute, long.Recovery-long.Outage, "the outage is no longer")
	assert.Equal(t, 100_000, long.Players)

	short := newSoakPlan(options{duration: 15 * time.Second})
	assert.Equal(t, 5*time.Second, short.Recovery-short.Outage)
	assert.InDelta(t, 8_333, short.Players, 1)

	bad, brief := 0, 0
	for player := range full.Players {
		if full.hasBadToken(player) {
			bad++
		}
		if full.hasShortToken(player) {
			brief++
		}
		assert.False(t, full.hasBadToken(player) && full.hasShortToken(player))
	}
	assert.Equal(t, 1_000, bad)
	assert.Equal(t, 5_000, brief)
	assert.False(t, full.hasBadToken(garbagePlayer))
	assert.False(t, full.hasShortToken(-1))

	for eid := range 10_000 {
		player, garbage := full.next(eid, 0)
		require.False(t, garbage, "none before the bad ones join")
		require.GreaterOrEqual(t, player, full.firstShort())
		player, garbage = full.next(eid, full.Mixed)
		require.Equal(t, eid%2_000 == 0, player == garbagePlayer)
		require.Equal(t, eid%8_000 == 0, garbage)
	}
}

func TestTokenKey(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	key, other := newTokenKey(), newTokenKey()
	good := key.issue("device-000001", now.Add(time.Second))
	for _, tt := range []struct {
		name          string
		authorization string
		at            time.Time
		want          int
	}{
		{"good", "Bearer " + good, now, http.StatusAccepted},
		{"ended", "Bearer " + good, now.Add(time.Second), http.StatusUnauthorized},
		{"of another key", "Bearer " + other.issue("device-000001", now.Add(time.Hour)), now, http.StatusUnauthorized},
		{"of another player", "Bearer " + key.issue("device-000002", now.Add(time.Hour)), now, http.StatusForbidden},
		{"claims changed", "Bearer " + good[:40] + "A" + good[41:], now, http.StatusUnauthorized},
		{"none", "", now, http.StatusUnauthorized},
		{"no token", "Bearer x", now, http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, key.check(tt.authorization, "device-000001", tt.at))
		})
	}
}
