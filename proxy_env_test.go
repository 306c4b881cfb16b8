package playline_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
)

// proxyServer is a forward proxy that lets nobody through, and what it was asked for.
func proxyServer(t *testing.T) (*httptest.Server, chan string) {
	t.Helper()
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	return server, asked
}

// getPlayer makes one attempt at a service that nobody has: the domain invalid does not exist.
func getPlayer(t *testing.T, opts ...playline.Option) error {
	t.Helper()
	client, err := playline.New(append(opts,
		playline.WithSmooven("sk_live_example"),
		playline.WithBaseURL(playline.Smooven, "https://smooven.invalid"),
		playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}),
	)...)
	require.NoError(t, err)
	_, err = client.Players.Get(t.Context(), "ply_000001")
	return err
}

func TestRequestsGoThroughTheProxyOfTheCallersClient(t *testing.T) {
	t.Parallel()
	server, asked := proxyServer(t)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	transport := &http.Transport{Proxy: http.ProxyURL(address)}
	t.Cleanup(transport.CloseIdleConnections)
	require.ErrorIs(t, getPlayer(t, playline.WithHTTPClient(&http.Client{Transport: transport})), playline.ErrUnavailable)
	assert.Equal(t, "CONNECT smooven.invalid:443", <-asked)
}

// TestRequestsGoThroughTheProxyOfTheEnvironment runs itself in a process of its own, because net/http reads the variables once.
func TestRequestsGoThroughTheProxyOfTheEnvironment(t *testing.T) {
	if os.Getenv("PROXY_TEST_CHILD") != "" {
		require.ErrorIs(t, getPlayer(t), playline.ErrUnavailable)
		return
	}
	t.Parallel()
	server, asked := proxyServer(t)
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self, "-test.run=^TestRequestsGoThroughTheProxyOfTheEnvironment$")
	child.Env = append(os.Environ(), "PROXY_TEST_CHILD=1", "HTTPS_PROXY="+server.URL, "NO_PROXY=")
	out, err := child.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "CONNECT smooven.invalid:443", <-asked)
}
