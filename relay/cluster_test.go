package relay

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestANodeAndARelayDieAtOnce: three servers with three replicas. While players play, one server
// and one relay are gone at the same moment. Nothing is lost, and the order is kept.
func TestANodeAndARelayDieAtOnce(t *testing.T) {
	t.Parallel()
	if os.Getenv("PLAYLINE_LONG") == "" {
		t.Skip("a cluster of three nodes takes long: set PLAYLINE_LONG=1")
	}
	f := cluster(t, func(c *StreamConfig) { c.LeaseTTL = 4 * time.Second })
	other := f.stream
	other.Replicas = 1
	require.ErrorContains(t, CreateStream(t.Context(), f.connect(), other), "Replicas is 3, must be 1")
	const players, n = 20, 60
	p := f.publisher()
	relays := []*Relay{f.relay(), f.relay(), f.relay()}
	play(t, p, players, n/3)
	playing := make(chan struct{})
	go func() {
		defer close(playing)
		for i := range players {
			track(t, p, player(i), n/3, 2*n/3)
		}
	}()
	f.servers[0].Shutdown()
	kill(relays[0])
	<-playing
	f.servers = f.servers[1:]
	for i := range players {
		track(t, p, player(i), 2*n/3, n)
	}
	report, err := p.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(players*n), report.Delivered)
	f.idle()
	copies := f.requireOrder(players, n)
	var possible int64
	for _, r := range relays {
		possible += r.Stats().PossibleDuplicates
	}
	assert.LessOrEqual(t, int64(copies), possible, "every copy was counted as possible")
	t.Logf("%d copies, %d counted as possible", copies, possible)
}

// TestHandingOverMakesNoCopies: relays come and leave in good order while players play. What a
// relay has settled is not sent again by the next one, although a replicated stream removes a
// message only some time after it has confirmed the acknowledgement.
func TestHandingOverMakesNoCopies(t *testing.T) {
	t.Parallel()
	f := cluster(t, func(c *StreamConfig) { c.LeaseTTL = 6 * time.Second })
	const players, rounds, n = 40, 6, 30
	p := f.publisher()
	relays := []*Relay{f.relay()}
	for round := range rounds {
		playing := make(chan struct{})
		go func() {
			defer close(playing)
			playOn(t, p, players, round*n, (round+1)*n)
		}()
		joins := f.relay()
		relays = append(relays, joins)
		eventually(t, func() bool { return len(joins.Stats().Partitions) > 0 }, "nothing is handed over")
		require.NoError(t, relays[round].Close(t.Context()))
		<-playing
	}
	_, err := p.Close(t.Context())
	require.NoError(t, err)
	f.idle()
	copies := f.requireOrder(players, rounds*n)
	var possible int64
	for _, r := range relays {
		possible += r.Stats().PossibleDuplicates
	}
	assert.LessOrEqual(t, int64(copies), possible, "none, but on a machine that is too slow to renew a lease in time")
	t.Logf("%d copies, %d counted as possible", copies, possible)
}
