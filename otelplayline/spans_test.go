package otelplayline_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// TestOneSpanAnAttempt: 503, 503, 200 within a span of the caller's own.
func TestOneSpanAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		player, err := l.connect().Players.Register(t.Context(), playline.Player{ExternalID: "device-abc-123"})
		require.NoError(t, err)
		l.emulator.Inject(emulator.Fault{Operation: "getPlayer", Status: 503, RetryAfter: 2 * time.Second, Delay: 10 * time.Millisecond, Times: 2})

		ctx, mine := l.tracers.Tracer("game").Start(t.Context(), "mine")
		_, err = l.client.Players.Get(ctx, player.PlayerID)
		require.NoError(t, err)
		mine.End()

		spans := l.spans.GetSpans()
		require.Len(t, spans, 5)
		call := spans[3]
		assert.Equal(t, "Players.Get", call.Name)
		assert.Equal(t, trace.SpanKindInternal, call.SpanKind)
		assert.Equal(t, mine.SpanContext().SpanID(), call.Parent.SpanID())
		assert.Equal(t, map[string]any{
			"playline.service": "smooven", "playline.operation": "Players.Get", "playline.attempts": int64(3),
		}, attributes(call))
		assert.Equal(t, codes.Unset, call.Status.Code)
		assert.Equal(t, 4*time.Second+20*time.Millisecond, call.EndTime.Sub(call.StartTime))
		for i, attempt := range spans[:3] {
			want := map[string]any{
				"http.request.method": "GET", "server.address": "127.0.0.1", "server.port": int64(80),
				"url.template": "/smooven/v1/players/{player_id}", "url.full": "http://127.0.0.1/smooven/v1/players/REDACTED",
				"http.response.status_code": int64(200),
			}
			if i > 0 {
				want["http.request.resend_count"] = int64(i)
			}
			status, took := codes.Unset, time.Duration(0)
			if i < 2 {
				want["http.response.status_code"], want["error.type"] = int64(503), "503"
				status, took = codes.Error, 10*time.Millisecond
			}
			got := attributes(attempt)
			delete(got, "playline.request_id")
			assert.Equal(t, want, got)
			assert.Equal(t, "GET /smooven/v1/players/{player_id}", attempt.Name)
			assert.Equal(t, trace.SpanKindClient, attempt.SpanKind)
			assert.Equal(t, call.SpanContext.SpanID(), attempt.Parent.SpanID())
			assert.Equal(t, mine.SpanContext().TraceID(), attempt.SpanContext.TraceID())
			assert.Equal(t, status, attempt.Status.Code)
			assert.Empty(t, attempt.Status.Description)
			assert.Equal(t, took, attempt.EndTime.Sub(attempt.StartTime))
			assert.Equal(t, time.Duration(i)*(2*time.Second+10*time.Millisecond), attempt.StartTime.Sub(call.StartTime))
			assert.Equal(t, "https://opentelemetry.io/schemas/1.43.0", attempt.InstrumentationScope.SchemaURL)
		}

		metrics := l.metrics()
		duration := metrics["http.client.request.duration"]
		assert.Equal(t, "s", duration.Unit)
		const common = "http.request.method=GET,http.response.status_code="
		const where = ",server.address=127.0.0.1,server.port=80,url.template=/smooven/v1/players/{player_id}"
		assert.Equal(t, map[string]int64{"error.type=503," + common + "503" + where: 2, common + "200" + where: 1}, values(duration))
		histogram := duration.Data.(metricdata.Histogram[float64])
		assert.Equal(t, []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}, histogram.DataPoints[0].Bounds)
		calls := points(metrics["playline.client.call.duration"])
		require.Len(t, calls, 1)
		assert.InDelta(t, 4.02, calls[0].sum, 1e-9)
	})
}

// TestHowASpanEnds: each kind of failure has its word, and only those that failed have one.
func TestHowASpanEnds(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *playline.Client) error {
		_, err := c.Players.Get(ctx, "ply_000001")
		return err
	}
	for name, test := range map[string]struct {
		fault   emulator.Fault
		call    func(ctx context.Context, c *playline.Client) error // nil: get
		attempt string                                              // error.type of the attempt; "-": there is none
		whole   string                                              // of the call, where it differs
		status  int
		doubt   bool
	}{
		"not found":               {attempt: "404", status: 404},
		"throttled":               {fault: emulator.Fault{Status: 429}, attempt: "429", status: 429},
		"no answer":               {fault: emulator.Fault{Mode: emulator.ResetAfter}, attempt: "no_answer"},
		"too late":                {fault: emulator.Fault{Mode: emulator.Hang}, attempt: "timeout"},
		"half an answer":          {fault: emulator.Fault{Operation: "registerPlayer", Mode: emulator.HalfBody}, call: register, attempt: "unreadable_answer", status: 200},
		"a page of a proxy":       {fault: emulator.Fault{Mode: emulator.NotJSON, Status: 200}, attempt: "stranger", status: 200},
		"a redirect":              {fault: emulator.Fault{Status: 307, Header: http.Header{"Location": {"https://example.org/?key=x"}}}, attempt: "redirect", status: 307},
		"a success that says no":  {fault: emulator.Fault{Status: 200, Body: `{"success":false,"error":{"code":"X","message":"no"}}`}, attempt: "invalid", status: 200},
		"it works":                {call: register, attempt: "", status: 200},
		"in doubt":                {fault: emulator.Fault{Status: 502}, call: importPlayers, attempt: "502", status: 502, doubt: true},
		"not sent, out of time":   {call: canceled, attempt: "-", whole: "canceled"},
		"canceled while it hangs": {fault: emulator.Fault{Mode: emulator.Hang}, call: canceledSoon, attempt: "canceled"},
		"the caller's deadline":   {fault: emulator.Fault{Mode: emulator.Hang}, call: hurried, attempt: "deadline_exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t)
				if test.fault.String() != "" {
					l.emulator.Inject(test.fault)
				}
				l.client = l.connect(playline.WithHooks(l.hooks()), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))
				call := test.call
				if call == nil {
					call = get
				}
				err := call(t.Context(), l.client)
				spans := l.spans.GetSpans()
				if test.attempt != "-" {
					require.Len(t, spans, 2)
					checkEnd(t, attributes(spans[0]), spans[0].Status.Code, test.attempt)
					assert.Equal(t, test.status, statusOf(attributes(spans[0])))
				}
				last := spans[len(spans)-1]
				if test.whole == "" {
					test.whole = test.attempt
				}
				checkEnd(t, attributes(last), last.Status.Code, test.whole)
				assert.Equal(t, test.whole != "", err != nil)
				assert.Equal(t, test.doubt, attributes(last)["playline.outcome_unknown"] == true)
			})
		})
	}
}

func checkEnd(t *testing.T, got map[string]any, status codes.Code, errorType string) {
	t.Helper()
	if errorType == "" {
		assert.NotContains(t, got, "error.type")
		assert.Equal(t, codes.Unset, status)
		return
	}
	assert.Equal(t, errorType, got["error.type"])
	assert.Equal(t, codes.Error, status)
}

// statusOf is a span's status code, 0 where it has none.
func statusOf(attributes map[string]any) int {
	status, _ := attributes["http.response.status_code"].(int64)
	return int(status)
}

// hooks returns the lab's hooks once more.
func (l *lab) hooks() playline.Hooks {
	l.t.Helper()
	hooks, err := otelplayline.NewHooks(l.options()...)
	require.NoError(l.t, err)
	return hooks
}

func register(ctx context.Context, c *playline.Client) error {
	_, err := c.Players.Register(ctx, playline.Player{ExternalID: "device-abc-123"})
	return err
}

func importPlayers(ctx context.Context, c *playline.Client) error {
	_, err := c.Players.Import(ctx, []playline.Player{{ExternalID: "device-abc-123"}})
	return err
}

func canceled(ctx context.Context, c *playline.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return register(ctx, c)
}

func canceledSoon(ctx context.Context, c *playline.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(time.Second, cancel)
	return register(ctx, c)
}

func hurried(ctx context.Context, c *playline.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return register(ctx, c)
}

// TestBadInputHasNoSpan: nothing was sent, and nothing will be.
func TestBadInputHasNoSpan(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	_, err := l.client.Players.Get(t.Context(), "")
	require.ErrorIs(t, err, playline.ErrInvalid)
	assert.Empty(t, l.spans.GetSpans())
	assert.Empty(t, l.metrics())
}

// TestSeveralHooksEndTheirOwnSpans: those of two providers on one client, the inner ones within the
// outer ones.
func TestSeveralHooksEndTheirOwnSpans(t *testing.T) {
	t.Parallel()
	inner, outer := newLab(t), newLab(t)
	client := outer.connect(playline.WithHooks(outer.hooks()), playline.WithHooks(inner.hooks()))
	require.NoError(t, register(t.Context(), client))
	assert.Len(t, inner.spans.GetSpans(), 2)
	assert.Len(t, outer.spans.GetSpans(), 2)
}

// header notes the headers of the requests on their way to the emulator.
type header struct {
	next http.RoundTripper
	seen []http.Header
}

func (h *header) RoundTrip(req *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, req.Header.Clone())
	return h.next.RoundTrip(req)
}

func TestTraceContextIsSentOnlyIfConfigured(t *testing.T) {
	t.Parallel()
	member, err := baggage.NewMember("team", "red")
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	both := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	for name, test := range map[string]struct {
		opts []otelplayline.Option
		want bool
	}{
		"by default":           {nil, false},
		"with a nil one":       {[]otelplayline.Option{otelplayline.WithPropagator(nil)}, false},
		"where it's asked for": {[]otelplayline.Option{otelplayline.WithPropagator(both)}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t)
			hooks, err := otelplayline.NewHooks(l.options(test.opts...)...)
			require.NoError(t, err)
			l.emulator.Inject(emulator.Fault{Status: 503, Times: 1})
			h := &header{next: l.emulator}
			client := l.connect(playline.WithHTTPClient(&http.Client{Transport: h}), playline.WithHooks(hooks))
			require.NoError(t, register(baggage.ContextWithBaggage(t.Context(), bag), client))
			spans := l.spans.GetSpans()
			require.Len(t, h.seen, 2)
			for i, seen := range h.seen {
				if !test.want {
					assert.NotContains(t, seen, "Traceparent", name)
					assert.NotContains(t, seen, "Baggage", name)
					continue
				}
				own := spans[i].SpanContext
				assert.Equal(t, "00-"+own.TraceID().String()+"-"+own.SpanID().String()+"-01", seen.Get("Traceparent"), "attempt "+strconv.Itoa(i+1))
				assert.Equal(t, "team=red", seen.Get("Baggage"))
			}
		})
	}
}
