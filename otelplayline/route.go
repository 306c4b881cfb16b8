package otelplayline

import (
	"net/url"
	"regexp"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/playline/playline-go"
)

// route holds the parts of an operation's attributes.
type route struct {
	name     string // of an attempt's span
	template string
	address  string
	port     int
	call     []attribute.KeyValue
	attempt  []attribute.KeyValue
}

// placeholder is an id in a path's template.
var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// route returns the route of a call, made once.
func (t *telemetry) route(call playline.CallInfo) *route {
	if known, ok := t.routes.Load(call); ok {
		return known.(*route) //nolint:errcheck // the map holds nothing else
	}
	known, _ := t.routes.LoadOrStore(call, newRoute(call))
	return known.(*route) //nolint:errcheck // likewise
}

func newRoute(call playline.CallInfo) *route {
	r := &route{template: call.Route}
	if base, err := url.Parse(call.BaseURL); err == nil {
		r.address, r.template = base.Hostname(), base.EscapedPath()+call.Route
		switch port, err := strconv.Atoi(base.Port()); {
		case err == nil:
			r.port = port
		case base.Scheme == "http":
			r.port = 80
		default:
			r.port = 443
		}
	}
	r.name = call.Method + " " + r.template
	r.call = []attribute.KeyValue{serviceKey.String(string(call.Service)), operationKey.String(call.Operation)}
	r.attempt = []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(call.Method),
		semconv.ServerAddress(r.address),
		semconv.ServerPort(r.port),
		semconv.URLTemplate(r.template),
		// The conventions want the URL whole, and what is sensitive scrubbed: an id can be a phone
		// number.
		semconv.URLFull(call.BaseURL + placeholder.ReplaceAllString(call.Route, "REDACTED")),
	}
	return r
}
