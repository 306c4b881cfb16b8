package otelplayline_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// private are texts in the calls below that must be in no span and no metric.
var private = []string{
	emulator.SmoovenKey, emulator.FynoKey, emulator.SmartSenderToken, emulator.SunshineSecret, emulator.SunshineAppID, emulator.FynoWorkspace,
	"+61400000000", "61400000000", "ace@example.com", "ace%40example.com", "493021", "correct horse", "eyJ",
	base64.StdEncoding.EncodeToString([]byte(emulator.SunshineKeyID + ":" + emulator.SunshineSecret)),
	"ply_canary", "device-canary", "4711", "list-canary", "client-canary", "attribute-canary", "otp=", "destination=", "term=", "?",
}

// calls are operations with something private in each place: path, query, header, body.
var calls = map[string]func(ctx context.Context, c *playline.Client) error{
	"an id in the path": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Players.Get(ctx, "ply_canary")
		return err
	},
	"an address in the path": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Profiles.Get(ctx, "ace@example.com")
		return err
	},
	"two ids in the path": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Profiles.Merge(ctx, "device-canary", "+61400000000")
		return err
	},
	"a number in the path":    func(ctx context.Context, c *playline.Client) error { _, err := c.Contacts.Get(ctx, 4711); return err },
	"a password in the query": validate,
	"a phone in the query": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Suppressions.Delete(ctx, playline.SuppressionKey{Destination: "+61400000000"})
		return err
	},
	"a search": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Contacts.Search(ctx, "ace@example.com", playline.PageOptions{})
		return err
	},
	"an app and a user in the path": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Messaging.RemoveClient(ctx, "device-canary", "client-canary", playline.BrandOptions{})
		return err
	},
	"a body of addresses": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Players.Register(ctx, playline.Player{
			ExternalID: "device-canary", Channels: playline.PlayerChannels{SMS: "+61400000000", Email: "ace@example.com"},
		})
		return err
	},
	"a password in the body": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Accounts.Login(ctx, playline.Credentials{Email: "ace@example.com", Password: "correct horse"})
		return err
	},
	"a header": func(ctx context.Context, c *playline.Client) error {
		_, err := c.Contacts.List(ctx, playline.PageOptions{}, playline.Header("X-Mine", "attribute-canary"))
		return err
	},
	"a batch": batch,
}

func validate(ctx context.Context, c *playline.Client) error {
	_, err := c.Verify.Validate(ctx, playline.OTPCheck{Destination: "+61400000000", OTP: "493021"})
	return err
}

// batch sends an event through a batcher under a token, and gives up after a minute.
func batch(ctx context.Context, c *playline.Client) error {
	b, err := c.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(emulator.New().Token("device-canary", time.Hour))}, nil
		}),
	})
	if err != nil {
		return err
	}
	if err := b.Player("device-canary").TrackAttrs(ctx, batcher.AppOpen, slog.String("mail", "ace@example.com")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err = b.Close(ctx)
	return err
}

// said is all of a request as one line.
func said(req *http.Request) string {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	return strings.ReplaceAll(fmt.Sprintf("refused %s %s with %v and %s", req.Method, req.URL, req.Header, body), "\n", " ")
}

// roundTripper is a transport that is a function.
type roundTripper func(req *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// gossipError is a transport's error that would name its own type.
type gossipError struct{ text string }

func (e gossipError) Error() string     { return e.text }
func (e gossipError) ErrorType() string { return e.text }

// TestNothingPrivateInSpansAndMetrics: services and transports that repeat everything they get, in
// each place that there is. A request id is the service's own word: it is scrubbed of credentials,
// addresses and numbers, and is on no metric.
func TestNothingPrivateInSpansAndMetrics(t *testing.T) {
	t.Parallel()
	parrot := func(status int, words func(req *http.Request, text string) (header http.Header, body string)) roundTripper {
		return func(req *http.Request) (*http.Response, error) {
			header, body := words(req, said(req))
			return &http.Response{
				StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
			}, nil
		}
	}
	body := func(_ *http.Request, text string) (http.Header, string) {
		return http.Header{"X-Secret": {text}, "Location": {text}}, text
	}
	transports := map[string]func() http.RoundTripper{
		"an emulator":           func() http.RoundTripper { return emulator.New() },
		"refusals that repeat":  func() http.RoundTripper { return parrot(400, body) },
		"failures that repeat":  func() http.RoundTripper { return parrot(503, body) },
		"successes that repeat": func() http.RoundTripper { return parrot(200, body) },
		"redirects that repeat": func() http.RoundTripper { return parrot(307, body) },
		"errors that repeat": func() http.RoundTripper {
			return gossip(errors.New)
		},
		"error types that do": func() http.RoundTripper {
			return gossip(func(text string) error { return gossipError{text} })
		},
		"request ids that do so": func() http.RoundTripper { return parrot(500, requestID) },
	}
	for name, transport := range transports {
		for what, call := range calls {
			t.Run(name+": "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					l := newLab(t)
					client := l.connect(playline.WithHTTPClient(&http.Client{Transport: transport()}), playline.WithHooks(l.hooks()))
					_ = call(t.Context(), client)
					text := l.everything()
					require.Contains(t, text, "http.client.request.duration")
					for _, p := range private {
						if at := strings.Index(text, p); at >= 0 {
							t.Errorf("%q came out: ...%s...", p, text[max(0, at-100):min(len(text), at+100)])
						}
					}
				})
			})
		}
	}
}

func gossip(as func(text string) error) roundTripper {
	return func(req *http.Request) (*http.Response, error) { return nil, as(said(req)) }
}

// requestID repeats credentials, addresses and numbers; an id of a player in it would be the
// service's own choice.
func requestID(req *http.Request, _ string) (http.Header, string) {
	words := "req-1 +61400000000 ace@example.com " + req.Header.Get("Authorization")
	return http.Header{"X-Request-Id": {words}}, "{}"
}

// TestAttributesAreBounded: a hundred players, each with calls that fail in several ways, make no
// more series than one, and no attribute but those that are meant.
func TestAttributesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		play := func(id string) {
			for range 3 {
				_, _ = l.client.Players.Get(t.Context(), id)
				_, _ = l.client.Players.Register(t.Context(), playline.Player{ExternalID: id})
				_, _ = l.client.Profiles.Get(t.Context(), id)
				_, _ = l.client.Messaging.ListClients(t.Context(), id, playline.ClientListOptions{})
			}
		}
		l.emulator.Inject(emulator.Fault{Status: 503, RetryAfter: time.Second, Operation: "registerPlayer", Times: 1})
		play("device-0")
		series := func() map[string]int {
			out := map[string]int{}
			for name, m := range l.metrics() {
				out[name] = len(points(m))
			}
			return out
		}
		one := series()
		require.Equal(t, map[string]int{"http.client.request.duration": 5, "playline.client.call.duration": 4}, one)
		names := map[string]bool{}
		for i := range 100 {
			play(fmt.Sprintf("device-%d", i))
		}
		assert.Equal(t, one, series())

		keys := map[string]bool{}
		for _, span := range l.spans.GetSpans() {
			names[span.Name] = true
			for key := range attributes(span) {
				keys[key] = true
			}
		}
		assert.Len(t, names, 8, "four calls and their four requests")
		assert.Equal(t, map[string]bool{
			"error.type": true, "http.request.method": true, "http.request.resend_count": true, "http.response.status_code": true,
			"server.address": true, "server.port": true, "url.full": true, "url.template": true,
			"playline.attempts": true, "playline.operation": true, "playline.service": true,
		}, withoutKey(keys, "playline.request_id"))
	})
}

func withoutKey(keys map[string]bool, key string) map[string]bool {
	delete(keys, key)
	return keys
}
