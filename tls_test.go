package playline

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tlsServer is a server that speaks the versions of TLS from low to high; served counts the requests that came through.
func tlsServer(t *testing.T, low, high uint16) (server *httptest.Server, served *atomic.Int32) {
	t.Helper()
	served = &atomic.Int32{}
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		_, _ = io.WriteString(w, `{"status":"ok","_message":"valid"}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: low, MaxVersion: high}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, served
}

// validateOTP is a call whose URL holds what must not be seen.
func validateOTP(t *testing.T, base string, opts ...Option) error {
	t.Helper()
	c, err := New(append([]Option{
		WithFyno("W", FynoLive, keyFyno), WithBaseURL(Fyno, base), WithRetryPolicy(RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}),
	}, opts...)...)
	require.NoError(t, err)
	_, err = c.Verify.Validate(t.Context(), OTPCheck{RequestID: "evt-1", OTP: "493021"})
	return err
}

// TestSecurityTLSFloor: by default nothing below TLS 1.2 is spoken. That a server of 1.2 and 1.3 gets as far as its certificate, which is
// refused, shows that the version is what the others fail for.
func TestSecurityTLSFloor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		low, high uint16
		want      string
	}{
		"1.0 only":   {tls.VersionTLS10, tls.VersionTLS10, "protocol version"},
		"1.1 only":   {tls.VersionTLS10, tls.VersionTLS11, "protocol version"},
		"1.2 only":   {tls.VersionTLS12, tls.VersionTLS12, "failed to verify certificate"},
		"1.3 only":   {tls.VersionTLS13, tls.VersionTLS13, "failed to verify certificate"},
		"1.0 to 1.3": {tls.VersionTLS10, tls.VersionTLS13, "failed to verify certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, served := tlsServer(t, test.low, test.high)
			err := validateOTP(t, server.URL)
			require.ErrorIs(t, err, ErrUnavailable)
			require.NotErrorIs(t, err, ErrOutcomeUnknown, "nothing was sent")
			require.ErrorContains(t, err, test.want)
			assertNoCanary(t, everyForm(t, err))
			assert.Zero(t, served.Load())
		})
	}
}

// TestSecurityBadCertificatesAreRefused: the request, with its credentials and its OTP, does not leave.
func TestSecurityBadCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	server, served := tlsServer(t, tls.VersionTLS12, tls.VersionTLS13)
	trusting := func(edit func(*tls.Config)) Option {
		transport := server.Client().Transport.(*http.Transport).Clone()
		edit(transport.TLSClientConfig)
		t.Cleanup(transport.CloseIdleConnections)
		return WithHTTPClient(&http.Client{Transport: transport})
	}
	for name, test := range map[string]struct {
		base string
		opts []Option
		want string // "": it works
	}{
		"nobody knows its issuer": {server.URL, nil, "failed to verify certificate"},
		"another host's":          {strings.Replace(server.URL, "127.0.0.1", "localhost", 1), []Option{trusting(func(*tls.Config) {})}, "not localhost"},
		"not for this name": {
			server.URL, []Option{trusting(func(c *tls.Config) { c.ServerName = "api.fyno.io" })}, "not api.fyno.io",
		},
		"not valid yet": {server.URL, []Option{trusting(func(c *tls.Config) {
			c.Time = func() time.Time { return time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) }
		})}, "certificate has expired or is not yet valid"},
		"expired": {server.URL, []Option{trusting(func(c *tls.Config) {
			c.Time = func() time.Time { return time.Date(2990, 1, 1, 0, 0, 0, 0, time.UTC) }
		})}, "certificate has expired or is not yet valid"},
		"a good one": {server.URL, []Option{trusting(func(*tls.Config) {})}, ""},
	} {
		before := served.Load()
		err := validateOTP(t, test.base, test.opts...)
		if test.want == "" {
			require.NoError(t, err, name)
			assert.Equal(t, before+1, served.Load(), name)
			continue
		}
		require.ErrorIs(t, err, ErrUnavailable, name)
		require.NotErrorIs(t, err, ErrOutcomeUnknown, name)
		require.ErrorContains(t, err, test.want, name)
		var verify *tls.CertificateVerificationError
		require.ErrorAs(t, err, &verify, "%s: a program can find out why", name)
		assert.NotContains(t, err.Error(), "otp=", name)
		assertNoCanary(t, err.Error())
		assert.Equal(t, before, served.Load(), name)
	}
}

// TestSecurityTLSIsNotLeftForPlainText: a server that answers https with http, or with a redirect to it, gets nothing.
func TestSecurityTLSIsNotLeftForPlainText(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	t.Cleanup(plain.Close)
	err := validateOTP(t, strings.Replace(plain.URL, "http:", "https:", 1))
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorContains(t, err, "first record does not look like a TLS handshake")
	assertNoCanary(t, everyForm(t, err))
	assert.Zero(t, served.Load())
}

// TestSecurityTheDefaultTransportIsNobodyElses: a package that does not care for certificates changes
// http.DefaultTransport, and the client's requests still go to no stranger. It is not parallel,
// because of that change.
func TestSecurityTheDefaultTransportIsNobodyElses(t *testing.T) {
	server, served := tlsServer(t, tls.VersionTLS12, tls.VersionTLS13)
	std := http.DefaultTransport.(*http.Transport)
	before := std.TLSClientConfig
	std.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	t.Cleanup(func() { std.TLSClientConfig = before })
	for name, opts := range map[string][]Option{
		"the default":              nil,
		"a client without its own": {WithHTTPClient(&http.Client{Timeout: time.Minute})},
		"the default client":       {WithHTTPClient(http.DefaultClient)},
	} {
		err := validateOTP(t, server.URL, opts...)
		require.ErrorIs(t, err, ErrUnavailable, name)
		require.ErrorContains(t, err, "failed to verify certificate", name)
		assert.Zero(t, served.Load(), name)
	}
}

// TestSecurityAClientThatVerifiesNothingIsWarnedOf, once per client, and no other is.
func TestSecurityAClientThatVerifiesNothingIsWarnedOf(t *testing.T) {
	t.Parallel()
	server, served := tlsServer(t, tls.VersionTLS12, tls.VersionTLS13)
	insecure := &tls.Config{InsecureSkipVerify: true}
	pinned := insecure.Clone()
	pinned.VerifyConnection = func(tls.ConnectionState) error { return nil }
	for name, test := range map[string]struct {
		client *http.Client
		warns  int
	}{
		"it verifies nothing":        {&http.Client{Transport: &http.Transport{TLSClientConfig: insecure}}, 1},
		"it verifies in its own way": {&http.Client{Transport: &http.Transport{TLSClientConfig: pinned}}, 0},
		"it verifies":                {server.Client(), 0},
	} {
		log, logger := everyLog()
		c, err := New(WithFyno("W", FynoLive, keyFyno), WithBaseURL(Fyno, server.URL),
			WithHTTPClient(test.client), WithLogger(logger), WithRetryPolicy(RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		for range 3 {
			_, _ = c.Profiles.Get(t.Context(), "ace")
		}
		test.client.CloseIdleConnections()
		assert.Equal(t, test.warns, strings.Count(log.String(), `"msg":"playline: the client of WithHTTPClient does not verify`), name)
	}
	assert.Equal(t, int32(9), served.Load(), "the setting is the caller's")
}
