package playline

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// What New makes of its options, and what the calls of a client share: addresses, tokens, limits, logs.

func TestNewRefusesWrongOptions(t *testing.T) {
	t.Parallel()
	smooven := WithSmooven("k")
	for name, test := range map[string]struct {
		opts []Option
		want string
	}{
		"nothing":                            {nil, "no service is configured"},
		"no service":                         {[]Option{WithMaxResponseBytes(1)}, "no service is configured"},
		"a nil option":                       {[]Option{smooven, nil}, "an option is nil"},
		"no key":                             {[]Option{WithSmooven("")}, "WithSmooven: key must not be empty"},
		"a key of two lines":                 {[]Option{WithSmooven("a\nb")}, "WithSmooven: key must hold printable ASCII"},
		"a key with a space":                 {[]Option{WithSmooven("a b")}, "WithSmooven: key must hold printable ASCII"},
		"a key with umlauts":                 {[]Option{WithSmooven("k\u00e9y")}, "WithSmooven: key must hold printable ASCII"},
		"no app id":                          {[]Option{WithSmoovenAppID("")}, "WithSmoovenAppID: appID"},
		"no workspace":                       {[]Option{WithFyno("", FynoLive, "k")}, "WithFyno: workspace"},
		"no fyno key":                        {[]Option{WithFyno("W", FynoLive, "")}, "WithFyno: key"},
		"a wrong version":                    {[]Option{WithFyno("W", "prod", "k")}, "WithFyno: version must be live or test"},
		"no token":                           {[]Option{WithSmartSender("")}, "WithSmartSender: token"},
		"no app":                             {[]Option{WithSunshine("", "k", "s")}, "WithSunshine: appID"},
		"no key id":                          {[]Option{WithSunshine("a", "", "s")}, "WithSunshine: keyID"},
		"no secret":                          {[]Option{WithSunshine("a", "k", "")}, "WithSunshine: secret"},
		"a key id that basic auth would cut": {[]Option{WithSunshine("a", "k:1", "s")}, "WithSunshine: keyID must not hold a colon"},
		"no secret to sign with":             {[]Option{WithSunshineJWT("a", "k", "", SunshineApp)}, "WithSunshineJWT: secret"},
		"no app of a token":                  {[]Option{WithSunshineToken("", "t")}, "WithSunshineToken: appID"},
		"no ready token":                     {[]Option{WithSunshineToken("a", "")}, "WithSunshineToken: token"},
		"no source":                          {[]Option{WithSunshineTokenSource("a", nil)}, "WithSunshineTokenSource: source"},
		"no app of a source":                 {[]Option{WithSunshineTokenSource("", func(context.Context) (Secret, error) { return "t", nil })}, "WithSunshineTokenSource: appID"},
		"a wrong scope":                      {[]Option{WithSunshineJWT("a", "k", "s", "user")}, "scope must be app or account"},
		"a wrong service":                    {[]Option{smooven, WithBaseURL("nobody", "https://example.com")}, "must be one of the five services"},
		"a limiter to nobody":                {[]Option{smooven, WithLimiter("nobody", nil)}, "must be one of the five services"},
		"no HTTP client":                     {[]Option{smooven, WithHTTPClient(nil)}, "WithHTTPClient: client must not be nil"},
		"no logger":                          {[]Option{smooven, WithLogger(nil)}, "WithLogger: log must not be nil"},
		"no bytes":                           {[]Option{smooven, WithMaxResponseBytes(0)}, "WithMaxResponseBytes: n must be positive"},
		"negative attempts":                  {[]Option{smooven, WithRetryPolicy(RetryPolicy{MaxAttempts: -1})}, "RetryPolicy.MaxAttempts must not be negative"},
		"negative pauses":                    {[]Option{smooven, WithRetryPolicy(RetryPolicy{BaseDelay: -1})}, "RetryPolicy.BaseDelay must not be negative"},
		"negative timeout":                   {[]Option{smooven, WithRetryPolicy(RetryPolicy{AttemptTimeout: -1})}, "RetryPolicy.AttemptTimeout must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New(test.opts...)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "playline: ")
			assert.Nil(t, c)
		})
	}
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{ // "": refused
		"https://api.example.com":             "https://api.example.com/players/ply_1",
		"https://api.example.com/":            "https://api.example.com/players/ply_1",
		"https://api.example.com/v1":          "https://api.example.com/v1/players/ply_1",
		"https://api.example.com/v1/":         "https://api.example.com/v1/players/ply_1",
		"https://api.example.com/a%2Fb/v1":    "https://api.example.com/a%2Fb/v1/players/ply_1",
		"https://api.example.com:8443/sc":     "https://api.example.com:8443/sc/players/ply_1",
		"HTTPS://api.example.com":             "https://api.example.com/players/ply_1",
		"http://127.0.0.1:8080/smooven/v1":    "http://127.0.0.1:8080/smooven/v1/players/ply_1",
		"http://127.1.2.3":                    "http://127.1.2.3/players/ply_1",
		"http://[::1]:8080":                   "http://[::1]:8080/players/ply_1",
		"http://[::ffff:127.0.0.1]":           "http://[::ffff:127.0.0.1]/players/ply_1",
		"http://localhost:1":                  "http://localhost:1/players/ply_1",
		"http://api.example.com":              "",
		"http://localhost.example.com":        "",
		"http://127.0.0.1.example.com":        "",
		"http://0.0.0.0":                      "",
		"http://10.0.0.1":                     "",
		"ftp://127.0.0.1":                     "",
		"https://user:hunter2@example.com":    "",
		"https://example.com?key=hunter2":     "",
		"https://example.com#hunter2":         "",
		"api.example.com":                     "",
		"":                                    "",
		"https://":                            "",
		"https://:443":                        "",
		"https:///hunter2":                    "",
		"https://example.com/%zz?key=hunter2": "",
	} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			var got string
			c, err := New(WithSmooven("k"), WithBaseURL(Smooven, base), WithHTTPClient(&http.Client{Transport: roundTripper(
				func(req *http.Request) (*http.Response, error) {
					got = req.URL.String()
					assert.Equal(t, req.URL.Host, req.Host)
					return step{body: `{}`}.response(req), nil
				})}))
			if want == "" {
				require.ErrorIs(t, err, ErrInvalid)
				require.ErrorContains(t, err, "base URL of smooven")
				assert.NotContains(t, err.Error(), "hunter2", "a password is repeated")
				return
			}
			require.NoError(t, err)
			require.NoError(t, getPlayer(t.Context(), c))
			assert.Equal(t, want, got)
		})
	}
}

func TestDefaultBaseURLsAreThoseOfTheVendors(t *testing.T) {
	t.Parallel()
	for service, d := range dialects {
		u, err := parseBase(d.base)
		require.NoError(t, err)
		assert.Equal(t, "https", u.Scheme, service)
	}
	assert.Len(t, dialects, 5)
}

func TestSmoovenAppIDIsEnoughToRegisterOnly(t *testing.T) {
	t.Parallel()
	s := script(step{body: `{"success":true,"player_id":"ply_1","external_id":"ace","channels_registered":[],"created":true}`})
	c, err := New(WithSmoovenAppID("app_live_1"), WithHTTPClient(newHTTPClient(s)))
	require.NoError(t, err)
	_, err = c.Players.Register(t.Context(), Player{ExternalID: "ace"})
	require.NoError(t, err)
	assert.Equal(t, "app_live_1", s.last(t).header.Get("X-App-Id"))
	assert.Empty(t, s.last(t).header.Get("Authorization"))

	err = getPlayer(t.Context(), c)
	require.ErrorIs(t, err, ErrNotConfigured)
	require.ErrorContains(t, err, "the public app id is not enough")
	assert.Equal(t, 1, s.count())

	c, err = New(WithSmoovenAppID("app_live_1"), WithSmooven("sk_live_1"), WithHTTPClient(newHTTPClient(s)))
	require.NoError(t, err)
	_, err = c.Players.Register(t.Context(), Player{ExternalID: "ace"})
	require.NoError(t, err)
	assert.Equal(t, "Bearer sk_live_1", s.last(t).header.Get("Authorization"))
	assert.Empty(t, s.last(t).header.Get("X-App-Id"))
}

func TestSunshineTokensAreSignedKeptAndRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(step{body: `{"clients":[],"meta":{"hasMore":false}}`})
		c, err := New(WithSunshineJWT("app1", "key1", "s3cret", SunshineAccount), WithHTTPClient(newHTTPClient(s)))
		require.NoError(t, err)
		header := func() string {
			_, err := c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
			require.NoError(t, err)
			return s.last(t).header.Get("Authorization")
		}
		first := header()
		var claims jwt.MapClaims
		token, err := jwt.ParseWithClaims(strings.TrimPrefix(first, "Bearer "), &claims, func(*jwt.Token) (any, error) { return []byte("s3cret"), nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
		require.NoError(t, err)
		assert.Equal(t, "key1", token.Header["kid"])
		assert.Equal(t, "account", claims["scope"])
		assert.Equal(t, first, header(), "a token is kept")
		time.Sleep(3 * time.Minute)
		assert.Equal(t, first, header(), "it is valid for two more minutes")
		time.Sleep(time.Minute)
		assert.NotEqual(t, first, header(), "it is renewed before its end")
	})
}

func TestSmartSenderIsLimitedByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(step{body: contactReply})
		var times []time.Time
		c := newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			times = append(times, time.Now())
			return s.RoundTrip(req)
		}))
		for range 400 {
			_, err := c.Contacts.Get(t.Context(), 1)
			require.NoError(t, err)
		}
		for i := range times {
			for j := i; j < len(times) && times[j].Sub(times[i]) < time.Minute; j++ {
				require.Less(t, j-i, 180, "more than 180 requests in a minute")
			}
		}

		fast := newClient(t, s, WithLimiter(SmartSender, nil))
		started := time.Now()
		for range 400 {
			_, err := fast.Contacts.Get(t.Context(), 1)
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(started), "nil means no limit")
	})
}

func TestA429HoldsTheServiceForAllCallersAndNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := script(failed(429, "Retry-After", "20"), step{body: acceptedReply})
		c := newClient(t, s)
		err := getPlayer(t.Context(), c, Retry(RetryPolicy{MaxAttempts: 1}))
		require.ErrorIs(t, err, ErrRateLimited)
		started := time.Now()
		_, err = c.Properties.Set(t.Context(), "ace", Properties{"a": 1})
		require.NoError(t, err)
		assert.Zero(t, time.Since(started), "another service was held")
		require.NoError(t, getPlayer(t.Context(), c))
		assert.Equal(t, 20*time.Second, time.Since(started), "another caller was not held")
	})
}

func TestLimiterTakesATokenForEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, script(failed(500)), WithLimiter(Smooven, rate.NewLimiter(rate.Every(time.Minute), 1)))
		started := time.Now()
		require.Error(t, getPlayer(t.Context(), c, Retry(RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1})))
		assert.GreaterOrEqual(t, time.Since(started), 2*time.Minute-time.Second)
	})
}

func TestClientLogsAttemptsRetriesAndFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
		require.Error(t, getPlayer(t.Context(), newClient(t, script(failed(503)), WithLogger(slog.New(handler))), Retry(RetryPolicy{MaxAttempts: 2})))
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 3, log.String())
		for i, want := range []string{"level=INFO", "level=DEBUG", "level=WARN"} {
			assert.Contains(t, lines[i], want)
			assert.Contains(t, lines[i], "operation=Players.Get method=GET route=/players/{player_id} attempt="+fmt.Sprint(min(i+1, 2)))
			assert.Contains(t, lines[i], "status=503")
		}
	})
}

func TestClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := newClient(t, script(step{body: acceptedReply}))
	done := make(chan error)
	for range 50 {
		go func() {
			_, err := c.Properties.Set(context.WithoutCancel(t.Context()), "ace", Properties{"a": 1})
			done <- err
		}()
	}
	for range 50 {
		require.NoError(t, <-done)
	}
	assert.NotContains(t, fmt.Sprintf("%+v %#v", c, *c), keyFyno, "a printed client shows a key")
}
