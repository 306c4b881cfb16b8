package playline_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
)

// Examples of what New can be told.

func ExampleNewFromEnv() {
	_ = os.Unsetenv("PLAYLINE_FYNO_KEY")
	_ = os.Setenv("PLAYLINE_FYNO_WORKSPACE", "FYEXAMPLE")
	defer os.Unsetenv("PLAYLINE_FYNO_WORKSPACE")
	_, err := playline.NewFromEnv()
	fmt.Println(strings.Contains(err.Error(), "PLAYLINE_FYNO_KEY")) // what is missing
	// Output: true
}

func ExampleWithHTTPClient() {
	proxy, err := url.Parse("http://proxy.example.com:3128")
	if err != nil {
		fmt.Println(err)
		return
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(proxy) // the default takes HTTPS_PROXY and NO_PROXY from the environment
	_, err = playline.New(playline.WithSmooven("sk_live_example"), playline.WithHTTPClient(&http.Client{Transport: transport}))
	fmt.Println(err)
	// Output: <nil>
}

// traceID is the key under which a request's context holds its trace.
type traceID struct{}

// spans is a transport that makes a span of each attempt, as an instrumented transport does.
type spans struct{ next http.RoundTripper }

func (s spans) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = response.StatusCode
	}
	_, _ = fmt.Fprintln(os.Stdout, "a span of trace", r.Context().Value(traceID{}), r.Method, status)
	return response, err
}

// Every attempt is one RoundTrip under the caller's context, so an instrumented transport traces retries too.
func ExampleWithHTTPClient_tracing() {
	services := emulator.New()
	options := append(services.Options(), playline.WithHTTPClient(&http.Client{Transport: spans{services}}))
	client, err := playline.New(options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	services.Inject(emulator.Fault{Operation: "getPlayer", Status: 503, Times: 1})
	ctx := context.WithValue(context.Background(), traceID{}, "4bf92f35")
	_, err = client.Players.Get(ctx, "ply_000001", playline.Retry(playline.RetryPolicy{BaseDelay: time.Millisecond}))
	fmt.Println(errors.Is(err, playline.ErrNotFound))
	// Output:
	// a span of trace 4bf92f35 GET 503
	// a span of trace 4bf92f35 GET 404
	// true
}

func ExampleWithLimiter() {
	services := emulator.New()
	options := append(services.Options(), playline.WithLimiter(playline.Smooven, rate.NewLimiter(rate.Every(time.Minute), 1)))
	client, err := playline.New(options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 2 { // the second one would wait for a minute, and its caller has ten seconds
		_, err = client.Players.Get(ctx, "ply_000001")
		fmt.Println(errors.Is(err, playline.ErrRateLimited), services.TotalCalls())
	}
	// Output:
	// false 1
	// true 1
}

// Several processes with one SmartSender project share its 180 requests a minute.
func ExampleWithLimiter_processes() {
	for _, processes := range []int{1, 4, 25} {
		burst := max(1, 10/processes)
		perMinute := float64(180-processes*burst) / float64(processes) // with the bursts never more than 180 in any minute
		limited := playline.WithLimiter(playline.SmartSender, rate.NewLimiter(rate.Limit(perMinute/60), burst))
		_, err := playline.New(playline.WithSmartSender("token"), limited)
		fmt.Printf("%d processes: %.1f a minute each, bursts of %d, %v\n", processes, perMinute, burst, err)
	}
	// Output:
	// 1 processes: 170.0 a minute each, bursts of 10, <nil>
	// 4 processes: 43.0 a minute each, bursts of 2, <nil>
	// 25 processes: 6.2 a minute each, bursts of 1, <nil>
}

func ExampleWithLogger() {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{} // not the same twice
		}
		return a
	}}))
	client, err := playline.New(append(emulator.New().Options(), playline.WithLogger(log))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = client.Players.Get(context.Background(), "ply_404404")
	// Output: level=WARN msg="playline: call failed" service=smooven operation=Players.Get method=GET route=/players/{player_id} attempt=1 request_id=emu-1 status=404 outcome_unknown=false
}

func ExampleWithRetryPolicy() {
	services := emulator.New()
	options := append(services.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1})) // no retries
	client, err := playline.New(options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	services.Inject(emulator.Fault{Operation: "getPlayer", Status: 503})
	_, _ = client.Players.Get(context.Background(), "ply_000001")
	fmt.Println(services.Calls("getPlayer"), "attempt")
	// Output: 1 attempt
}

func ExampleWithSunshineTokenSource() {
	// Yours: the token that another part of the company issues, kept until shortly before its end.
	current := func(ctx context.Context) (playline.Secret, error) { return "token-of-the-hour", ctx.Err() }
	services := emulator.New()
	client, err := playline.New(append(services.Options(), playline.WithSunshineTokenSource(emulator.SunshineAppID, current))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Messaging.ListClients(context.Background(), "device-abc-123", playline.ClientListOptions{})
	fmt.Println(errors.Is(err, playline.ErrUnauthorized), services.Calls("listClients")) // the emulator knows no such token
	// Output: true 1
}

func ExampleClient_NewBatcher() {
	ctx := context.Background()
	client, services := newClient()
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil // yours: from the table of sessions
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 1000 { // events of three players, in any order
		userID := []string{"ace", "blitz", "nova"}[i%3]
		if err := b.Player(userID).TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", i)); err != nil {
			fmt.Println(err)
			return
		}
	}
	report, err := b.Close(ctx)
	fmt.Println(report.Delivered, "delivered in", services.Calls("ingestEvents"), "requests,", err)
	// Output: 1000 delivered in 6 requests, <nil>
}

func ExampleClient_BatchSender() {
	client, err := playline.New(emulator.New().Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	sender, err := client.BatchSender() // for relay.Config, or a batcher with a Sender around it
	fmt.Println(sender != nil, err)
	// Output: true <nil>
}
