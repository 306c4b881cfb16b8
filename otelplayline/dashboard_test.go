package otelplayline_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// exported returns the names that a Prometheus exporter gives to the metrics of the module, each
// with its labels.
func exported(t *testing.T) map[string]map[string]bool {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	require.NoError(t, err)
	l := newLab(t)
	l.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	l.client = l.connect(playline.WithHooks(l.hooks()), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))
	require.NoError(t, register(t.Context(), l.client))
	l.emulator.Inject(emulator.Fault{Operation: "registerPlayer", Status: http.StatusBadGateway, Times: 1})
	require.Error(t, register(t.Context(), l.client))
	b := l.measured(batcher.Config{Linger: time.Millisecond}, otelplayline.WithBatcherName("one"))
	require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
	_, err = b.Close(t.Context())
	require.NoError(t, err)

	families, err := registry.Gather()
	require.NoError(t, err)
	out := map[string]map[string]bool{}
	for _, family := range families {
		// The labels that Prometheus itself puts on each series of a target.
		labels := map[string]bool{"job": true, "instance": true}
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				labels[label.GetName()] = true
			}
		}
		name := family.GetName()
		if family.GetType() != dto.MetricType_HISTOGRAM {
			out[name] = labels
			continue
		}
		out[name+"_count"], out[name+"_sum"] = labels, labels
		bucket := map[string]bool{"le": true}
		for label := range labels {
			bucket[label] = true
		}
		out[name+"_bucket"] = bucket
	}
	return out
}

// queries are all PromQL texts of a dashboard.
func queries(t *testing.T) (out []string) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard any
	require.NoError(t, json.Unmarshal(text, &dashboard))
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for key, one := range v {
				if text, ok := one.(string); ok && (key == "expr" || key == "definition" || key == "query" && text != "prometheus") {
					out = append(out, text)
				}
				walk(one)
			}
		}
	}
	walk(dashboard)
	return out
}

// The parts of a PromQL expression, as far as the dashboard uses it.
var (
	promGroup    = regexp.MustCompile(`\b(?:by|without) \(([^)]*)\)`)
	promSelector = regexp.MustCompile(`([a-z_][a-z0-9_]*)\{([^}]*)\}`)
	promMatcher  = regexp.MustCompile(`([a-z_][a-z0-9_]*)\s*(?:=~|!~|!=|=)\s*"[^"]*"`)
	promName     = regexp.MustCompile(`[a-z_][a-z0-9_]*`)
	promLabels   = regexp.MustCompile(`^label_values\(([a-z0-9_]+), ([a-z_]+)\)$`)
)

// words are the parts of an expression that are not metrics.
var words = map[string]bool{"sum": true, "max": true, "rate": true, "increase": true, "histogram_quantile": true}

// uses returns the metrics of an expression, each with the labels that are used of it.
func uses(t *testing.T, expr string) map[string][]string {
	t.Helper()
	if in := promLabels.FindStringSubmatch(expr); in != nil {
		return map[string][]string{in[1]: {in[2]}}
	}
	var grouped []string
	for _, in := range promGroup.FindAllStringSubmatch(expr, -1) {
		grouped = append(grouped, promName.FindAllString(in[1], -1)...)
	}
	out := map[string][]string{}
	for _, in := range promSelector.FindAllStringSubmatch(expr, -1) {
		labels := grouped
		for _, matcher := range promMatcher.FindAllStringSubmatch(in[2], -1) {
			labels = append(labels[:len(labels):len(labels)], matcher[1])
		}
		require.Equal(t, strings.Count(in[2], `"`), 2*len(promMatcher.FindAllString(in[2], -1)), "cannot be read: %s", in[2])
		out[in[1]] = append(out[in[1]], labels...)
	}
	rest := promSelector.ReplaceAllString(promGroup.ReplaceAllString(expr, ""), "")
	for _, word := range promName.FindAllString(strings.NewReplacer("[$__rate_interval]", "", "[$__range]", "").Replace(rest), -1) {
		require.True(t, words[word], "%q in %s", word, expr)
	}
	return out
}

// TestTheDashboardNamesExportedMetrics: each metric and each label in it, by the names that the
// exporter really makes; and no batcher metric is left out.
func TestTheDashboardNamesExportedMetrics(t *testing.T) {
	t.Parallel()
	metrics, seen := exported(t), map[string]bool{}
	all := queries(t)
	require.Greater(t, len(all), 20)
	for _, expr := range all {
		used := uses(t, expr)
		require.NotEmpty(t, used, expr)
		for name, labels := range used {
			seen[name] = true
			if !assert.Contains(t, metrics, name, expr) {
				continue
			}
			for _, label := range labels {
				assert.True(t, metrics[name][label], "%s has no label %s: %s", name, label, expr)
			}
		}
	}
	for name := range metrics {
		if strings.HasPrefix(name, "playline_batcher_") && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") {
			assert.True(t, seen[name], "%s is exported, and on no panel", name)
		}
	}
}

// TestGrafanaAcceptsTheDashboard: panels have unique ids, and do not overlap on the grid.
func TestGrafanaAcceptsTheDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Title         string
		SchemaVersion int
		Panels        []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ RefID, Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	assert.Equal(t, "playline", dashboard.Title)
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		assert.False(t, ids[p.ID], "two panels have the id %d", p.ID)
		ids[p.ID] = true
		assert.Contains(t, []string{"row", "stat", "timeseries"}, p.Type)
		assert.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
		assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, cells[cell], "%s covers another panel", p.Title)
				cells[cell] = p.Title
			}
		}
	}
}
