package otelplayline

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/playline/playline-go"
)

// scope is the name under which spans and metrics are made.
const scope = "github.com/playline/playline-go/otelplayline"

// Option changes the destination of spans and metrics.
type Option func(*config)

// config holds the values of the options.
type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	batcher    string
}

func newConfig(opts []Option) config {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

func (c config) tracer() trace.Tracer {
	return c.tracers.Tracer(scope, trace.WithInstrumentationVersion(playline.Version), trace.WithSchemaURL(semconv.SchemaURL))
}

func (c config) meter() metric.Meter {
	return c.meters.Meter(scope, metric.WithInstrumentationVersion(playline.Version), metric.WithSchemaURL(semconv.SchemaURL))
}

// WithTracerProvider sets where spans go; the default is the global provider. Nil is the default.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) {
		if p != nil {
			c.tracers = p
		}
	}
}

// WithMeterProvider sets where metrics go; the default is the global provider. Nil is the default.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) {
		if p != nil {
			c.meters = p
		}
	}
}

// WithPropagator sends the trace context with each request, in the headers of p. By default the
// client sends no trace context. The services belong to other companies: they learn the ids of
// traces, and with a propagator of baggage its content.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(c *config) { c.propagator = p }
}

// WithBatcherName sets playline.batcher.name on the metrics of a batcher, to separate several
// batchers of one program. By default there is no name.
func WithBatcherName(name string) Option {
	return func(c *config) { c.batcher = name }
}
