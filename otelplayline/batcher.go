package otelplayline

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/playline/playline-go/batcher"
)

// Attributes of a batcher's metrics.
const (
	batcherNameKey = attribute.Key("playline.batcher.name")
	outcomeKey     = attribute.Key("playline.batcher.outcome")
	laneStateKey   = attribute.Key("playline.batcher.lane.state")
)

// BatcherMetrics are the metrics of one batcher. OnOutcome measures the delays, Observe everything
// else.
type BatcherMetrics struct {
	meter metric.Meter
	delay metric.Float64Histogram

	queueSize, queueCapacity, memoryUsage, memoryLimit, inFlight, lanes, waiting metric.Int64ObservableUpDownCounter
	processed, duplicates, requests                                              metric.Int64ObservableCounter
	outage                                                                       metric.Int64ObservableGauge

	// The attributes, made once.
	all            metric.MeasurementOption
	active, parked metric.MeasurementOption
	processedAs    map[batcher.Result]metric.MeasurementOption
	delayOf        map[batcher.Result][]metric.RecordOption
}

// NewBatcherMetrics returns the metrics of one batcher, which is not there yet: its Config needs
// OnOutcome. An error is one of the meter provider's.
func NewBatcherMetrics(opts ...Option) (*BatcherMetrics, error) {
	c := newConfig(opts)
	m := &BatcherMetrics{
		meter:       c.meter(),
		processedAs: map[batcher.Result]metric.MeasurementOption{},
		delayOf:     map[batcher.Result][]metric.RecordOption{},
	}
	var common []attribute.KeyValue
	if c.batcher != "" {
		common = append(common, batcherNameKey.String(c.batcher))
	}
	with := func(more ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(common[:len(common):len(common)], more...)...))
	}
	m.all, m.active, m.parked = with(), with(laneStateKey.String("active")), with(laneStateKey.String("parked"))
	for result := range (batcher.Ledger{}).Results() {
		outcome := outcomeKey.String(result.String())
		m.delayOf[result] = []metric.RecordOption{with(outcome)}
		m.processedAs[result] = with(outcome)
		if result != batcher.Delivered {
			m.processedAs[result] = with(outcome, semconv.ErrorTypeKey.String(result.String()))
		}
	}
	err := m.instruments()
	return m, err
}

// instruments makes all of them.
func (m *BatcherMetrics) instruments() error {
	var errs []error
	upDown := func(name, unit, description string) metric.Int64ObservableUpDownCounter {
		i, err := m.meter.Int64ObservableUpDownCounter("playline.batcher."+name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	counter := func(name, unit, description string) metric.Int64ObservableCounter {
		i, err := m.meter.Int64ObservableCounter("playline.batcher."+name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	m.queueSize = upDown("queue.size", "{event}", "Events that wait or are under way.")
	m.queueCapacity = upDown("queue.capacity", "{event}", "Events that can wait or be under way.")
	m.memoryUsage = upDown("queue.memory.usage", "By", "JSON of the events that wait or are under way.")
	m.memoryLimit = upDown("queue.memory.limit", "By", "JSON of the events that can wait or be under way.")
	m.inFlight = upDown("inflight", "{request}", "Requests under way.")
	m.lanes = upDown("lanes", "{lane}", "Players that are remembered; parked ones wait for a token.")
	m.waiting = upDown("waiting", "{call}", "Calls of Track that wait for room.")
	m.processed = counter("processed", "{event}", "Events that have their outcome.")
	m.duplicates = counter("possible_duplicates", "{event}", "Copies of delivered events that the service may have stored.")
	m.requests = counter("requests", "{request}", "Requests made.")
	var err error
	m.outage, err = m.meter.Int64ObservableGauge("playline.batcher.outage",
		metric.WithDescription("1 while the service is taken to be down, and requests are held but for a probe."))
	errs = append(errs, err)
	m.delay, err = m.meter.Float64Histogram("playline.batcher.delay", metric.WithUnit("s"),
		metric.WithDescription("Time from Track's return to the event's outcome."),
		// From a signal that sends at once, over a linger of seconds, to an outage of hours.
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200))
	return errors.Join(append(errs, err)...)
}

// OnOutcome returns a function for Config.OnOutcome. It measures the events' delays and then calls
// next, which may be nil. Events that Close returns are only in its report, and have no delay.
func (m *BatcherMetrics) OnOutcome(next func(batcher.Outcome)) func(batcher.Outcome) {
	return func(o batcher.Outcome) {
		m.measure(o, time.Now())
		if next != nil {
			next(o)
		}
	}
}

func (m *BatcherMetrics) measure(o batcher.Outcome, now time.Time) {
	ctx := context.Background()
	as, ok := m.delayOf[o.Result]
	if !ok || !m.delay.Enabled(ctx) { // not ok: the caller made up a Result
		return
	}
	for _, r := range o.Records {
		m.delay.Record(ctx, max(now.Sub(r.Accepted), 0).Seconds(), as...)
	}
}

// Observe reads b's metrics at each collection, from one call of its Stats, until you end the
// registration. The registration keeps b alive. End it only after the collection that must see the
// results of Close. Several batchers need BatcherMetrics with different names.
func (m *BatcherMetrics) Observe(b *batcher.Batcher) (metric.Registration, error) {
	return m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		m.observe(o, b.Stats())
		return nil
	}, m.queueSize, m.queueCapacity, m.memoryUsage, m.memoryLimit, m.inFlight, m.lanes, m.waiting, m.processed, m.duplicates, m.requests, m.outage)
}

func (m *BatcherMetrics) observe(o metric.Observer, s batcher.Stats) {
	o.ObserveInt64(m.queueSize, s.Pending, m.all)
	o.ObserveInt64(m.queueCapacity, s.MaxEvents, m.all)
	o.ObserveInt64(m.memoryUsage, s.PendingBytes, m.all)
	o.ObserveInt64(m.memoryLimit, s.MaxBytes, m.all)
	o.ObserveInt64(m.inFlight, int64(s.InFlight), m.all)
	o.ObserveInt64(m.lanes, int64(s.Players-s.Parked), m.active)
	o.ObserveInt64(m.lanes, int64(s.Parked), m.parked)
	o.ObserveInt64(m.waiting, int64(s.Waiting), m.all)
	for result, events := range s.Results() {
		o.ObserveInt64(m.processed, events, m.processedAs[result])
	}
	o.ObserveInt64(m.duplicates, s.PossibleDuplicates, m.all)
	o.ObserveInt64(m.requests, s.Requests, m.all)
	down := int64(0)
	if s.Outage {
		down = 1
	}
	o.ObserveInt64(m.outage, down, m.all)
}
