package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
	"github.com/playline/playline-go/internal/wire"
)

// origin is the base URL of tests without a socket.
const origin = "https://api.example.com/v1"

// quick repeats without a noticeable pause: a jitter below 1 ns rounds to zero.
var quick = retry.Policy{
	MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1, MaxRetryAfter: time.Minute, AttemptTimeout: 30 * time.Second,
}

// newRequest returns a POST to a path under base, after it has applied the edits.
func newRequest(t *testing.T, base string, class retry.Class, body []byte, edits ...func(*transport.Request)) *transport.Request {
	t.Helper()
	b, err := url.Parse(base)
	require.NoError(t, err)
	r := &transport.Request{
		Service:   &transport.Service{Name: "test", Base: b, Gate: transport.NewGate(nil), Refusal: refusal},
		Operation: "Things.Do",
		Method:    http.MethodPost,
		Route:     "/things/{id}",
		URL:       wire.Join(b, "/things/secret-id", "otp=123456"),
		Header:    http.Header{"Content-Type": {"application/json"}},
		Body:      body,
		Auth:      transport.None{},
		Class:     class,
		Policy:    quick,
		Lacks:     lacks,
	}
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// refusal accepts any 2xx as a success, except with the body "no" or "no 429".
func refusal(status int, body []byte) *transport.Refusal {
	rest, no := bytes.CutPrefix(body, []byte("no"))
	if status < 300 && !no {
		return nil
	}
	r := &transport.Refusal{Message: string(body), Bare: bytes.Contains(body, []byte("bare"))}
	r.Status, _ = strconv.Atoi(string(bytes.TrimSpace(rest)))
	return r
}

// lacks accepts every answer as the service's own, unless it names a stranger.
func lacks(_ int, body []byte) string {
	if bytes.Contains(body, []byte("stranger")) {
		return "it is a stranger's"
	}
	return ""
}

// newClient returns a silent client on next that accepts answers of at most 1 MiB.
func newClient(next http.RoundTripper) *transport.Client {
	return transport.New(&http.Client{Transport: next}, silent, 1<<20)
}

// sent is one request as the transport got it.
type sent struct {
	at     time.Time
	header http.Header
	body   string
}

// script is a transport without a network. Step i answers request i, and the last step answers all
// later ones. It keeps the requests.
type script struct {
	steps []step

	mu   sync.Mutex
	sent []sent
}

// step answers one request.
type step func(*http.Request) (*http.Response, error)

func newScript(steps ...step) *script { return &script{steps: steps} }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	s.mu.Lock()
	i := min(len(s.sent), len(s.steps)-1)
	s.sent = append(s.sent, sent{time.Now(), req.Header.Clone(), string(body)})
	s.mu.Unlock()
	return s.steps[i](req)
}

// instants returns when the requests came, as durations since start.
func (s *script) instants(start time.Time) (instants []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		instants = append(instants, one.at.Sub(start))
	}
	return instants
}

// status answers with a status and headers, given as names and values.
func status(code int, header ...string) step { return answer(code, "{}", header...) }

func answer(code int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Add(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: code, Header: h, Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: req,
		}, nil
	}
}

// silent is the logger of a caller without one.
var silent = slog.New(slog.DiscardHandler)

var errBroken = errors.New("the connection broke")

// broken fails and does not say how far it got.
func broken(*http.Request) (*http.Response, error) { return nil, errBroken }

// refuse fails as net.Dialer does if nobody listens.
func refuse(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// hang answers only when the attempt ends.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// after answers with next after d, unless the attempt ends before.
func after(d time.Duration, next step) step {
	return func(req *http.Request) (*http.Response, error) {
		if err := wait(req.Context(), d); err != nil {
			return nil, err
		}
		return next(req)
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
