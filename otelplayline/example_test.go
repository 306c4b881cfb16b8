package otelplayline_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// A call that is repeated once: a span for each attempt, and one around them. A real program has an
// exporter in the place of the slice in memory, and sets its providers with otel.SetTracerProvider,
// so that no option is needed.
func ExampleNewHooks() {
	ctx := context.Background()
	spans := tracetest.NewInMemoryExporter()
	hooks, err := otelplayline.NewHooks(otelplayline.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))))
	if err != nil {
		panic(err)
	}
	services := emulator.New()
	client, err := playline.New(append(services.Options(), playline.WithHooks(hooks))...)
	if err != nil {
		panic(err)
	}

	services.Inject(emulator.Fault{Operation: "registerPlayer", Status: http.StatusServiceUnavailable, Times: 1})
	if _, err = client.Players.Register(ctx, playline.Player{ExternalID: "device-abc-123"}); err != nil {
		panic(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.SpanKind, span.Name, span.Status.Code)
	}
	// Output:
	// client POST /smooven/v1/players/register Error
	// client POST /smooven/v1/players/register Unset
	// internal Players.Register Unset
}

// The metrics of a batcher, with an OnOutcome of the program's own behind them.
func ExampleBatcherMetrics() {
	ctx := context.Background()
	reader := sdkmetric.NewManualReader()
	metrics, err := otelplayline.NewBatcherMetrics(otelplayline.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
	if err != nil {
		panic(err)
	}
	services := emulator.New()
	client, err := playline.New(services.Options()...)
	if err != nil {
		panic(err)
	}
	b, err := client.NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil
		}),
		OnOutcome: metrics.OnOutcome(func(o batcher.Outcome) { fmt.Println(len(o.Records), "events:", o.Result) }),
	})
	if err != nil {
		panic(err)
	}
	registration, err := metrics.Observe(b)
	if err != nil {
		panic(err)
	}
	defer func() { _ = registration.Unregister() }()

	for level := range 3 {
		if err := b.Player("device-abc-123").TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", level)); err != nil {
			panic(err)
		}
	}
	if _, err = b.Close(ctx); err != nil {
		panic(err)
	}

	var collected metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &collected); err != nil {
		panic(err)
	}
	for _, m := range collected.ScopeMetrics[0].Metrics {
		if delay, ok := m.Data.(metricdata.Histogram[float64]); ok {
			fmt.Println(m.Name, "has", delay.DataPoints[0].Count, "delays")
		}
	}
	// Output:
	// 3 events: delivered
	// playline.batcher.delay has 3 delays
}

// A service of your own behind a base URL may get the trace context. The five companies do not get
// it by default.
func ExampleWithPropagator() {
	hooks, err := otelplayline.NewHooks(otelplayline.WithPropagator(propagation.TraceContext{}))
	if err != nil {
		panic(err)
	}
	fmt.Println("adds headers:", hooks.Propagate != nil)
	// Output: adds headers: true
}
