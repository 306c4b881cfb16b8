package otelplayline_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// The set-up of a program whose metrics Prometheus reads, as docs/production.md shows it.

// withMetrics returns a client, a batcher, and the handler of /metrics.
func withMetrics(cfg batcher.Config, opts ...playline.Option) (*playline.Client, *batcher.Batcher, http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, nil, nil, err
	}
	meters := otelplayline.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)))

	hooks, err := otelplayline.NewHooks(meters)
	if err != nil {
		return nil, nil, nil, err
	}
	client, err := playline.New(append(opts, playline.WithHooks(hooks))...)
	if err != nil {
		return nil, nil, nil, err
	}
	metrics, err := otelplayline.NewBatcherMetrics(meters)
	if err != nil {
		return nil, nil, nil, err
	}
	cfg.OnOutcome = metrics.OnOutcome(cfg.OnOutcome) // measures the delays, then calls yours
	b, err := client.NewBatcher(cfg)
	if err != nil {
		return nil, nil, nil, err
	}
	_, err = metrics.Observe(b) // everything else, at each collection
	return client, b, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), err
}

func ExampleBatcherMetrics_prometheus() {
	ctx := context.Background()
	services := emulator.New()
	_, b, handler, err := withMetrics(batcher.Config{
		GameID: "com.example.stackblaster",
		Tokens: batcher.TokenFunc(func(_ context.Context, userID string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(services.Token(userID, time.Hour))}, nil
		}),
	}, services.Options()...)
	if err != nil {
		panic(err)
	}
	_ = b.Player("device-abc-123").TrackAttrs(ctx, batcher.AppOpen)
	if _, err := b.Close(ctx); err != nil {
		panic(err)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "playline_batcher_processed_total") && strings.Contains(line, "delivered") {
			fmt.Println(line[strings.LastIndex(line, " ")+1:])
		}
	}
	// Output: 1
}
