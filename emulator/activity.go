package emulator

import (
	"sync"
	"time"
)

// activitySeconds is how far the inspector's charts look back.
const activitySeconds = 120

// batchBounds are the largest sizes of the classes that ingest requests are counted in; the
// contract allows 200 events.
var batchBounds = [...]int{1, 9, 49, 99, 199, 200}

// activity counts what happened second by second, so that a chart has a past when somebody opens
// it. It is a few additions for each request, whether somebody looks or not.
type activity struct {
	mu      sync.Mutex
	seconds [activitySeconds]activitySecond // a ring: a second is at its Unix time modulo the length
}

// activitySecond is one second of all services.
type activitySecond struct {
	Unix     int64                 `json:"t"`
	Requests int                   `json:"requests"` // that ended
	Failed   int                   `json:"failed"`   // of these, with a status of 400 and more, or without an answer
	Events   int                   `json:"events"`   // that PlaySmart accepted
	Batches  [len(batchBounds)]int `json:"batches"`  // PlaySmart's accepted requests by their number of events

	services [len(serviceNames)]serviceSecond
}

// serviceSecond is one second of one service.
type serviceSecond struct{ requests, failed int }

// serviceNames are the services in the order in which the inspector shows them.
var serviceNames = [...]string{PlaySmart, Smooven, Fyno, SmartSender, Sunshine}

// at returns the second of a moment, emptied where it still held an older one. The caller holds mu.
func (a *activity) at(now time.Time) *activitySecond {
	unix := now.Unix()
	s := &a.seconds[(unix%activitySeconds+activitySeconds)%activitySeconds]
	if s.Unix != unix {
		*s = activitySecond{Unix: unix}
	}
	return s
}

// ended counts a request; status 0 is one that got no answer.
func (a *activity) ended(now time.Time, service string, status int) {
	failed := 0
	if status == 0 || status >= 400 {
		failed = 1
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.at(now)
	s.Requests++
	s.Failed += failed
	for i, name := range serviceNames {
		if name == service {
			s.services[i].requests++
			s.services[i].failed += failed
		}
	}
}

// accepted counts an ingest request of n events.
func (a *activity) accepted(now time.Time, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.at(now)
	s.Events += n
	for i, bound := range batchBounds {
		if n <= bound {
			s.Batches[i]++
			return
		}
	}
}

// forget empties all seconds.
func (a *activity) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seconds = [activitySeconds]activitySecond{}
}

// since returns the seconds from a Unix time on that had any request, oldest first; what is older
// than the ring is gone.
func (a *activity) since(from int64, now time.Time) []activitySecond {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := []activitySecond{}
	for unix := max(from, now.Unix()-activitySeconds+1); unix <= now.Unix(); unix++ {
		if s := a.seconds[(unix%activitySeconds+activitySeconds)%activitySeconds]; s.Unix == unix && s.Requests+s.Events > 0 {
			out = append(out, s)
		}
	}
	return out
}
