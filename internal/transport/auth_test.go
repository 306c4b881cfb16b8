package transport_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// Credentials: fixed ones, signed ones, and where they must not go.

func TestFixedCredentials(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		auth transport.Auth
		want http.Header
	}{
		{"bearer", transport.Bearer("tok-1"), http.Header{"Authorization": {"Bearer tok-1"}}},
		{"api key", transport.APIKey("X-App-ID", "app_live_1"), http.Header{"X-App-Id": {"app_live_1"}}},
		{"basic", transport.Basic("key-1", "s:e c"), http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("key-1:s:e c"))}}},
		{"none", transport.None{}, http.Header{}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			require.NoError(t, row.auth.Sign(t.Context(), h))
			require.NoError(t, row.auth.Sign(t.Context(), h))
			assert.Equal(t, row.want, h, "signed twice is signed once")

			next := newScript(status(503), status(200))
			r := newRequest(t, origin, retry.Safe, nil, func(r *transport.Request) { r.Auth = row.auth })
			_, failure := newClient(next).Do(t.Context(), r)
			require.Nil(t, failure)
			for _, one := range next.sent {
				for name, values := range row.want {
					assert.Equal(t, values, one.header.Values(name))
				}
				assert.Len(t, one.header, len(row.want)+1, "and nothing else beside Content-Type")
			}
			assert.Equal(t, http.Header{"Content-Type": {"application/json"}}, r.Header, "the request itself never holds credentials")
		})
	}
}

// bearer signs once and returns the token.
func bearer(t *testing.T, auth transport.Auth) string {
	t.Helper()
	h := http.Header{}
	require.NoError(t, auth.Sign(t.Context(), h))
	token, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	require.True(t, ok)
	return token
}

func parse(token, secret string) (*jwt.Token, error) {
	return jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
}

func TestJWTNamesKeyAndLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		raw := bearer(t, transport.NewJWT("key-1", "right", "app"))
		token, err := parse(raw, "right")
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"alg": "HS256", "typ": "JWT", "kid": "key-1"}, token.Header)
		assert.Equal(t, jwt.MapClaims{
			"scope": "app",
			"iat":   float64(now.Unix()),
			"exp":   float64(now.Add(5 * time.Minute).Unix()),
		}, token.Claims)
		assert.NotContains(t, raw, "right")

		_, err = parse(raw, "wrong")
		assert.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid)

		time.Sleep(5*time.Minute - time.Second)
		_, err = parse(raw, "right")
		require.NoError(t, err, "valid up to its end")
		time.Sleep(time.Second)
		_, err = parse(raw, "right")
		assert.ErrorIs(t, err, jwt.ErrTokenExpired)
	})
}

// TestJWTIsKeptForFourMinutes, and renewed at that instant. A signature is therefore valid for at
// least a minute.
func TestJWTIsKeptForFourMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		auth := transport.NewJWT("key-1", "secret", "account")
		time.Sleep(700 * time.Millisecond) // not on a whole second
		first := bearer(t, auth)
		for range 3 {
			time.Sleep(time.Minute)
			assert.Equal(t, first, bearer(t, auth))
		}
		time.Sleep(time.Minute - 1)
		assert.Equal(t, first, bearer(t, auth), "a nanosecond before")
		time.Sleep(time.Nanosecond)
		second := bearer(t, auth)
		assert.NotEqual(t, first, second, "at the instant")
		time.Sleep(4*time.Minute - 1)
		assert.Equal(t, second, bearer(t, auth))
		time.Sleep(24 * time.Hour)
		third := bearer(t, auth)
		_, err := parse(third, "secret")
		assert.NoError(t, err, "after a long rest too")
	})
}

func TestJWTOfManyCallersIsOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		auth := transport.NewJWT("key-1", "secret", "app")
		for range 3 {
			var mu sync.Mutex
			tokens := map[string]bool{}
			var callers sync.WaitGroup
			for range 100 {
				callers.Go(func() {
					h := http.Header{}
					assert.NoError(t, auth.Sign(t.Context(), h))
					mu.Lock()
					defer mu.Unlock()
					tokens[h.Get("Authorization")] = true
				})
			}
			callers.Wait()
			assert.Len(t, tokens, 1)
			time.Sleep(4 * time.Minute)
		}
	})
}

// TestJWTOfARetryIsFresh: each attempt gets new credentials, because the pauses of a call can
// outlast them.
func TestJWTOfARetryIsFresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := newScript(status(503, "Retry-After", "299"), func(req *http.Request) (*http.Response, error) {
			_, err := parse(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), "secret")
			assert.NoError(t, err)
			return status(200)(req)
		})
		_, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Safe, nil, func(r *transport.Request) {
			r.Auth = transport.NewJWT("key-1", "secret", "app")
			r.Policy.MaxRetryAfter = time.Hour
		}))
		require.Nil(t, failure)
		require.Len(t, next.sent, 2)
		assert.NotEqual(t, next.sent[0].header, next.sent[1].header)
	})
}

// TestSecurityCredentialsGoOnlyToTheConfiguredOrigin, whatever built the URL.
func TestSecurityCredentialsGoOnlyToTheConfiguredOrigin(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(r *transport.Request)
		sent   bool
	}{
		{"the same", func(*transport.Request) {}, true},
		{"another path", func(r *transport.Request) { r.URL.Path, r.URL.RawPath = "/else", "" }, true},
		{"another scheme", func(r *transport.Request) { r.URL.Scheme = "http" }, false},
		{"another host", func(r *transport.Request) { r.URL.Host = "example.org" }, false},
		{"a host that begins like it", func(r *transport.Request) { r.URL.Host = "api.example.com.example.org" }, false},
		{"another port", func(r *transport.Request) { r.URL.Host = "api.example.com:8443" }, false},
		{"no host", func(r *transport.Request) { r.URL.Host = "" }, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			next := newScript(status(200))
			resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Safe, nil, row.change, func(r *transport.Request) {
				r.Auth = transport.Bearer("token")
			}))
			if row.sent {
				require.Nil(t, failure)
				return
			}
			require.NotNil(t, failure)
			assert.Error(t, failure.Cause)
			assert.Empty(t, next.sent)
			assert.Zero(t, resp.Attempts)
			assert.False(t, failure.Doubt)
		})
	}
}

// TestACredentialThatCannotBeMadeSendsNothing, and is not tried again.
func TestACredentialThatCannotBeMadeSendsNothing(t *testing.T) {
	t.Parallel()
	next := newScript(status(200))
	resp, failure := newClient(next).Do(t.Context(), newRequest(t, origin, retry.Unsent, nil, func(r *transport.Request) { r.Auth = noAuth{} }))
	require.NotNil(t, failure)
	assert.Equal(t, errBroken, failure.Cause)
	assert.Empty(t, next.sent)
	assert.Zero(t, resp.Attempts)
	assert.False(t, failure.Doubt)
}

type noAuth struct{}

func (noAuth) Sign(context.Context, http.Header) error { return errBroken }
