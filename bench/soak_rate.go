package main

import "time"

// soakRates are means per second over a time.
type soakRates struct {
	tracked, delivered, requests float64
	cpu, sinkCPU                 float64 // cores
}

// rates returns the means over a phase.
func (r *soakRun) rates(phase soakPhase) soakRates {
	in := between(r.Samples, phase.Start, phase.End)
	if len(in) < 2 {
		return soakRates{}
	}
	return rateOf(in[0], in[len(in)-1])
}

func rateOf(first, last soakSample) soakRates {
	seconds := (last.At - first.At).Seconds()
	return soakRates{
		tracked:   float64(last.Ledger.Accepted-first.Ledger.Accepted) / seconds,
		delivered: float64(last.Ledger.Delivered-first.Ledger.Delivered) / seconds,
		requests:  float64(last.Traffic.Requests-first.Traffic.Requests) / seconds,
		cpu:       (last.CPU - first.CPU) / seconds,
		sinkCPU:   (last.Traffic.CPU - first.Traffic.CPU) / seconds,
	}
}

func (r *soakRun) requestRate(start, end time.Duration) float64 {
	return r.rates(soakPhase{Start: start, End: end}).requests
}

// peakRate returns the highest requests/s of any second from start to end.
func (r *soakRun) peakRate(start, end time.Duration) float64 {
	in, most, first := between(r.Samples, start, end), 0.0, 0
	for i := range in {
		for in[i].At-in[first].At > time.Second+r.plan.Tick/2 {
			first++
		}
		// A shorter time would be noise.
		if in[i].At-in[first].At >= min(time.Second, (end-start)/2)-r.plan.Tick/2 {
			most = max(most, rateOf(in[first], in[i]).requests)
		}
	}
	return most
}

// soakMemory is in MB: a mean over a time with the highest number of goroutines, or the maximum of
// each.
type soakMemory struct {
	live, inUse, rss float64
	goroutines       int
}

func (r *soakRun) memory(phase soakPhase) soakMemory {
	in := between(r.Samples, phase.Start, phase.End)
	var m soakMemory
	for _, s := range in {
		n := float64(len(in)) * 1e6
		m.live += s.HeapLive / n
		m.inUse += s.HeapInUse / n
		m.rss += s.RSS / n
		m.goroutines = max(m.goroutines, s.Goroutines)
	}
	return m
}

// most returns the highest memory of any sample.
func (r *soakRun) most() soakMemory {
	var m soakMemory
	for _, s := range r.Samples {
		m.live, m.inUse, m.rss = max(m.live, s.HeapLive/1e6), max(m.inUse, s.HeapInUse/1e6), max(m.rss, s.RSS/1e6)
		m.goroutines = max(m.goroutines, s.Goroutines)
	}
	return m
}

// lastPart returns the last third of the time after the outage.
func (r *soakRun) lastPart() soakPhase {
	return soakPhase{"end", r.plan.End - (r.plan.End-r.plan.Recovery)/3, r.plan.End}
}
