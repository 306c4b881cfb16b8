package emulator

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
)

// faults are the injected ones, in order.
type faults struct {
	mu     sync.Mutex
	active []*injected
}

// injected is a fault with its counts, which faults.mu guards.
type injected struct {
	fault   Fault
	draws   *rand.Rand
	seen    int
	hit     int
	removed bool
	next    *injected // what took its place, nil where nothing did
}

// Inject makes f act on the requests that arrive from now on, and returns what takes it away again;
// that may be called any number of times. If several faults select a request, the one injected
// first that is not skipping or used up acts, alone. It panics where Validate finds fault with f.
func (e *Emulator) Inject(f Fault) (remove func()) {
	entry := e.inject(f)
	return func() { e.faults.remove(entry) }
}

// inject is Inject, and returns the fault with its counts.
func (e *Emulator) inject(f Fault) *injected {
	if err := f.Validate(); err != nil {
		panic("emulator: Inject: " + err.Error())
	}
	f.Header = f.Header.Clone()
	f.Operation, _ = operationID(f.Service, f.Operation) // "" stays so, and another name is one of its two
	entry := &injected{fault: f, draws: rand.New(rand.NewPCG(f.Seed, 0))}
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.active = append(e.faults.active, entry)
	return entry
}

// remove takes a fault away; one that is away stays so.
func (f *faults) remove(entry *injected) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entry.removed = true
	// a new slice, because pick walks the old one without the lock
	f.active = slices.DeleteFunc(slices.Clone(f.active), func(i *injected) bool { return i == entry })
}

// pick returns the fault that acts on a request. Match is the user's code, so it runs without the
// lock: it may look at the emulator, or remove the fault. r.Body stays whole for whoever reads it
// next.
func (f *faults) pick(service, operation string, r *http.Request) (Fault, bool) {
	f.mu.Lock()
	active := f.active
	f.mu.Unlock()
	if len(active) == 0 {
		return Fault{}, false
	}
	seen := &bytes.Buffer{}
	rest := r.Body
	for _, entry := range active {
		fault := entry.fault
		if fault.Service != "" && fault.Service != service || fault.Operation != "" && fault.Operation != operation {
			continue
		}
		if fault.Match != nil {
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(seen.Bytes()), io.TeeReader(rest, seen)))
			if !fault.Match(r) {
				continue
			}
		}
		if fault, hit := f.count(entry); hit {
			r.Body = io.NopCloser(io.MultiReader(seen, rest))
			return fault, true
		}
	}
	r.Body = io.NopCloser(io.MultiReader(seen, rest))
	return Fault{}, false
}

// replace puts another fault, which must select the same requests, in the place of one that is
// there. A request that pick has taken the old list for, and counts only now, goes on to the new
// one: it passes neither.
func (f *faults) replace(old *injected, fault Fault) *injected {
	entry := &injected{fault: fault, draws: rand.New(rand.NewPCG(fault.Seed, 0))}
	f.mu.Lock()
	defer f.mu.Unlock()
	old.removed, old.next = true, entry
	f.active = slices.Clone(f.active) // pick walks the old one without the lock
	f.active[slices.Index(f.active, old)] = entry
	return entry
}

// count counts a request that entry selects, and returns the fault where it is hit.
func (f *faults) count(entry *injected) (fault Fault, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for entry.next != nil {
		entry = entry.next
	}
	fault = entry.fault
	entry.seen++
	switch {
	case entry.removed || entry.seen <= fault.Skip || fault.Times > 0 && entry.hit >= fault.Times:
		return Fault{}, false
	case fault.Probability > 0 && entry.draws.Float64() >= fault.Probability:
		return Fault{}, false
	}
	entry.hit++
	return fault, true
}
