package playline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/echo"
)

// canaries are what must never come out in a log or an error. They stand in the requests of the rows.
var canaries = []string{
	keySmooven, keyFyno, keySmartSender, keySunshine, tokenPlayer, "app_live_canary", "493021", "49 30&21", "49+30%2621", passwordAce,
	"ace@example.com", "ace%40example.com", "+61400000000", "%2B61400000000", "+61400000001", "+61400000002", "+61 400 000-000", "+1 212-555-2368",
	base64.StdEncoding.EncodeToString([]byte(keySunshineID + ":" + keySunshine)),
}

// forms are the canaries as they are, and as echoes write them.
var forms = func() []string {
	all := slices.Clone(canaries)
	for _, canary := range canaries {
		for _, c := range echo.Codecs {
			switch c.Name {
			case "JSON without its quotes", "quoted in ASCII", "a query", "a path", "HTML", "XML", "base64", "hex", "upper case":
				if form := c.Encode(canary); len(canary) >= 8 && !slices.Contains(all, form) {
					all = append(all, form)
				}
			}
		}
	}
	return all
}()

// echoes are the texts that a careless service or gateway makes of a request: all of it in one, and every part that holds a canary
// alone, because long words are cut.
func echoes(req *http.Request) []string {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	all := fmt.Sprintf("refused %s %s with %v and %s", req.Method, req.URL, req.Header, body)
	parts := strings.Split(string(body), ",")
	parts = append(parts, req.URL.String(), "destination "+req.URL.Query().Get("destination"), "otp "+req.URL.Query().Get("otp"))
	for name := range req.Header {
		parts = append(parts, name+": "+req.Header.Get(name))
	}
	slices.Sort(parts)
	return append([]string{all}, slices.DeleteFunc(parts, func(part string) bool {
		return !slices.ContainsFunc(canaries, func(canary string) bool { return strings.Contains(part, canary) })
	})...)
}

// parrots answer with the request in every place of their service's refusals.
func parrots(service Service, text string) []step {
	quoted, _ := json.Marshal(text)
	q := string(quoted)
	bodies := map[Service][]string{
		Smooven: {`{"success":false,"error":{"code":` + q + `,"message":` + q + `}}`, `{"success":false,"imported":0,"errors":[{"index":0,"code":` + q +
			`,"message":` + q + `},` + q + `]}`},
		Fyno: {
			`{"status":"error","_message":` + q + `}`, `{"request_id":"r","batch":[{"$set":` + q + `}]}`,
			`{"response":{"sms":{"destination":` + q + `,"status":` + q + `},` + q + `:{"status":"bad"}}}`,
			`{"response":[{"seq":1,"sms":{"destination":` + q + `,"status":` + q + `}}]}`,
		},
		SmartSender: {`{"error":{"code":` + q + `,"message":` + q + `,"description":[` + q + `]}}`},
		Sunshine:    {`{"errors":[{"code":` + q + `,"title":` + q + `},{"code":"x","title":` + q + `}]}`},
		PlaySmart:   {`{"error":{"code":` + q + `,"message":` + q + `,"details":[` + q + `]}}`, `{"success":false,"message":` + q + `}`},
	}[service]
	var steps []step
	for _, body := range append(bodies, text, q, `{"a":`+q) {
		for _, status := range []int{200, 307, 400, 401, 429, 500} {
			steps = append(steps, step{status: status, body: body})
		}
	}
	return append(steps, step{status: 200, body: bodies[0], cut: true})
}

// everyForm is an error in all the ways in which programs write errors down.
func everyForm(t *testing.T, err error) string {
	t.Helper()
	var out strings.Builder
	text, json1 := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	seen := func(err error) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s"} {
			fmt.Fprintf(&out, verb+"\n", err)
		}
		encoded, jsonErr := json.Marshal(err)
		require.NoError(t, jsonErr)
		out.Write(encoded)
		text.Error("failed", "err", err, slog.Group("in", "err", err))
		json1.Error("failed", "err", err, slog.Group("in", "err", err))
		json1.Error(fmt.Sprint("failed: ", err), "deep", struct{ Err error }{err})
	}
	for queue := []error{err}; len(queue) > 0; queue = queue[1:] {
		seen(queue[0])
		switch e := queue[0].(type) { //nolint:errorlint // the tree is walked by hand
		case interface{ Unwrap() error }:
			if next := e.Unwrap(); next != nil {
				queue = append(queue, next)
			}
		case interface{ Unwrap() []error }:
			queue = append(queue, e.Unwrap()...)
		}
	}
	if partial, ok := errors.AsType[*PartialError](err); ok {
		for _, item := range partial.Items {
			seen(item)
		}
	}
	return out.String()
}

func TestSecurityLogsAndErrorsHoldNothingPrivate(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		var texts int
		count := roundTripper(func(req *http.Request) (*http.Response, error) {
			texts = len(echoes(req))
			return nil, io.EOF
		})
		_, err := r.call(t.Context(), newClient(t, count, WithRetryPolicy(RetryPolicy{MaxAttempts: 1})))
		require.Error(t, err)
		for n := range texts * len(parrots(r.op.service, "")) {
			var log syncBuffer
			handler := slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})
			parrot := roundTripper(func(req *http.Request) (*http.Response, error) {
				return parrots(r.op.service, echoes(req)[n%texts])[n/texts].response(req), nil
			})
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, parrot, WithLogger(slog.New(handler)), WithRetryPolicy(RetryPolicy{MaxAttempts: 2}))
				_, err := r.call(t.Context(), c)
				if err == nil {
					return // the echo is an answer of this operation
				}
				assertNoCanary(t, everyForm(t, err))
			})
			assert.NotEmpty(t, log.String())
			assertNoCanary(t, log.String())
			assert.NotContains(t, log.String(), "base/", "a path in the log")
		}
	})
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

func assertNoCanary(t *testing.T, text string) {
	t.Helper()
	assertNoneOf(t, forms, text)
}

func assertNoneOf(t *testing.T, canaries []string, text string) {
	t.Helper()
	for _, canary := range canaries {
		if at := indexOf(text, canary); at >= 0 {
			t.Errorf("%q came out: ...%s...", canary, text[max(0, at-200):min(len(text), at+len(canary)+100)])
			return
		}
	}
}

// indexOf is strings.Index, but does not find digits within more digits: an OTP stands in many a time of nanoseconds.
func indexOf(text, canary string) int {
	isDigit := func(at int) bool { return at >= 0 && at < len(text) && text[at] >= '0' && text[at] <= '9' }
	number := strings.Trim(canary, "0123456789") == ""
	for from := 0; ; {
		at := strings.Index(text[from:], canary)
		if at < 0 {
			return -1
		}
		if at += from; !number || !isDigit(at-1) && !isDigit(at+len(canary)) {
			return at
		}
		from = at + 1
	}
}

// TestCanariesAreInTheRequests: a search for what is nowhere finds nothing.
func TestCanariesAreInTheRequests(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, r := range rows {
		s := script(jsonBody(r.status, r.reply))
		r.inBubble(t, s, succeeds)
		in := s.last(t)
		query, err := url.QueryUnescape(in.query)
		require.NoError(t, err)
		var body any
		if len(in.body) > 0 {
			require.NoError(t, json.Unmarshal(in.body, &body))
		}
		fmt.Fprint(&all, in.header, in.path, in.query, query, string(in.body), body)
	}
	all.WriteString(keySunshine + "app_live_canary") // the first travels in base64, the second has a test of its own
	for _, canary := range canaries {
		assert.Contains(t, all.String(), canary)
	}
}

func TestSecuritySunshineTokensAndAppIDsComeBackRedacted(t *testing.T) {
	t.Parallel()
	parrot := roundTripper(func(req *http.Request) (*http.Response, error) {
		text := echoes(req)[0]
		quoted, _ := json.Marshal(text)
		return step{status: 400, body: fmt.Sprintf(`{"success":false,"error":{"message":%s},"errors":[{"code":"x","title":%s}]}`, quoted, quoted)}.response(req), nil
	})
	c := newClient(t, parrot, WithSunshineJWT("app1", "key1", keySunshine, SunshineApp))
	_, err := c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
	require.ErrorContains(t, err, "Bearer [REDACTED]")
	assert.NotContains(t, everyForm(t, err), "eyJ")

	c, err = New(WithSmoovenAppID("app_live_canary"), WithHTTPClient(newHTTPClient(parrot)))
	require.NoError(t, err)
	_, err = c.Players.Register(t.Context(), Player{ExternalID: "ace"})
	require.ErrorContains(t, err, "refused POST")
	assertNoCanary(t, everyForm(t, err))
}

// TestSecurityImportFailuresAreLoggedWithoutTheirPlayers: a failure holds its player for a program, not for a log.
func TestSecurityImportFailuresAreLoggedWithoutTheirPlayers(t *testing.T) {
	t.Parallel()
	players := func(yield func(Player) bool) {
		_ = yield(Player{ExternalID: "ace", Channels: PlayerChannels{SMS: "+61400000000", Email: "ace@example.com"}, Tags: []string{""}})
	}
	summary, err := newClient(t, script()).Players.ImportAll(t.Context(), players, ImportOptions{})
	require.NoError(t, err)
	require.Len(t, summary.Failures, 1)
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("imported", "summary", summary, "failure", summary.Failures[0])
	}
	fmt.Fprintf(&log, "%v %+v %#v", summary.Failures[0], summary.Failures[0], summary.Failures)
	fmt.Fprintf(&log, "%v %+v %#v", summary, summary, summary)
	assertNoCanary(t, log.String())
	assert.Contains(t, log.String(), "tags[0]")
	assert.Contains(t, log.String(), "read=1 summary.imported=0 summary.failed=1")
}
