package otelplayline

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/playline/playline-go"
)

// Attributes that the conventions have no name for.
const (
	serviceKey        = attribute.Key("playline.service")
	operationKey      = attribute.Key("playline.operation")
	requestIDKey      = attribute.Key("playline.request_id")
	attemptsKey       = attribute.Key("playline.attempts")
	outcomeUnknownKey = attribute.Key("playline.outcome_unknown")
)

// telemetry is the state that the hooks of one client share.
type telemetry struct {
	tracer   trace.Tracer
	requests httpconv.ClientRequestDuration
	calls    metric.Float64Histogram
	routes   sync.Map // of playline.CallInfo to *route; a client has few
}

// NewHooks returns hooks that make a client's spans, and its metrics of calls and requests. If you
// pass them to WithHooks several times, they count several times. An error comes from the meter
// provider.
func NewHooks(opts ...Option) (playline.Hooks, error) {
	c := newConfig(opts)
	t := &telemetry{tracer: c.tracer()}
	meter := c.meter()
	var errRequests, errCalls error
	t.requests, errRequests = httpconv.NewClientRequestDuration(meter)
	t.calls, errCalls = meter.Float64Histogram(
		"playline.client.call.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of calls, with all attempts and the pauses between them."),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120, 300),
	)
	hooks := playline.Hooks{CallStart: t.callStart, CallEnd: t.callEnd, AttemptStart: t.attemptStart, AttemptEnd: t.attemptEnd}
	if p := c.propagator; p != nil {
		hooks.Propagate = func(ctx context.Context, header http.Header) { p.Inject(ctx, propagation.HeaderCarrier(header)) }
	}
	return hooks, errors.Join(errRequests, errCalls)
}

// spanKey is the context key of the span that the hooks began: the current span may be one that
// other hooks began within it.
type spanKey struct{ t *telemetry }

func (t *telemetry) start(ctx context.Context, name string, opts ...trace.SpanStartOption) context.Context {
	ctx, span := t.tracer.Start(ctx, name, opts...)
	return context.WithValue(ctx, spanKey{t}, span)
}

// end ends the span with its error, if any. The status has no description, because that could quote
// an answer.
func (t *telemetry) end(ctx context.Context, errorType string, attributes ...attribute.KeyValue) {
	span, ok := ctx.Value(spanKey{t}).(trace.Span)
	if !ok {
		return
	}
	if errorType != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(errorType))
		span.SetStatus(codes.Error, "")
	}
	span.SetAttributes(attributes...)
	span.End()
}

func (t *telemetry) callStart(ctx context.Context, call playline.CallInfo) context.Context {
	return t.start(ctx, call.Operation, trace.WithAttributes(t.route(call).call...))
}

func (t *telemetry) callEnd(ctx context.Context, call playline.CallInfo, result playline.CallResult) {
	failed := errorType(result)
	attributes := t.route(call).call
	if failed != "" {
		attributes = append(attributes[:len(attributes):len(attributes)], semconv.ErrorTypeKey.String(failed))
	}
	t.calls.Record(ctx, result.Duration.Seconds(), metric.WithAttributes(attributes...))

	more := []attribute.KeyValue{attemptsKey.Int(result.Attempts)}
	if errors.Is(result.Err, playline.ErrOutcomeUnknown) {
		more = append(more, outcomeUnknownKey.Bool(true))
	}
	t.end(ctx, failed, more...)
}

func (t *telemetry) attemptStart(ctx context.Context, call playline.CallInfo, attempt int) context.Context {
	r := t.route(call)
	attributes := r.attempt
	if attempt > 1 {
		attributes = append(attributes[:len(attributes):len(attributes)], semconv.HTTPRequestResendCount(attempt-1))
	}
	return t.start(ctx, r.name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

func (t *telemetry) attemptEnd(ctx context.Context, call playline.CallInfo, result playline.CallResult) {
	failed, r := errorType(result), t.route(call)
	var status []attribute.KeyValue
	if result.StatusCode != 0 {
		status = append(status, semconv.HTTPResponseStatusCode(result.StatusCode))
	}
	measured := append([]attribute.KeyValue{semconv.URLTemplate(r.template)}, status...)
	if failed != "" {
		measured = append(measured, semconv.ErrorTypeKey.String(failed))
	}
	t.requests.Record(ctx, result.Duration.Seconds(), httpconv.RequestMethodAttr(call.Method), r.address, r.port, measured...)

	if result.RequestID != "" {
		status = append(status, requestIDKey.String(result.RequestID))
	}
	t.end(ctx, failed, status...)
}
