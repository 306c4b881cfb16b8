package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The evening in the host, from the first session to the last event.

func TestTheEvening(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out), out.String())
	assert.Contains(t, out.String(), "6600 events expected, 6600 stored")
	assert.NotContains(t, out.String(), "nakama error")
}
