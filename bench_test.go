package playline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/playline/playline-go"
)

// What a typed call costs beside the same request by hand.

const registered = `{"success":true,"player_id":"ply_abc123","external_id":"device-abc-123","channels_registered":["sms","email"],"created":true}`

// registerServer answers every registration at once.
func registerServer(b *testing.B) *httptest.Server {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, registered)
	}))
	b.Cleanup(server.Close)
	return server
}

// BenchmarkCall compares a typed call, its retries and limiter on, with the same request written by hand.
func BenchmarkCall(b *testing.B) {
	server := registerServer(b)
	b.Run("typed", func(b *testing.B) {
		client, err := playline.New(playline.WithSmooven("sk_test"), playline.WithBaseURL(playline.Smooven, server.URL),
			playline.WithLimiter(playline.Smooven, rate.NewLimiter(1e9, 1e9)))
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			_, err := client.Players.Register(b.Context(), playline.Player{
				ExternalID: "device-abc-123",
				Channels:   playline.PlayerChannels{SMS: "+61400000000", Email: "ace@example.com"},
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("byhand", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}
		b.ReportAllocs()
		for b.Loop() {
			if err := registerByHand(b.Context(), client, server.URL); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// registerByHand is what a careful person writes without a library.
func registerByHand(ctx context.Context, client *http.Client, base string) error {
	type channels struct {
		SMS   string `json:"sms,omitempty"`
		Email string `json:"email,omitempty"`
	}
	body, err := json.Marshal(struct {
		ExternalID string   `json:"external_id"`
		Channels   channels `json:"channels"`
	}{"device-abc-123", channels{"+61400000000", "ace@example.com"}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/players/register", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer sk_test")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	var out struct {
		Success            bool     `json:"success"`
		PlayerID           string   `json:"player_id"`
		ExternalID         string   `json:"external_id"`
		ChannelsRegistered []string `json:"channels_registered"`
		Created            bool     `json:"created"`
	}
	return json.NewDecoder(resp.Body).Decode(&out)
}

// BenchmarkHooks is what hooks cost: none, and ones that do nothing. No socket, so that the difference shows.
func BenchmarkHooks(b *testing.B) {
	empty := playline.Hooks{
		CallStart:    func(ctx context.Context, _ playline.CallInfo) context.Context { return ctx },
		CallEnd:      func(context.Context, playline.CallInfo, playline.CallResult) {},
		AttemptStart: func(ctx context.Context, _ playline.CallInfo, _ int) context.Context { return ctx },
		AttemptEnd:   func(context.Context, playline.CallInfo, playline.CallResult) {},
	}
	for name, opts := range map[string][]playline.Option{"none": nil, "empty": {playline.WithHooks(empty)}} {
		b.Run(name, func(b *testing.B) {
			client, err := playline.New(append(opts, playline.WithSmooven("sk_test"), playline.WithHTTPClient(&http.Client{Transport: answering{}}))...)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Players.Get(b.Context(), "ply_abc123"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// answering is a transport that answers at once.
type answering struct{}

func (answering) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(`{}`))), ContentLength: 2, Request: req,
	}, nil
}

// BenchmarkWarmConnections has 20 parallel callers of a healthy service and one of a service that always fails, over one
// transport, and reports how often the healthy ones had to dial. Beyond the first 20 connections there is no reason to: a dial
// more means that the failing calls closed warm connections.
func BenchmarkWarmConnections(b *testing.B) {
	healthy := registerServer(b)
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	b.Cleanup(failing.Close)

	var dials atomic.Int64
	dialer := &net.Dialer{}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr == healthy.Listener.Addr().String() {
			dials.Add(1)
		}
		return dialer.DialContext(ctx, network, addr)
	}}
	b.Cleanup(transport.CloseIdleConnections)
	client, err := playline.New(
		playline.WithHTTPClient(&http.Client{Transport: transport}),
		playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Microsecond}),
		playline.WithSmooven("sk_test"), playline.WithBaseURL(playline.Smooven, healthy.URL),
		playline.WithFyno("WS", playline.FynoLive, "key"), playline.WithBaseURL(playline.Fyno, failing.URL),
	)
	require.NoError(b, err)

	const callers = 20
	calls := 0
	for b.Loop() {
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				if _, err := client.Players.Get(b.Context(), "ply_abc123"); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Go(func() {
			if _, err := client.Profiles.Get(b.Context(), "ace"); err == nil {
				b.Error("the failing service answered")
			}
		})
		wg.Wait()
		calls += callers
	}
	b.ReportMetric(float64(dials.Load()), "dials")
	b.ReportMetric(float64(calls), "calls")
	if calls >= 100*callers && dials.Load() > 3*callers {
		b.Fatalf("%d dials for %d calls by %d callers: warm connections were lost", dials.Load(), calls, callers)
	}
}
