package emulator

import (
	"slices"
	"time"
)

// serviceView is a service as the inspector shows it: what happened in the last ten seconds, and
// its switches.
type serviceView struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"perSecond"` // requests
	Failed    float64 `json:"failed"`    // of them, as a fraction of 1
	P50       float64 `json:"p50"`       // milliseconds, of the newest requests in the record; 0 without any
	P95       float64 `json:"p95"`
	Outage    bool    `json:"outage"`
	Limit     bool    `json:"limit"`
	Slow      bool    `json:"slow"`
	Reset     bool    `json:"resetAfter"` // every answer is lost, after the request was carried out
	Hang      bool    `json:"hangAfter"`  // no answer, after the request was carried out
	Hits      int     `json:"hits"`       // requests that the switches have spoiled since they were turned
}

// services lists the five.
func (i *inspector) services() []serviceView {
	const window = 10 // seconds
	e := i.emulator
	now := time.Now()
	seconds := e.activity.since(now.Unix()-window, now)
	latencies := e.record.latencies(200)
	views := make([]serviceView, 0, len(serviceNames))
	for index, name := range serviceNames {
		view := serviceView{Name: name}
		requests, failed := 0, 0
		for _, s := range seconds {
			if s.Unix < now.Unix() { // this second is not over
				requests += s.services[index].requests
				failed += s.services[index].failed
			}
		}
		view.PerSecond = float64(requests) / window
		if requests > 0 {
			view.Failed = float64(failed) / float64(requests)
		}
		view.P50, view.P95 = quantile(latencies[name], 0.5), quantile(latencies[name], 0.95)
		position, hits := e.position(name)
		view.Outage, view.Limit, view.Slow, view.Hits = position.outage, position.limit, position.slow, hits
		view.Reset, view.Hang = position.reset, position.hang
		views = append(views, view)
	}
	return views
}

// latencies returns by service how long its newest n requests took, of those that have ended.
func (r *record) latencies(n int) map[string][]time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string][]time.Duration)
	for i := range r.entries {
		if entry := r.newest(i); entry.ended && len(out[entry.Service]) < n {
			out[entry.Service] = append(out[entry.Service], entry.Latency)
		}
	}
	return out
}

// quantile returns the value below which a fraction of all lies, in milliseconds.
func quantile(all []time.Duration, fraction float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return milliseconds(all[int(fraction*float64(len(all)-1)+0.5)])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
