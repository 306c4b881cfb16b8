package otelplayline_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/otelplayline"
)

// providers receive the spans and metrics of a benchmark.
var providers = map[string]func() []otelplayline.Option{
	"noop": func() []otelplayline.Option {
		return []otelplayline.Option{
			otelplayline.WithTracerProvider(tracenoop.NewTracerProvider()), otelplayline.WithMeterProvider(metricnoop.NewMeterProvider()),
		}
	},
	"sdk": func() []otelplayline.Option {
		return []otelplayline.Option{
			otelplayline.WithTracerProvider(sdktrace.NewTracerProvider()),
			otelplayline.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))),
		}
	},
}

// BenchmarkCall is a call of one attempt without a socket: without hooks, and with each kind of
// provider.
func BenchmarkCall(b *testing.B) {
	answer := roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`)), ContentLength: 2, Request: req,
		}, nil
	})
	run := func(b *testing.B, opts ...playline.Option) {
		b.Helper()
		client, err := playline.New(append(opts, playline.WithSmooven("sk_test"), playline.WithHTTPClient(&http.Client{Transport: answer}))...)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Players.Get(b.Context(), "ply_abc123"); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("none", func(b *testing.B) { run(b) })
	for name, options := range providers {
		b.Run(name, func(b *testing.B) {
			hooks, err := otelplayline.NewHooks(options()...)
			require.NoError(b, err)
			run(b, playline.WithHooks(hooks))
		})
	}
}

// BenchmarkOnOutcome measures the delays of a full batch; one operation is one event.
func BenchmarkOnOutcome(b *testing.B) {
	for name, options := range providers {
		b.Run(name, func(b *testing.B) {
			m, err := otelplayline.NewBatcherMetrics(options()...)
			require.NoError(b, err)
			tell := m.OnOutcome(nil)
			batch := batcher.Outcome{Records: make([]batcher.Record, 200)}
			for i := range batch.Records {
				batch.Records[i].Accepted = time.Now().Add(-time.Duration(i) * 25 * time.Millisecond)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%len(batch.Records) == 0 {
					tell(batch)
				}
			}
		})
	}
}

// BenchmarkCollection is one look at a batcher of ten thousand players.
func BenchmarkCollection(b *testing.B) {
	reader := sdkmetric.NewManualReader()
	m, err := otelplayline.NewBatcherMetrics(otelplayline.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
	require.NoError(b, err)
	client, err := playline.New(playline.WithPlaySmart(), playline.WithHTTPClient(&http.Client{Transport: roundTripper(nil)}))
	require.NoError(b, err)
	tokens := batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) { return batcher.Token{}, batcher.ErrNoToken })
	full, err := client.NewBatcher(batcher.Config{GameID: "com.example.stackblaster", Tokens: tokens, Linger: time.Hour})
	require.NoError(b, err)
	_, err = m.Observe(full)
	require.NoError(b, err)
	for i := range 10_000 {
		require.NoError(b, full.Player(fmt.Sprintf("device-%d", i)).TrackAttrs(b.Context(), batcher.AppOpen))
	}
	b.ReportAllocs()
	var all metricdata.ResourceMetrics
	for b.Loop() {
		if err := reader.Collect(b.Context(), &all); err != nil {
			b.Fatal(err)
		}
	}
	_, _ = full.Close(b.Context())
}
