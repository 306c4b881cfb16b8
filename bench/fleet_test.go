package main

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The costs at the start of the simulation: measured, or given by flags.

func TestFleetCosts(t *testing.T) {
	t.Parallel()
	// An event of 10 us and a request of 80 us, in batches of 40 and of 2.
	measured := tally{}
	measured.add(relayFew, map[string]float64{"per_request": 40, "cpu": 12, "rate": 15_000, "published": 46_000})
	measured.add(relayMany, map[string]float64{"per_request": 2, "cpu": 50, "nodes_cpu": 100, "stored": 900})
	costs, err := costsOf(measured)
	require.NoError(t, err)
	assert.Equal(t, 10*time.Microsecond, costs.Event)
	assert.Equal(t, 80*time.Microsecond, costs.Request)
	assert.Equal(t, 100*time.Microsecond, costs.Message)
	assert.InDelta(t, 15_000, costs.Stream, 0)
	assert.InDelta(t, 300-float64(encodedBytes(1000))/1000, costs.Stored, 1e-9)

	measured = tally{}
	measured.add(relayFew, map[string]float64{"per_request": 40, "cpu": 60})
	measured.add(relayMany, map[string]float64{"per_request": 2, "cpu": 50})
	_, err = costsOf(measured)
	require.ErrorContains(t, err, "cannot be separated")
}

func TestFleetWithGivenCosts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	args := []string{"-daily", "1e6", "-cpu-event", "10us", "-cpu-request", "80us", "-cpu-message", "100us", "-stream", "15000", "-stored", "200"}
	require.NoError(t, runFleet(t.Context(), args, &out, io.Discard))
	assert.Contains(t, out.String(), "10µs per event and 80µs per request")
	require.NoError(t, runFleet(t.Context(), []string{"-h"}, &out, io.Discard))
	require.ErrorContains(t, runFleet(t.Context(), []string{"-picture", "x.pdf"}, &out, io.Discard), "must end in .svg or .png")
}
