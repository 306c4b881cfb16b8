package playline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/echo"
)

// Echoes that encode what they repeat, in every place of an answer, and what comes of them: in an
// error, in a log, in what hooks get, and in what is printed.

// seen is all that a program can write down of a call.
type seen struct {
	log   *syncBuffer
	hooks strings.Builder
	error string
}

func (s *seen) text() string { return s.log.String() + s.hooks.String() + s.error }

// watchedCall makes a call through a transport and returns what can be seen of it.
func watchedCall(t *testing.T, transport roundTripper, call func(*Client, *Response) error) *seen {
	t.Helper()
	log, logger := everyLog()
	s := &seen{log: log}
	var captured Response
	c := newClient(t, transport, WithLogger(logger), WithRetryPolicy(RetryPolicy{MaxAttempts: 1}), WithHooks(Hooks{
		AttemptEnd: func(_ context.Context, call CallInfo, r CallResult) { fmt.Fprintf(&s.hooks, "%+v %+v\n", call, r) },
		CallEnd:    func(_ context.Context, call CallInfo, r CallResult) { fmt.Fprintf(&s.hooks, "%+v %+v\n", call, r) },
	}))
	err := call(c, &captured)
	if err != nil {
		s.error = everyForm(t, err)
	}
	s.error += everyVerb(t, captured) + everyVerb(t, &captured)
	return s
}

// TestSecurityTheRequestsOwnJSONIsNotRepeated: it is the most natural echo, and its JSON escapes < > &.
func TestSecurityTheRequestsOwnJSONIsNotRepeated(t *testing.T) {
	t.Parallel()
	parrot := roundTripper(func(req *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		return jsonBody(400, `{"error":{"message":`+quoteJSON("refused "+string(body))+`}}`).response(req), nil
	})
	s := watchedCall(t, parrot, func(c *Client, r *Response) error {
		_, err := c.Accounts.Login(t.Context(), Credentials{Email: "ace@example.com", Password: passwordAce}, CaptureResponse(r))
		require.ErrorContains(t, err, `refused {"email":"[REDACTED]","password":"[REDACTED]"}`)
		return err
	})
	assertNoCanary(t, s.text())
	assert.Empty(t, echo.Readable(s.text(), passwordAce, 1))
}

// TestSecurityHeadersOfTheCallerAreNotRepeated, nor are they in a request id.
func TestSecurityHeadersOfTheCallerAreNotRepeated(t *testing.T) {
	t.Parallel()
	const session = "Tenant-Session-8e7f2"
	for name, c := range echo.Codecs {
		text := c.Encode(session)
		parrot := roundTripper(func(req *http.Request) (*http.Response, error) {
			return step{status: 400, body: `{"error":{"message":` + quoteJSON("refused "+text) + `}}`, header: http.Header{"X-Request-Id": {text}}}.response(req), nil
		})
		s := watchedCall(t, parrot, func(c *Client, r *Response) error {
			_, err := c.Players.Get(t.Context(), "ace", Header("X-Session", session), CaptureResponse(r))
			return err
		})
		assert.Empty(t, echo.Readable(s.text(), session, 1), name)
	}
}

// TestSecurityRequestIDs: an id is letters, digits and a few signs, or it is left out.
func TestSecurityRequestIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"req_8f14e45f":                    "req_8f14e45f",
		"01J9ZK3M5Q8W7E6R5T4Y3U2I1O":      "01J9ZK3M5Q8W7E6R5T4Y3U2I1O",
		"230b030023ae2822-SYD":            "230b030023ae2822-SYD",
		"105445aa7843bc8bf206b1200/1;o=1": "105445aa7843bc8bf206b1200/1;o=1",
		"Root=1-67891233-abcdef01":        "Root=1-67891233-abcdef01",
		strings.Repeat("a", 128):          strings.Repeat("a", 128),
		strings.Repeat("a", 129):          "",
		"two words":                       "",
		"a,b":                             "",
		"<script>":                        "",
		`"quoted"`:                        "",
		"a\u202eb":                        "",
		"{json}":                          "",
		"é":                               "",
		"61400000000":                     "",
		"+61400000000":                    "",
		tokenPlain:                        "",
		"id-" + tokenPlain:                "",
		"dG9rZW5QbGFpbjEyMzQ1Ng":          "", // tokenPlain in base64
	} {
		s := script(step{status: 400, body: `{}`, header: http.Header{"X-Request-Id": {id}}})
		c, err := New(WithSmooven(tokenPlain), WithHTTPClient(newHTTPClient(s)))
		require.NoError(t, err)
		var r Response
		_, err = c.Players.Get(t.Context(), "ace", CaptureResponse(&r))
		var e *Error
		require.ErrorAs(t, err, &e, id)
		assert.Equal(t, want, e.RequestID, "%q", id)
		assert.Equal(t, want, r.RequestID, "%q", id)
	}
}

// tokenPlain is a credential that has the shape of a request id.
const tokenPlain = "tokenPlain123456"

// FuzzEcho: a random password through one to three random encodings comes back in every place of an
// answer. Nothing of it is in an error, a log, what hooks get, or what is printed.
func FuzzEcho(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		secret := echo.RandomSecret(r)
		text, used := echo.Encode(r, secret)
		if echo.Length(secret) < 8 {
			return
		}
		q := quoteJSON("refused " + text)
		header := http.Header{"X-Request-Id": {text}, "Cf-Ray": {text}}
		answers := []step{
			{status: 400, header: header, body: `{"error":{"code":` + q + `,"message":` + q + `,"details":[` + q + `]}}`},
			{status: 401, header: header, body: `{"success":false,"message":` + q + `}`},
			{status: 500, header: header, body: text},
			{status: 200, header: header, body: `{"data":{"access_token":` + q + `}`},
			{status: 200, header: header, body: q},
			{status: 200, header: header, body: `{"data":` + q + `}`},
		}
		n := r.IntN(len(answers) + 1)
		s := watchedCall(t, func(req *http.Request) (*http.Response, error) {
			if n == len(answers) {
				return nil, fmt.Errorf("proxy: %w", errors.New(text))
			}
			return answers[n].response(req), nil
		}, func(c *Client, captured *Response) error {
			_, err := c.Accounts.Login(t.Context(), Credentials{Email: "ace@example.com", Password: Secret(secret)}, CaptureResponse(captured))
			if err == nil {
				t.Fatalf("answer %d is no session", n)
			}
			return err
		})
		if at := echo.Readable(s.text(), secret, 1); at != "" {
			t.Fatalf("%q by %q, answer %d: %q shows %q", secret, used, n, s.text(), at)
		}
	})
}

func quoteJSON(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}
