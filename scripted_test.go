package playline

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// step is one scripted answer. The zero value is a 200 without a body.
type step struct {
	refuse bool // no connection is made
	lose   bool // the connection breaks after the whole request was written
	hang   bool // no answer until the request's context ends
	cut    bool // the answer ends before its length
	status int
	header http.Header
	body   string
}

// sent is one request as a server would see it.
type sent struct {
	method, host, path, query string
	header                    http.Header
	body                      []byte
}

// scripted is a transport without a network: each request gets the next step, and the last step repeats. It calls the
// hooks of httptrace where net/http does, so that the client learns how far a request came.
type scripted struct {
	mu       sync.Mutex
	steps    []step
	attempts int    // requests that were begun
	seen     []sent // requests that were written
}

func script(steps ...step) *scripted { return &scripted{steps: steps} }

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	next := step{status: http.StatusOK}
	if n := len(s.steps); n > 0 {
		next = s.steps[min(s.attempts, n-1)]
	}
	s.attempts++
	s.mu.Unlock()

	hooks := httptrace.ContextClientTrace(req.Context())
	if hooks == nil {
		hooks = &httptrace.ClientTrace{}
	}
	if hooks.GetConn != nil {
		hooks.GetConn(req.URL.Host)
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if next.refuse {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	if hooks.GotConn != nil {
		hooks.GotConn(httptrace.GotConnInfo{})
	}
	in := sent{method: req.Method, host: req.URL.Host, path: req.URL.EscapedPath(), query: req.URL.RawQuery, header: req.Header.Clone()}
	if req.Body != nil {
		in.body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	if hooks.WroteRequest != nil {
		hooks.WroteRequest(httptrace.WroteRequestInfo{})
	}
	s.mu.Lock()
	s.seen = append(s.seen, in)
	s.mu.Unlock()
	switch {
	case next.lose:
		return nil, errors.New("read: connection reset by peer")
	case next.hang:
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return next.response(req), nil
}

func (s step) response(req *http.Request) *http.Response {
	resp := &http.Response{
		StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: s.header.Clone(), Body: io.NopCloser(strings.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}
	if resp.StatusCode == 0 {
		resp.StatusCode = http.StatusOK
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	if s.cut {
		half := s.body[:len(s.body)/2]
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(half), brokenReader{}))
	}
	return resp
}

// brokenReader is a body whose connection was closed too early.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// roundTripper is a transport that is a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The credentials of the test client. Each is unlike anything else, so that a search for it finds only leaks.
const (
	keySmooven     = `sk_live_canary&Smooven<9>"\%+/=`
	keyFyno        = `canary&Fyno<Key>"\%+/=`
	keySmartSender = `canary&SmartSender<Token>"\%+/=`
	keySunshineID  = "app_canaryKeyID"
	keySunshine    = `canary&Sunshine<Secret>"\%+/=`
	tokenPlayer    = `canary&Player<Token>"\%+/=`
	passwordAce    = `Horse&"Canary<9>\%+/=é` // each character changes in one encoding or another
)

// newClient returns a client for all five services over a transport. Every service stands under a path of its own.
func newClient(t testing.TB, rt http.RoundTripper, extra ...Option) *Client {
	t.Helper()
	opts := []Option{
		WithSmooven(keySmooven),
		WithFyno("FYTEST", FynoLive, keyFyno),
		WithSmartSender(keySmartSender),
		WithSunshine("5d8cff3cd55b040010928b5b", keySunshineID, keySunshine),
		WithPlaySmart(),
		WithHTTPClient(newHTTPClient(rt)),
	}
	for _, s := range []Service{Smooven, Fyno, SmartSender, Sunshine, PlaySmart} {
		opts = append(opts, WithBaseURL(s, baseOf(s)))
	}
	c, err := New(slices.Concat(opts, extra)...)
	require.NoError(t, err)
	return c
}

func baseOf(s Service) string { return "https://" + string(s) + ".example.com/base/" + string(s) }

// jsonBody is a reply with a status and a body.
func jsonBody(status int, body string) step {
	return step{status: status, body: body, header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"req-1"}}}
}

func (s *scripted) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

func (s *scripted) last(t testing.TB) sent {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(t, s.seen, "no request was made")
	return s.seen[len(s.seen)-1]
}

// sameBodies reports whether all requests had the same body, byte for byte.
func (s *scripted) sameBodies() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.seen {
		if !bytes.Equal(in.body, s.seen[0].body) {
			return false
		}
	}
	return true
}

func newHTTPClient(rt http.RoundTripper) *http.Client { return &http.Client{Transport: rt} }
