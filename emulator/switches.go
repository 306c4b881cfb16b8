package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The effects of the inspector's switches while they are on.
const (
	switchedDelay      = 2 * time.Second // slow
	switchedRetryAfter = 2 * time.Second // limit
)

// switches are the faults that a person turns on and off by hand. A service has one fault at most,
// made from its switches, because of several faults that select a request only one acts.
type switches struct {
	mu       sync.Mutex
	services map[string]switched
	flips    int // how often anything was changed
}

// switched is the position of the switches of one service.
type switched struct {
	switchPosition
	entry *injected // nil while all are off
}

// switchPosition says which switches of a service are on. Of all but slow one at most is on.
type switchPosition struct{ outage, limit, slow, reset, hang bool }

// fault is what the switches of a service make of its requests.
func (s switchPosition) fault(service string) (fault Fault, acts bool) {
	fault.Service = service
	if s.slow {
		fault.Delay = switchedDelay
	}
	switch {
	case s.outage:
		fault.Status = http.StatusServiceUnavailable
	case s.limit:
		fault.Status, fault.RetryAfter = http.StatusTooManyRequests, switchedRetryAfter
	case s.reset:
		fault.Mode = ResetAfter
	case s.hang:
		fault.Mode = HangAfter
	}
	return fault, fault.String() != ""
}

// flip turns one switch of a service, or of every service for "*", on or off. Turning a switch to
// its own position changes nothing.
func (e *Emulator) flip(service, name string, on bool) error {
	services := serviceNames[:]
	if service != "*" {
		if !slices.Contains(services, service) {
			return fmt.Errorf("no service %q: use %s, or * for all", service, strings.Join(services, ", "))
		}
		services = []string{service}
	}
	e.switches.mu.Lock()
	defer e.switches.mu.Unlock()
	if e.switches.services == nil {
		e.switches.services = make(map[string]switched)
	}
	for _, service := range services {
		before := e.switches.services[service]
		after := before.switchPosition
		if on && name != "slow" {
			after = switchPosition{slow: before.slow} // it takes the place of another one
		}
		switch name {
		case "outage":
			after.outage = on
		case "limit":
			after.limit = on
		case "slow":
			after.slow = on
		case "reset-after":
			after.reset = on
		case "hang-after":
			after.hang = on
		case "all":
			if on {
				return fmt.Errorf("switch %q can only be turned off", name)
			}
			after = switchPosition{}
		default:
			return fmt.Errorf("no switch %q: use outage, limit, slow, reset-after, hang-after, or all", name)
		}
		if after == before.switchPosition {
			continue
		}
		now := switched{switchPosition: after}
		fault, acts := after.fault(service)
		switch {
		case acts && before.entry != nil: // no request passes between the two
			now.entry = e.faults.replace(before.entry, fault)
		case acts:
			now.entry = e.inject(fault)
		case before.entry != nil:
			e.faults.remove(before.entry)
		}
		e.switches.services[service] = now
		e.switches.flips++
	}
	return nil
}

// position returns the switches of a service, and how many requests their fault has hit.
func (e *Emulator) position(service string) (s switched, hits int) {
	e.switches.mu.Lock()
	s = e.switches.services[service]
	e.switches.mu.Unlock()
	if s.entry == nil {
		return s, 0
	}
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	return s, s.entry.hit
}

// scripted lists the faults that were injected by a program and not by a switch, with how many
// requests they hit.
func (e *Emulator) scripted() []scriptedFault {
	byHand := make(map[*injected]bool)
	e.switches.mu.Lock()
	for _, s := range e.switches.services {
		byHand[s.entry] = true
	}
	e.switches.mu.Unlock()
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	list := []scriptedFault{}
	for _, entry := range e.faults.active {
		if byHand[entry] || len(list) == 20 {
			continue
		}
		where := entry.fault.Operation
		switch {
		case where == "" && entry.fault.Service == "":
			where = "every service"
		case where == "":
			where = entry.fault.Service
		}
		list = append(list, scriptedFault{Where: where, Does: entry.fault.String(), Hits: entry.hit})
	}
	return list
}

// scriptedFault is a fault as the inspector lists it.
type scriptedFault struct {
	Where string `json:"where"`
	Does  string `json:"does"`
	Hits  int    `json:"hits"`
}
