package playline

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// smoovenAt returns a client for Smooven at a real server.
func smoovenAt(t *testing.T, base string, extra ...Option) *Client {
	t.Helper()
	c, err := New(append([]Option{WithSmooven(keySmooven), WithBaseURL(Smooven, base)}, extra...)...)
	require.NoError(t, err)
	return c
}

// TestSecurityRedirectsAreRefused: on a 307 to another host net/http drops Authorization, but forwards other headers and replays
// the body. None of it may happen, on no status.
func TestSecurityRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(thief.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/again" {
				arrived.Add(1)
			}
			to := thief.URL + r.URL.Path
			if r.URL.Query().Has("same") {
				to = "/again"
			}
			http.Redirect(w, r, to, status)
		}))
		t.Cleanup(vendor.Close)
		clients := map[string]*http.Client{
			"default": nil,
			"one that follows": {CheckRedirect: func(*http.Request, []*http.Request) error {
				arrived.Add(1)
				return nil
			}},
		}
		for name, hc := range clients {
			var extra []Option
			if hc != nil {
				extra = append(extra, WithHTTPClient(hc))
			}
			c := smoovenAt(t, vendor.URL, extra...)
			_, err := c.Players.Register(t.Context(), Player{ExternalID: "ace"}, Header("X-Game-Secret", "hunter2"))
			var e *Error
			require.ErrorAs(t, err, &e, name)
			assert.Equal(t, status, e.StatusCode)
			assert.Equal(t, 1, e.Attempts, "a redirect is not repeated")
			require.ErrorContains(t, err, "redirect, which is not followed")
			assert.NotContains(t, err.Error(), thief.URL)
		}
	}
	assert.Zero(t, arrived.Load(), "a redirect was followed")
}

// TestSecurityCredentialsStayWithTheirHost: each service's credentials go to that service's own address and nowhere else.
func TestSecurityCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	credentials := map[Service]string{Smooven: keySmooven, Fyno: keyFyno, SmartSender: keySmartSender, Sunshine: keySunshine, PlaySmart: tokenPlayer}
	for _, r := range rows {
		s := script(jsonBody(r.status, r.reply))
		r.inBubble(t, s, succeeds)
		in := s.last(t)
		assert.Equal(t, string(r.op.service)+".example.com", in.host)
		everything := fmt.Sprint(in.header, in.path, in.query, string(in.body))
		for service, secret := range credentials {
			if service != r.op.service {
				assert.NotContains(t, everything, secret, "%s carries a credential of %s", r.name(), service)
			}
		}
		assert.NotContains(t, in.path+in.query, credentials[r.op.service], "a credential in the URL")
	}
}

func TestSecurityPlainHTTPIsForLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"http://api.smooven.io/v1", "http://192.168.0.1", "http://localhost.evil.example.com", "ws://127.0.0.1"} {
		_, err := New(WithSmooven(keySmooven), WithBaseURL(Smooven, base))
		require.ErrorIs(t, err, ErrInvalid, base)
		require.ErrorContains(t, err, "must be https")
	}
	for _, d := range dialects {
		assert.True(t, strings.HasPrefix(d.base, "https://"), d.base)
	}
}

func TestSecurityTheCallersClientAndTheDefaultAreUnchanged(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	t.Cleanup(server.Close)
	defaultClient, defaultTransport := *http.DefaultClient, http.DefaultTransport.(*http.Transport)
	_ = defaultTransport.Clone() // its first use sets up HTTP/2, whoever makes it
	idle, tlsConfig := defaultTransport.MaxIdleConnsPerHost, defaultTransport.TLSClientConfig

	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	mine := &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}
	require.NoError(t, getPlayer(t.Context(), smoovenAt(t, server.URL, WithHTTPClient(mine))))
	assert.Same(t, transport, mine.Transport)
	assert.Nil(t, mine.CheckRedirect)
	assert.Equal(t, time.Minute, mine.Timeout)
	assert.Equal(t, 1, transport.MaxIdleConnsPerHost)

	own := smoovenAt(t, server.URL, WithHTTPClient(http.DefaultClient))
	require.NoError(t, getPlayer(t.Context(), own))
	require.NoError(t, getPlayer(t.Context(), smoovenAt(t, server.URL)))
	assert.Equal(t, defaultClient, *http.DefaultClient)
	assert.Same(t, defaultTransport, http.DefaultTransport)
	assert.Equal(t, idle, defaultTransport.MaxIdleConnsPerHost)
	assert.Equal(t, tlsConfig, defaultTransport.TLSClientConfig)
}

// TestSecurityAnswersAreCapped, also after decompression: a body of a few kB must not fill the memory.
func TestSecurityAnswersAreCapped(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	_, _ = zip.Write([]byte(`{"tags":["`))
	for range 64 {
		_, _ = zip.Write(zeros)
	}
	require.NoError(t, zip.Close())
	require.Less(t, bomb.Len(), 1<<20)
	var status atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/players/zipped":
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(int(status.Load()))
			_, _ = w.Write(bomb.Bytes())
		case "/players/plain":
			w.WriteHeader(int(status.Load()))
			for range 64 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/players/exact":
			_, _ = io.WriteString(w, `{"tags":["`+strings.Repeat("x", 1000-13)+`"]}`)
		case "/players/over":
			_, _ = io.WriteString(w, `{"tags":["`+strings.Repeat("x", 1000-12)+`"]}`)
		}
	}))
	t.Cleanup(server.Close)
	c := smoovenAt(t, server.URL, WithRetryPolicy(RetryPolicy{MaxAttempts: 1}))
	small := smoovenAt(t, server.URL, WithMaxResponseBytes(1000))
	for _, id := range []string{"zipped", "plain"} {
		status.Store(200)
		var r Response
		_, err := c.Players.Get(t.Context(), id, CaptureResponse(&r))
		require.ErrorContains(t, err, "the answer is too long: over 16777216 bytes", id)
		assert.LessOrEqual(t, len(r.Body()), 16<<20)
		_, err = small.Players.Get(t.Context(), id)
		require.ErrorContains(t, err, "over 1000 bytes", id)

		status.Store(400)
		_, err = c.Players.Get(t.Context(), id)
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Len(t, e.Raw, 64<<10, id)
	}
	_, err := small.Players.Get(t.Context(), "exact")
	require.NoError(t, err)
	_, err = small.Players.Get(t.Context(), "over")
	require.ErrorContains(t, err, "over 1000 bytes")
}

func TestSecurityRetryAfterIsCappedAndNonsenseIgnored(t *testing.T) {
	t.Parallel()
	for value, most := range map[string]time.Duration{
		"86400": time.Minute, "1e300": time.Minute, "99999999999999999999": time.Minute, "Fri, 31 Dec 2999 23:59:59 GMT": time.Minute,
		"7": 7 * time.Second, "-1": time.Second, "NaN": time.Second, "Inf": time.Second, "soon": time.Second, "": time.Second,
		"Fri, 31 Dec 1999 23:59:59 GMT": time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := script(failed(429, "Retry-After", value), step{body: `{}`})
			c := newClient(t, s, WithRetryPolicy(RetryPolicy{BaseDelay: time.Millisecond, MaxDelay: time.Millisecond}))
			started := time.Now()
			require.NoError(t, getPlayer(t.Context(), c))
			took := time.Since(started)
			assert.LessOrEqual(t, took, most, "Retry-After %q", value)
			if most > time.Second {
				assert.Equal(t, most, took, "Retry-After %q is a floor", value)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := script(failed(429, "Retry-After", "86400"), step{body: contactReply})
		started := time.Now()
		_, err := newClient(t, s).Contacts.Get(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 12*time.Minute, time.Since(started), "SmartSender's locks last so long")
	})
}

// TestSecurityErrorsHoldNoURL: what net/http says of a failed request holds its whole URL, and the OTP is in there.
func TestSecurityErrorsHoldNoURL(t *testing.T) {
	t.Parallel()
	for name, transport := range map[string]roundTripper{
		"a url.Error": func(req *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: io.ErrUnexpectedEOF}
		},
		"a wrapped one": func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("proxy: %w", &url.Error{Op: "Post", URL: req.URL.String(), Err: io.ErrUnexpectedEOF})
		},
		"a text": func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("cannot send %s", req.URL)
		},
	} {
		_, err := newClient(t, transport).Verify.Validate(t.Context(), OTPCheck{RequestID: "evt-1", OTP: "493021"})
		require.ErrorIs(t, err, ErrOutcomeUnknown, name)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err), "493021", name)
	}
	server := httptest.NewServer(nil)
	server.Close() // nobody listens there now
	c, err := New(WithFyno("W", FynoLive, keyFyno), WithBaseURL(Fyno, server.URL), WithRetryPolicy(RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, err)
	_, err = c.Verify.Validate(t.Context(), OTPCheck{RequestID: "evt-1", OTP: "493021"})
	require.ErrorIs(t, err, ErrUnavailable)
	assert.NotErrorIs(t, err, ErrOutcomeUnknown, "nothing was sent")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "493021")
}
