package playline

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSecurityRedirectsGoNowhere: no status and no address makes the client connect anywhere, not even to the same server.
func TestSecurityRedirectsGoNowhere(t *testing.T) { // not parallel: it measures the process
	thief := newHostileServer(t, silent)
	port := strings.TrimPrefix(thief.url, "http://127.0.0.1")
	for name, location := range map[string]string{
		"another port":           thief.url + "/players/ply_1",
		"another host":           "http://localhost" + port + "/players/ply_1",
		"another scheme":         "https://127.0.0.1" + port + "/",
		"no scheme":              "//127.0.0.1" + port + "/",
		"user and host":          "http://127.0.0.1@localhost" + port + "/",
		"backslashes":            `\\127.0.0.1` + port + `\x`,
		"a file":                 "file:///etc/passwd",
		"a script":               "javascript:alert(1)",
		"data":                   "data:application/json,{}",
		"the same place":         "/players/ply_1",
		"relative":               "../../other",
		"nothing":                "",
		"no address":             "http://[::1",
		"bad escapes":            "/%zz?otp=493021",
		"a long one":             "/" + strings.Repeat("x", 100_000),
		"a secret, for the logs": "https://evil.example.net/?key=" + keySmooven,
	} {
		for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
			t.Run(fmt.Sprintf("%d to %s", status, name), func(t *testing.T) {
				bounded(t, 8<<20, func() {
					server := newHostileServer(t, says(fmt.Sprintf("HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location)))
					log, logger := everyLog()
					c := smoovenAt(t, server.url, WithLogger(logger), WithHTTPClient(&http.Client{
						Transport: &http.Transport{DisableKeepAlives: true},
						CheckRedirect: func(*http.Request, []*http.Request) error {
							t.Error("the caller's redirect policy was asked")
							return nil
						},
					}))
					for _, call := range []func() error{
						func() error { return getPlayer(t.Context(), c, Header("X-Game-Secret", "hunter2")) },
						func() error { _, err := c.Players.Register(t.Context(), Player{ExternalID: "ace"}); return err },
						func() error { _, err := c.Players.Delete(t.Context(), "ply_1"); return err },
					} {
						err := call()
						var e *Error
						require.ErrorAs(t, err, &e)
						assert.Equal(t, []int{status, 1}, []int{e.StatusCode, e.Attempts})
						require.ErrorContains(t, err, "redirect, which is not followed")
						assert.NotContains(t, everyForm(t, err), "evil.example.net")
						assertNoCanary(t, everyForm(t, err))
					}
					assert.Equal(t, int32(3), server.conns.Load(), "one connection a call")
					assertNoCanary(t, log.String())
				})
			})
		}
	}
	assert.Zero(t, thief.conns.Load(), "somebody else was called")
}

// TestSecurityRetryAfterOfAHostileServer: on a real socket, no value makes a call wait longer than the policy allows.
func TestSecurityRetryAfterOfAHostileServer(t *testing.T) { // not parallel: it measures the process
	for _, value := range []string{
		"1e18", "1e308", "1e999", "9223372036854775807", "18446744073709551616", "-1", "-1e18", "-0", "NaN", "nan", "Inf", "-Inf", "+Inf", "0x1p60",
		"1_000", "", " ", "soon", "1;2", "86400, 86400", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT", "Friday", "00000000000000000000001",
		strings.Repeat("9", 100_000), "1\r\nRetry-After: 1e18", "\x7f", "\u0661\u0662",
	} {
		for _, status := range []int{429, 503} {
			bounded(t, 8<<20, func() {
				server := newHostileServer(t, says(fmt.Sprintf("HTTP/1.1 %d Wait\r\nConnection: close\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", status, value)))
				c := smoovenAt(t, server.url, WithRetryPolicy(RetryPolicy{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1, MaxRetryAfter: time.Millisecond}))
				started := time.Now()
				err := getPlayer(t.Context(), c)
				var e *Error
				require.ErrorAs(t, err, &e, value)
				assert.Less(t, time.Since(started), 20*time.Second, "Retry-After: %.40s", value)
				assert.GreaterOrEqual(t, e.RetryAfter, time.Duration(0), "Retry-After: %.40s", value)
				assert.Less(t, len(err.Error()), 500)
				if strings.Contains(value, "\x7f") {
					return // net/http takes it for no header at all
				}
				assert.Equal(t, []int{status, 3}, []int{e.StatusCode, e.Attempts}, "Retry-After: %.40s", value)
			})
		}
	}
}
