package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// The shutdown in time, and a sidecar that says no.

func TestTheProgram(t *testing.T) {
	t.Setenv("AGONES_SDK_HTTP_PORT", "")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out), out.String())
	assert.Regexp(t, `returned 0 .* pending 0;`, out.String())
	assert.Contains(t, out.String(), "the sidecar heard [/ready /health")
}

// fakeSidecar answers calls inside of a bubble and keeps when they came.
type fakeSidecar struct {
	starts time.Time // before that nobody listens

	mu    sync.Mutex
	times map[string][]time.Time
}

func (f *fakeSidecar) RoundTrip(r *http.Request) (*http.Response, error) {
	if time.Now().Before(f.starts) {
		return nil, io.ErrUnexpectedEOF
	}
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times[r.URL.Path] = append(f.times[r.URL.Path], time.Now())
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func TestShutdown(t *testing.T) {
	const grace = 30 * time.Second
	tests := []struct {
		name      string
		outage    time.Duration // from the signal on
		mode      emulator.Mode // of the outage; 0 is 503
		late      time.Duration // of the sidecar
		within    time.Duration // from the signal to /shutdown
		delivered bool
	}{
		{"all is well", 0, 0, 0, 100 * time.Millisecond, true},
		{"a sidecar that starts later", 0, 0, 3 * time.Second, 100 * time.Millisecond, true},
		{"an outage that ends in time", 10 * time.Second, 0, 0, 13 * time.Second, true},
		{"an outage that does not", time.Hour, 0, 0, 25*time.Second + 200*time.Millisecond, false},
		{"a service that hangs", time.Hour, emulator.Hang, 0, 25*time.Second + 200*time.Millisecond, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				playSmart := emulator.New()
				client, err := playline.New(playSmart.Options()...)
				require.NoError(t, err)
				b, err := client.NewBatcher(batcher.Config{
					GameID: "com.example.stackblaster",
					Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
						return batcher.Token{Value: batcher.Secret(playSmart.Token(userID, time.Hour))}, nil
					}),
				})
				require.NoError(t, err)
				fake := &fakeSidecar{starts: time.Now().Add(tt.late), times: map[string][]time.Time{}}
				var out bytes.Buffer
				s := &server{
					sidecar: &sidecar{url: "http://localhost:9358", client: &http.Client{Transport: fake}},
					batcher: b, grace: grace, out: &out,
				}
				ctx, signal := context.WithCancel(t.Context())
				defer signal()
				told := time.Now().Add(5 * time.Second)
				time.AfterFunc(time.Until(told), func() {
					if tt.outage > 0 {
						f := emulator.Fault{Operation: "ingestEvents", Mode: tt.mode}
						if tt.mode == 0 {
							f.Status = http.StatusServiceUnavailable
						}
						time.AfterFunc(tt.outage, playSmart.Inject(f))
					}
					signal()
				})
				report, err := s.serve(ctx)
				require.Len(t, fake.times["/shutdown"], 1, "always, and once")
				assert.LessOrEqual(t, fake.times["/shutdown"][0].Sub(told), tt.within)
				assert.Less(t, tt.within, grace)
				assert.Len(t, fake.times["/ready"], 1)
				pings := fake.times["/health"]
				for i := range pings[1:] {
					assert.Equal(t, ping, pings[i+1].Sub(pings[i]), "pings go on while the batcher closes")
				}
				assert.Less(t, fake.times["/shutdown"][0].Sub(pings[len(pings)-1]), ping+time.Second)
				assert.Equal(t, int64(playSmart.EventCount()), report.Delivered)
				assert.Contains(t, out.String(), report.Ledger.String())
				if tt.delivered {
					require.NoError(t, err)
					assert.Equal(t, report.Accepted, report.Delivered)
					return
				}
				require.ErrorContains(t, err, "not delivered")
				assert.Equal(t, report.Accepted, report.Delivered+report.Returned)
				assert.Positive(t, report.Returned)
			})
		})
	}
}

func TestASidecarThatRefuses(t *testing.T) {
	refusing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	s := &sidecar{url: "http://localhost:9358", client: &http.Client{Transport: handlerTransport{refusing}}}
	require.ErrorContains(t, s.shutdown(t.Context()), "the sidecar answered /shutdown with 500")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, s.ready(ctx), "the sidecar was not reached before the end")
}

// handlerTransport answers with a handler.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}
