package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// otelAdapter sends the events as OpenTelemetry log records through the batch processor, with
// default settings apart from the batch size.
type otelAdapter struct {
	provider *sdklog.LoggerProvider
	logger   log.Logger
	outcomes
}

func newOTel(s setup) (adapter, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	exporter, err := otlploghttp.New(context.Background(), otlploghttp.WithEndpointURL(s.Base+"/v1/logs"), otlploghttp.WithInsecure())
	if err != nil {
		return nil, err
	}
	a := &otelAdapter{}
	processor := sdklog.NewBatchProcessor(&countingExporter{exporter, &a.outcomes}, sdklog.WithExportMaxBatchSize(batchSize))
	a.provider = sdklog.NewLoggerProvider(sdklog.WithProcessor(processor))
	a.logger = a.provider.Logger("bench")
	return a, nil
}

// Track implements adapter. Emit has no result.
func (a *otelAdapter) Track(ctx context.Context, _, eid int) error {
	var r log.Record
	r.SetTimestamp(time.Now())
	r.SetEventName(eventType)
	r.AddAttributes(attribute.String("weapon", eventWeapon), attribute.Int("damage", eventDamage(eid)), attribute.Int("eid", eid))
	a.logger.Emit(ctx, r)
	a.tracked.Add(1)
	return nil
}

// Close implements adapter.
func (a *otelAdapter) Close(ctx context.Context) error { return a.provider.Shutdown(ctx) }

// countingExporter wraps the exporter, the only place that sees a failure. An event that the
// processor drops because its queue is full never gets here.
type countingExporter struct {
	sdklog.Exporter
	out *outcomes
}

// Export implements sdklog.Exporter.
func (e *countingExporter) Export(ctx context.Context, records []sdklog.Record) error {
	err := e.Exporter.Export(ctx, records)
	e.out.settled.Add(int64(len(records)))
	if err == nil {
		return nil
	}
	for _, r := range records {
		r.WalkAttributes(func(kv attribute.KeyValue) bool {
			if kv.Key == "eid" {
				e.out.lost(int(kv.Value.AsInt64()))
			}
			return true
		})
	}
	return err
}
