package relay

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneRelayDeliversInOrder(t *testing.T) {
	t.Parallel()
	f := single(t)
	p := f.publisher()
	r := f.relay()
	play(t, p, 20, 100)
	report, err := p.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(2000), report.Delivered)
	f.idle()
	assert.Zero(t, f.requireOrder(20, 100))
	assert.Equal(t, 2000, f.service.EventCount())
	require.NoError(t, r.Close(t.Context()))
	s := r.Stats()
	assert.Equal(t, int64(2000), s.Delivered)
	assert.Zero(t, s.PossibleDuplicates)
	assert.Zero(t, s.Waiting)
	assert.Zero(t, s.Unconfirmed)
	assert.Zero(t, f.state("EVENTS").Consumers, "a relay that leaves takes its consumers along")
	assert.Zero(t, f.state("EVENTS-leases").Msgs, "and its leases")
}
