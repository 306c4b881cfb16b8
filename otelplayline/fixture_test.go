package otelplayline_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// lab is a client of an emulator in this process, whose spans and metrics stay in memory. It has no
// goroutines and no sockets.
type lab struct {
	t        *testing.T
	emulator *emulator.Emulator
	client   *playline.Client
	spans    *tracetest.InMemoryExporter
	tracers  *sdktrace.TracerProvider
	reader   *sdkmetric.ManualReader
	meters   *sdkmetric.MeterProvider
}

func newLab(t *testing.T, opts ...otelplayline.Option) *lab {
	t.Helper()
	l := &lab{t: t, emulator: emulator.New(), spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	l.tracers = sdktrace.NewTracerProvider(sdktrace.WithSyncer(l.spans))
	l.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(l.reader))
	hooks, err := otelplayline.NewHooks(l.options(opts...)...)
	require.NoError(t, err)
	l.client = l.connect(playline.WithHooks(hooks))
	return l
}

// connect returns a client of the emulator.
func (l *lab) connect(opts ...playline.Option) *playline.Client {
	l.t.Helper()
	client, err := playline.New(append(l.emulator.Options(), opts...)...)
	require.NoError(l.t, err)
	return client
}

func (l *lab) options(more ...otelplayline.Option) []otelplayline.Option {
	return append(more, otelplayline.WithTracerProvider(l.tracers), otelplayline.WithMeterProvider(l.meters))
}

// metrics collects and returns the metrics by name.
func (l *lab) metrics() map[string]metricdata.Metrics {
	l.t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(l.t, l.reader.Collect(context.WithoutCancel(l.t.Context()), &all))
	out := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		require.Equal(l.t, "github.com/playline/playline-go/otelplayline", scope.Scope.Name)
		for _, m := range scope.Metrics {
			out[m.Name] = m
		}
	}
	return out
}

// point is a data point of any kind, as far as the tests look.
type point struct {
	attributes attribute.Set
	value      int64 // of a counter or gauge; of a histogram, how many values
	sum        float64
}

func points(m metricdata.Metrics) (out []point) {
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			out = append(out, point{attributes: p.Attributes, value: p.Value})
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			out = append(out, point{attributes: p.Attributes, value: p.Value})
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			out = append(out, point{p.Attributes, int64(p.Count), p.Sum})
		}
	}
	return out
}

// values are the points of a metric by their attributes, as "key=value,key=value".
func values(m metricdata.Metrics) map[string]int64 {
	out := map[string]int64{}
	for _, p := range points(m) {
		out[p.attributes.Encoded(attribute.DefaultEncoder())] = p.value
	}
	return out
}

// attributes are a span's, as Go values.
func attributes(s tracetest.SpanStub) map[string]any {
	out := map[string]any{}
	for _, a := range s.Attributes {
		out[string(a.Key)] = a.Value.AsInterface()
	}
	return out
}

// everything is all that the lab's spans and metrics say, as text.
func (l *lab) everything() string {
	var out strings.Builder
	for _, s := range l.spans.GetSpans() {
		fmt.Fprintln(&out, s.Name, s.Status, attributes(s), s.Events, s.Links, s.SpanContext.TraceState(), s.Resource)
	}
	for name, m := range l.metrics() {
		for _, p := range points(m) {
			fmt.Fprintln(&out, name, m.Description, m.Unit, p.attributes.Encoded(attribute.DefaultEncoder()))
		}
	}
	return out.String()
}
