package transport_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/retry"
	"github.com/playline/playline-go/internal/transport"
)

// logged runs a call with a logger of the given level and returns its lines.
func logged(t *testing.T, level slog.Level, next http.RoundTripper, edits ...func(*transport.Request)) (lines []map[string]any, text string) {
	t.Helper()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))
	transport.New(&http.Client{Transport: next}, log, 1<<20).Do(t.Context(), newRequest(t, origin, retry.Safe, []byte(`{"email":"ace@example.com"}`), edits...))
	for line := range strings.Lines(out.String()) {
		one := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(line), &one))
		delete(one, "time")
		lines = append(lines, one)
	}
	return lines, out.String()
}

func TestEachAttemptIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		steps := func() *script {
			return newScript(
				status(503, "Retry-After", "7", "X-Request-Id", "r1"),
				after(2*time.Second, broken),
				status(400, "X-Request-Id", "r3"),
			)
		}
		line := func(level, msg string, attempt int, id string, status int, more map[string]any) map[string]any {
			m := map[string]any{
				"level": level, "msg": "playline: " + msg, "service": "test", "operation": "Things.Do", "method": "POST", "route": "/things/{id}",
				"attempt": float64(attempt), "request_id": id, "status": float64(status),
			}
			for k, v := range more {
				m[k] = v
			}
			return m
		}
		retries := []map[string]any{
			line("INFO", "attempt", 1, "r1", 503, map[string]any{"took": 0.0, "retry_in": float64(7 * time.Second)}),
			line("INFO", "attempt", 2, "", 0, map[string]any{"took": float64(2 * time.Second), "retry_in": 0.0}),
		}
		last := line("DEBUG", "attempt", 3, "r3", 400, map[string]any{"took": 0.0})
		failed := line("WARN", "call failed", 3, "r3", 400, map[string]any{"outcome_unknown": false})

		lines, _ := logged(t, slog.LevelDebug, steps())
		assert.Equal(t, append(retries[:2:2], last, failed), lines)
		lines, _ = logged(t, slog.LevelInfo, steps())
		assert.Equal(t, append(retries[:2:2], failed), lines)
		lines, _ = logged(t, slog.LevelWarn, steps())
		assert.Equal(t, []map[string]any{failed}, lines)
		lines, _ = logged(t, slog.LevelError, steps())
		assert.Empty(t, lines)

		lines, _ = logged(t, slog.LevelInfo, newScript(status(200)))
		assert.Empty(t, lines, "a call that works makes no noise")
		lines, _ = logged(t, slog.LevelWarn, newScript(broken), func(r *transport.Request) { r.Class = retry.Unsent })
		require.Len(t, lines, 1)
		assert.Equal(t, true, lines[0]["outcome_unknown"])
	})
}

// TestSecurityLogsHoldNoURLNoHeaderNoBody plants a secret in each place of a request, an answer and
// an error.
func TestSecurityLogsHoldNoURLNoHeaderNoBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, one := range []step{
			answer(500, "echo ace@example.com 123456", "X-Secret", "in-header", "Set-Cookie", "in-cookie"),
			answer(200, "no 429 ace@example.com 123456"),
			answer(307, "", "Location", "https://example.org/secret-id?otp=123456"),
			answer(307, "", "Location", "http://%zz/secret-id?otp=123456"),
			func(req *http.Request) (*http.Response, error) { return nil, &httpError{req} },
			hang,
		} {
			_, text := logged(t, slog.LevelDebug, newScript(one), func(r *transport.Request) {
				r.Auth = transport.Bearer("in-token")
				r.Header.Set("X-Mine", "in-my-header")
			})
			require.NotEmpty(t, text)
			for _, secret := range []string{
				"secret-id", "otp", "123456", "example.com", "example.org", "ace@", "in-header", "in-cookie", "in-token", "in-my-header",
			} {
				assert.NotContains(t, text, secret)
			}
		}
	})
}

// httpError is the error of a transport that quotes the whole request.
type httpError struct{ req *http.Request }

func (e *httpError) Error() string {
	return e.req.URL.String() + " " + e.req.Header.Get("Authorization")
}

// TestNothingIsPrintedByItself: retryablehttp's own logger would write URLs to standard error. The
// test is not parallel because it replaces the standard error and output of the process.
func TestNothingIsPrintedByItself(t *testing.T) {
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	file, err := os.Create(t.TempDir() + "/printed")
	require.NoError(t, err)
	os.Stdout, os.Stderr = file, file
	synctest.Test(t, func(t *testing.T) {
		for _, one := range []step{status(500), status(200), broken, hang} {
			newClient(newScript(one)).Do(t.Context(), newRequest(t, origin, retry.Safe, []byte("{}")))
		}
	})
	require.NoError(t, file.Close())
	printed, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	assert.Empty(t, string(printed))
}
