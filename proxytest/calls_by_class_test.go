package proxytest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go"
)

// TestCallsByClass is what one fault that lasts, or that ends, means for calls of each retry class.
func TestCallsByClass(t *testing.T) {
	t.Parallel()
	type with = map[string]int
	all, repeated := []class{safe, key, unsent, never}, []class{safe, key}
	both := func(kind string, attributes with) []toxic {
		return []toxic{{kind, upstream, attributes}, {kind, downstream, attributes}}
	}
	rows := []struct {
		name    string
		toxics  []toxic
		cut     bool
		ends    bool          // once the calls that cannot succeed have failed
		attempt time.Duration // how long one may take; 0: as long as it likes
		done    []class       // that succeed
		stored  int           // of those that do not
		failed  []class       // of those, which must know that nothing was sent
	}{
		{name: "latency and jitter", toxics: both("latency", with{"latency": 20, "jitter": 15}), done: all},
		{name: "a thin line", toxics: both("bandwidth", with{"rate": 64}), done: all},
		{name: "small slices", toxics: both("slicer", with{"average_size": 90, "size_variation": 60, "delay": 100}), done: all},
		{name: "slow to close", toxics: both("slow_close", with{"delay": 50}), done: all},
		{name: "more than the exchange passes", toxics: both("limit_data", with{"bytes": 100_000}), done: all},

		{name: "requests are swallowed", toxics: []toxic{{"timeout", upstream, with{"timeout": 0}}}, attempt: time.Second},
		{name: "answers are swallowed", toxics: []toxic{{"timeout", downstream, with{"timeout": 0}}}, attempt: 5 * time.Second, stored: 1},
		{name: "both are swallowed", toxics: both("timeout", with{"timeout": 0}), attempt: time.Second},
		{name: "requests are swallowed, then it closes", toxics: []toxic{{"timeout", upstream, with{"timeout": 50}}}},
		{name: "answers are swallowed, then it closes", toxics: []toxic{{"timeout", downstream, with{"timeout": 5000}}}, stored: 1},
		{name: "reset at the request", toxics: []toxic{{"reset_peer", upstream, with{"timeout": 0}}}},
		{name: "reset at the answer", toxics: []toxic{{"reset_peer", downstream, with{"timeout": 0}}}, stored: 1},
		{name: "reset a moment after the answer", toxics: []toxic{{"reset_peer", downstream, with{"timeout": 30}}}, stored: 1},
		{name: "the request is cut", toxics: []toxic{{"limit_data", upstream, with{"bytes": 40}}}},
		{name: "the answer is cut", toxics: []toxic{{"limit_data", downstream, with{"bytes": 40}}}, stored: 1},
		{name: "no connection", cut: true, failed: all},

		{name: "resets at the request end", ends: true, toxics: []toxic{{"reset_peer", upstream, with{"timeout": 0}}}, done: repeated},
		{name: "resets at the answer end", ends: true, toxics: []toxic{{"reset_peer", downstream, with{"timeout": 0}}}, done: repeated, stored: 1},
		{name: "cut answers end", ends: true, toxics: []toxic{{"limit_data", downstream, with{"bytes": 40}}}, done: repeated, stored: 1},
		{name: "connections come back", ends: true, cut: true, done: []class{safe, key, unsent}, failed: []class{never}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := newLine(t)
			policy := playline.RetryPolicy{
				MaxAttempts: 2, BaseDelay: time.Millisecond, MaxDelay: 20 * time.Millisecond, AttemptTimeout: hung,
			}
			if row.attempt > 0 {
				policy.AttemptTimeout = row.attempt
			}
			if row.ends {
				policy.MaxAttempts = 1_000_000
			}
			client := l.client(policy)
			var calls []*call
			for i, o := range operations {
				calls = append(calls, o.prepareOn(t, l, fmt.Sprintf("device-%d", i)))
			}
			if row.cut {
				l.cut()
			}
			l.add(row.toxics...)
			var waiting, others sync.WaitGroup
			for _, c := range calls {
				if slices.Contains(row.done, c.operation.class) {
					waiting.Go(func() { c.run(t, t.Context(), client) })
				} else {
					others.Go(func() { c.run(t, t.Context(), client) })
				}
			}
			others.Wait()
			if row.ends {
				l.heal()
			}
			waiting.Wait()
			l.hangUp()
			settle(calls)
			for _, c := range calls {
				c.agrees(t)
				about := fmt.Sprintf("%s (%s): %v", c.operation.name, c.operation.class, c.err)
				if slices.Contains(row.done, c.operation.class) {
					assert.NoError(t, c.err, about)
					assert.Equal(t, 1, c.times, about)
					continue
				}
				assert.Error(t, c.err, about)
				assert.Equal(t, row.stored, c.times, about)
				if slices.Contains(row.failed, c.operation.class) {
					assert.Equal(t, "failed", c.says(), about)
				}
			}
		})
	}
}
