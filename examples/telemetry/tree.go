package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tree is a span exporter that prints the last trace it got, once, and takes no more then.
type tree struct {
	mu      sync.Mutex // guards the following
	spans   []sdktrace.ReadOnlySpan
	printed bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (t *tree) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.printed {
		t.spans = append(t.spans, spans...)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (t *tree) Shutdown(context.Context) error { return nil }

func (t *tree) print(out io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.printed = true
	root := t.spans[len(t.spans)-1] // a parent ends after its children
	printSpan(out, root, root, t.spans, "  ")
	t.spans = nil
}

func printSpan(out io.Writer, span, root sdktrace.ReadOnlySpan, all []sdktrace.ReadOnlySpan, indent string) {
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	fmt.Fprintf(out, "%s%s (%s)  from %s, took %s\n", indent, span.Name(), span.SpanKind(),
		round(span.StartTime().Sub(root.StartTime())), round(span.EndTime().Sub(span.StartTime())))
	attributes := slices.Clone(span.Attributes())
	slices.SortFunc(attributes, func(a, b attribute.KeyValue) int { return cmp.Compare(a.Key, b.Key) })
	for _, a := range attributes {
		fmt.Fprintf(out, "%s    %s = %s\n", indent, a.Key, a.Value.String())
	}
	for _, child := range all {
		if parent := child.Parent(); parent.SpanID() == span.SpanContext().SpanID() && parent.SpanID() != (trace.SpanID{}) {
			printSpan(out, child, root, all, indent+"  ")
		}
	}
}
