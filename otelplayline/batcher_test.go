package otelplayline_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/playline/playline-go/batcher"
	"github.com/playline/playline-go/emulator"
	"github.com/playline/playline-go/otelplayline"
)

// measured returns a batcher of the lab's client, with metrics.
func (l *lab) measured(cfg batcher.Config, opts ...otelplayline.Option) *batcher.Batcher {
	l.t.Helper()
	m, err := otelplayline.NewBatcherMetrics(l.options(opts...)...)
	require.NoError(l.t, err)
	cfg.GameID, cfg.OnOutcome = "com.example.stackblaster", m.OnOutcome(cfg.OnOutcome)
	if cfg.Tokens == nil {
		cfg.Tokens = batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(l.emulator.Token(user, 24*time.Hour))}, nil
		})
	}
	b, err := l.client.NewBatcher(cfg)
	require.NoError(l.t, err)
	_, err = m.Observe(b)
	require.NoError(l.t, err)
	return b
}

// processed are the events by outcome as the metric has them.
func processed(m metricdata.Metrics) map[string]int64 {
	out := map[string]int64{}
	for _, p := range points(m) {
		outcome, _ := p.attributes.Value("playline.batcher.outcome")
		failed, has := p.attributes.Value("error.type")
		if has != (outcome.AsString() != "delivered") || has && failed.AsString() != outcome.AsString() {
			out["error.type of "+outcome.AsString()]++
		}
		out[outcome.AsString()] = p.value
	}
	return out
}

// only is the value of a metric without attributes.
func only(t *testing.T, m metricdata.Metrics) int64 {
	t.Helper()
	all := points(m)
	require.Len(t, all, 1, m.Name)
	require.Zero(t, all[0].attributes.Len(), m.Name)
	return all[0].value
}

// TestMetricsAgreeWithTheLedger: players with events of all fates, while the service fails in every
// way. The test compares the exported values with the ledger again and again, and at the end with
// the outcomes.
func TestMetricsAgreeWithTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		r := rand.New(rand.NewPCG(1, 2))
		poisoned := func(req *http.Request) bool {
			body, err := io.ReadAll(req.Body)
			return err == nil && strings.Contains(string(body), `"poison":true`)
		}
		l.emulator.Inject(emulator.Fault{Operation: "ingestEvents", Status: 400, Match: poisoned})
		var mu sync.Mutex
		outcomes := map[string]int64{}
		b := l.measured(batcher.Config{
			Linger: time.Second, SendTimeout: 5 * time.Second, MaxEvents: 5000, MaxAge: 30 * time.Second,
			AtMostOnce: []batcher.EventType{batcher.IAPPurchase},
			OnOutcome: func(o batcher.Outcome) {
				mu.Lock()
				defer mu.Unlock()
				outcomes[o.Result.String()] += int64(len(o.Records))
			},
			Tokens: batcher.TokenFunc(func(_ context.Context, user string) (batcher.Token, error) {
				if user == "device-0" {
					return batcher.Token{}, batcher.ErrNoToken
				}
				return batcher.Token{Value: batcher.Secret(l.emulator.Token(user, 24*time.Hour))}, nil
			}),
		})
		compare := func() {
			synctest.Wait()
			stats, metrics := b.Stats(), l.metrics()
			assert.Equal(t, map[string]int64{
				"delivered": stats.Delivered, "rejected": stats.Rejected, "expired": stats.Expired, "unknown": stats.Unknown, "returned": stats.Returned,
				"spooled": stats.Spooled, "erased": stats.Erased,
			}, processed(metrics["playline.batcher.processed"]))
			for name, want := range map[string]int64{
				"queue.size": stats.Pending, "queue.capacity": 5000, "queue.memory.usage": stats.PendingBytes, "queue.memory.limit": 256 << 20,
				"inflight": int64(stats.InFlight), "waiting": int64(stats.Waiting), "requests": stats.Requests, "possible_duplicates": stats.PossibleDuplicates,
				"outage": map[bool]int64{true: 1}[stats.Outage],
			} {
				assert.Equal(t, want, only(t, metrics["playline.batcher."+name]), name)
			}
			assert.Equal(t, map[string]int64{
				"playline.batcher.lane.state=active": int64(stats.Players - stats.Parked), "playline.batcher.lane.state=parked": int64(stats.Parked),
			}, values(metrics["playline.batcher.lanes"]))
		}
		// One event of each fate for certain, whatever chance makes of the rest.
		first := l.emulator.Inject(emulator.Fault{Operation: "ingestEvents", Mode: emulator.ResetAfter, Times: 1})
		require.NoError(t, b.Player("device-1").TrackAttrs(t.Context(), batcher.IAPPurchase))
		require.NoError(t, b.Flush(t.Context()))
		first()
		require.NoError(t, b.Player("device-1").TrackAttrs(t.Context(), batcher.AppOpen, slog.Bool("poison", true)))
		require.NoError(t, b.Flush(t.Context()))
		compare()
		heal := []func(){l.emulator.Inject(emulator.Fault{Operation: "ingestEvents", Status: 503, Times: 10})}
		for i, f := range []emulator.Fault{{Status: 503}, {Status: 429, RetryAfter: time.Second}, {Mode: emulator.ResetAfter}, {Mode: emulator.Hang}, {Status: 502}} {
			f.Operation, f.Probability, f.Seed, f.Times = "ingestEvents", 0.3, uint64(i), 40
			heal = append(heal, l.emulator.Inject(f))
		}
		types := []batcher.EventType{batcher.AppOpen, batcher.IAPPurchase, batcher.GameEnd}
		outages, parked := int64(0), 0
		for range 200 {
			for range 10 {
				require.NoError(t, b.Player(fmt.Sprintf("device-%d", r.IntN(20))).TrackAttrs(t.Context(), types[r.IntN(3)], slog.Bool("poison", r.IntN(100) == 0)))
			}
			time.Sleep(500 * time.Millisecond)
			compare()
			outages += only(t, l.metrics()["playline.batcher.outage"])
			parked = max(parked, b.Stats().Parked)
		}
		assert.Positive(t, outages, "there was no outage to be seen")
		assert.Positive(t, parked)
		for _, remove := range heal {
			remove()
		}
		require.NoError(t, b.Player("device-0").TrackAttrs(t.Context(), batcher.AppOpen))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		report, err := b.Close(ctx)
		require.Error(t, err)
		compare()
		assert.Equal(t, int64(2003), report.Accepted)
		for _, n := range []int64{report.Delivered, report.Rejected, report.Expired, report.Unknown, report.Returned} {
			assert.Positive(t, n, "a fate is missing: %s", report.Ledger)
		}

		delays := map[string]int64{}
		for _, p := range points(l.metrics()["playline.batcher.delay"]) {
			outcome, _ := p.attributes.Value("playline.batcher.outcome")
			delays[outcome.AsString()] = p.value
		}
		assert.Equal(t, outcomes, delays, "a delay for each event of an outcome")
		assert.Equal(t, map[string]int64{
			"delivered": report.Delivered, "rejected": report.Rejected, "expired": report.Expired, "unknown": report.Unknown,
		}, delays, "what was handed back by Close is in its report alone")
		assert.NotContains(t, l.everything(), "device-", "a player")
	})
}

// TestTheDelayIsFromTrackToTheOutcome: lingering and a pause are in it, and so is nothing that the
// caller's OnOutcome does.
func TestTheDelayIsFromTrackToTheOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.emulator.Inject(emulator.Fault{Operation: "ingestEvents", Status: 429, RetryAfter: 7 * time.Second, Times: 1})
		b := l.measured(batcher.Config{Linger: 5 * time.Second, OnOutcome: func(batcher.Outcome) { time.Sleep(time.Minute) }})
		require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
		time.Sleep(2 * time.Second)
		require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.GameEnd))
		require.NoError(t, b.Flush(t.Context()))
		// Flush sent them at 2 s, and 7 s later they went again.
		histogram := l.metrics()["playline.batcher.delay"].Data.(metricdata.Histogram[float64])
		require.Len(t, histogram.DataPoints, 1)
		point := histogram.DataPoints[0]
		assert.InDelta(t, 9+7, point.Sum, 0.002)
		least, _ := point.Min.Value()
		most, _ := point.Max.Value()
		assert.InDelta(t, 7, least, 0.001)
		assert.InDelta(t, 9, most, 0.001)
		assert.Equal(t, map[string]int64{"playline.batcher.outcome=delivered": 2}, values(l.metrics()["playline.batcher.delay"]))
	})
}

// TestEveryResultHasItsDelayAndItsCount sends one outcome of every Result through OnOutcome: each
// records its delays under its own name.
func TestEveryResultHasItsDelayAndItsCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		m, err := otelplayline.NewBatcherMetrics(l.options()...)
		require.NoError(t, err)
		var next []batcher.Result
		outcome := m.OnOutcome(func(o batcher.Outcome) { next = append(next, o.Result) })
		b := l.measured(batcher.Config{})
		counted := processed(l.metrics()["playline.batcher.processed"])
		accepted := time.Now()
		var all []batcher.Result
		want, seconds, zeros := map[string]int64{}, map[string]float64{}, map[string]int64{}
		for result := range b.Ledger().Results() {
			all = append(all, result)
			time.Sleep(time.Second) // so that each result has a delay of its own
			records := make([]batcher.Record, int(result)+1)
			for i := range records {
				records[i].Accepted = accepted
			}
			outcome(batcher.Outcome{Result: result, UserID: "ace", Records: records})
			want[result.String()] = int64(len(records))
			seconds[result.String()] = time.Since(accepted).Seconds() * float64(len(records))
			zeros[result.String()] = 0
		}
		unknown := all[len(all)-1] + 1
		assert.Equal(t, "no result", unknown.String())
		outcome(batcher.Outcome{Result: unknown, Records: make([]batcher.Record, 1)})
		assert.Equal(t, append(all, unknown), next, "the caller's function gets every outcome")

		delays, sums := map[string]int64{}, map[string]float64{}
		for _, p := range points(l.metrics()["playline.batcher.delay"]) {
			name, _ := p.attributes.Value("playline.batcher.outcome")
			delays[name.AsString()], sums[name.AsString()] = p.value, p.sum
		}
		assert.Equal(t, want, delays)
		assert.Equal(t, seconds, sums)
		assert.Equal(t, zeros, counted, "playline.batcher.processed has a series for every Result from the start")
		_, err = b.Close(t.Context())
		require.NoError(t, err)
	})
}

// TestAnErasedEventHasItsDelay erases a player of a batcher that is under way.
func TestAnErasedEventHasItsDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		b := l.measured(batcher.Config{Linger: time.Minute})
		require.NoError(t, b.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
		time.Sleep(3 * time.Second)
		_, err := b.Erase(t.Context(), "ace")
		require.NoError(t, err)
		synctest.Wait()
		all := points(l.metrics()["playline.batcher.delay"])
		require.Len(t, all, 1)
		name, _ := all[0].attributes.Value("playline.batcher.outcome")
		assert.Equal(t, "erased", name.AsString())
		assert.EqualValues(t, 1, all[0].value)
		assert.InDelta(t, 3, all[0].sum, 0.001)
		assert.EqualValues(t, 1, processed(l.metrics()["playline.batcher.processed"])["erased"])
		_, err = b.Close(t.Context())
		require.NoError(t, err)
	})
}

// TestBatchersAreSeparatedByName: two of one program.
func TestBatchersAreSeparatedByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		one := l.measured(batcher.Config{MaxEvents: 10}, otelplayline.WithBatcherName("one"))
		two := l.measured(batcher.Config{MaxEvents: 20}, otelplayline.WithBatcherName("two"))
		require.NoError(t, two.Player("ace").TrackAttrs(t.Context(), batcher.AppOpen))
		metrics := l.metrics()
		assert.Equal(t, map[string]int64{"playline.batcher.name=one": 10, "playline.batcher.name=two": 20}, values(metrics["playline.batcher.queue.capacity"]))
		assert.Equal(t, map[string]int64{"playline.batcher.name=one": 0, "playline.batcher.name=two": 1}, values(metrics["playline.batcher.queue.size"]))
		for _, b := range []*batcher.Batcher{one, two} {
			_, err := b.Close(t.Context())
			require.NoError(t, err)
		}
		assert.Equal(t, map[string]int64{"playline.batcher.name=two,playline.batcher.outcome=delivered": 1}, values(l.metrics()["playline.batcher.delay"]))
	})
}

// TestAnEndedRegistrationIsSilent: nothing is taken from a batcher any more.
func TestAnEndedRegistrationIsSilent(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	m, err := otelplayline.NewBatcherMetrics(l.options()...)
	require.NoError(t, err)
	b := l.measured(batcher.Config{OnOutcome: m.OnOutcome(nil)})
	registration, err := m.Observe(b)
	require.NoError(t, err)
	require.NoError(t, registration.Unregister())
	_, err = b.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(1_000_000), only(t, l.metrics()["playline.batcher.queue.capacity"]), "the other one goes on")
}

// TestACollectionIsOneLook: all that one collection says of a batcher is from one call of its
// Stats, so that the ledger balances in it, also while events come and go.
func TestACollectionIsOneLook(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	b := l.measured(batcher.Config{Linger: time.Millisecond})
	const events = 2000
	var tracking sync.WaitGroup
	tracking.Go(func() {
		for i := range events {
			_ = b.Player(fmt.Sprintf("device-%d", i%7)).TrackAttrs(t.Context(), batcher.AppOpen)
		}
	})
	last := int64(0)
	for last < events {
		metrics := l.metrics()
		accepted := only(t, metrics["playline.batcher.queue.size"])
		for _, n := range processed(metrics["playline.batcher.processed"]) {
			accepted += n
		}
		require.GreaterOrEqual(t, accepted, last)
		last = accepted
	}
	tracking.Wait()
	_, err := b.Close(t.Context())
	require.NoError(t, err)
}
