package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// table prints the batcher's metrics, and returns the events processed by outcome.
func table(ctx context.Context, reader *sdkmetric.ManualReader, out io.Writer) (map[string]int64, error) {
	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil {
		return nil, err
	}
	totals := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		slices.SortFunc(scope.Metrics, func(a, b metricdata.Metrics) int { return cmp.Compare(a.Name, b.Name) })
		for _, m := range scope.Metrics {
			if strings.HasPrefix(m.Name, "playline.batcher.") {
				printMetric(out, m, totals)
			}
		}
	}
	return totals, nil
}

func printMetric(out io.Writer, m metricdata.Metrics, totals map[string]int64) {
	var lines []string
	line := func(attributes attribute.Set, text string) {
		lines = append(lines, fmt.Sprintf("  %-36s %-56s %s", m.Name, attributes.Encoded(attribute.DefaultEncoder()), text))
	}
	numbers := func(points []metricdata.DataPoint[int64]) {
		for _, p := range points {
			if outcome, ok := p.Attributes.Value("playline.batcher.outcome"); ok {
				totals[outcome.AsString()] += p.Value
			}
			line(p.Attributes, fmt.Sprintf("%d %s", p.Value, m.Unit))
		}
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		numbers(data.DataPoints)
	case metricdata.Gauge[int64]:
		numbers(data.DataPoints)
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			line(p.Attributes, fmt.Sprintf("%d of them, mean %.2f s, p99 at most %.2f s", p.Count, p.Sum/float64(p.Count), quantile(p, 0.99)))
		}
	}
	slices.Sort(lines)
	fmt.Fprintln(out, strings.Join(lines, "\n"))
}

// quantile returns the upper bound of the bucket that holds it, the greatest value in the last one.
func quantile(p metricdata.HistogramDataPoint[float64], q float64) float64 {
	seen := uint64(0)
	for i, n := range p.BucketCounts {
		if seen += n; float64(seen) >= q*float64(p.Count) && i < len(p.Bounds) {
			return p.Bounds[i]
		}
	}
	most, _ := p.Max.Value()
	return most
}
