package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The program's output, and its endpoint for metrics.

func TestItRunsAndAgrees(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), settings{duration: 300 * time.Millisecond, players: 20, metrics: "127.0.0.1:0"}, &out))
	text := out.String()
	assert.Equal(t, 3, strings.Count(text, "GET /smooven/v1/players/{player_id} (client)"), text)
	assert.Contains(t, text, "http.request.resend_count = 2")
	assert.Contains(t, text, "metrics at http://127.0.0.1:")
	assert.NotContains(t, text, "device-abc-123")
	assert.Regexp(t, `playline\.batcher\.processed +playline\.batcher\.outcome=delivered +\d+ \{event\}`, text)
}

func TestMetricsAreServedOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "9464", ":9464", "0.0.0.0:0", "192.0.2.1:9464", "localhost:9464"} {
		_, err := serve(t.Context(), address, prometheus.NewRegistry(), io.Discard)
		require.ErrorContains(t, err, "must be a loopback address", address)
	}
	var out bytes.Buffer
	stop, err := serve(t.Context(), "127.0.0.1:0", prometheus.NewRegistry(), &out)
	require.NoError(t, err)
	defer stop()
	address := strings.TrimSpace(strings.TrimPrefix(out.String(), "metrics at "))
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
}
