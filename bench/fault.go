package main

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// fault is an error of the sink, and how long it lasts. The zero fault is a healthy sink.
type fault struct {
	Kind  faultKind     `json:"kind"`
	For   time.Duration `json:"for"`   // 0: until another fault is set
	Delay time.Duration `json:"delay"` // with late
}

type faultKind string

const (
	healthy     faultKind = ""
	unavailable faultKind = "unavailable" // 503
	throttle    faultKind = "throttle"    // 429 with Retry-After: 2
	reset       faultKind = "reset"       // the connection is reset before anything is stored
	lose        faultKind = "lose"        // stored, then the connection is reset: the answer is lost
	hang        faultKind = "hang"        // no answer; at the end the sink resets the connections and stores nothing
	stall       faultKind = "stall"       // no answer until the end, then normal answers
	poison      faultKind = "poison"      // 400 for the whole batch if it holds a poisoned event
	late        faultKind = "late"        // every answer comes late
)

// poisoned reports whether the sink rejects an event: 20 of 20,000.
func poisoned(eid int) bool { return eid%1000 == 500 }

// faulty holds the current fault.
type faulty struct {
	current atomic.Pointer[faultNow]
}

type faultNow struct {
	fault
	over chan struct{} // closed when it is over
	once sync.Once
}

func (f *faulty) set(next fault) {
	now := &faultNow{fault: next, over: make(chan struct{})}
	if old := f.current.Swap(now); old != nil {
		old.end()
	}
	if next.For > 0 {
		time.AfterFunc(next.For, func() {
			f.current.CompareAndSwap(now, nil)
			now.end()
		})
	}
}

// end may be called twice: by the timer, and when another fault replaces this one.
func (f *faultNow) end() { f.once.Do(func() { close(f.over) }) }

// isFailing reports whether the sink currently fails or holds requests.
func (f *faulty) isFailing() bool {
	now := f.current.Load()
	return now != nil && now.Kind != healthy && now.Kind != late && now.Kind != poison
}

// meet applies the current fault to a request. It reports whether the sink must store the request's
// events and answer it.
func (f *faulty) meet(w http.ResponseWriter, r *http.Request, body []byte, store func()) (goOn bool) {
	now := f.current.Load()
	if now == nil {
		return true
	}
	switch now.Kind {
	case unavailable:
		answer(w, http.StatusServiceUnavailable)
		return false
	case throttle:
		w.Header().Set("Retry-After", "2")
		answer(w, http.StatusTooManyRequests)
		return false
	case reset:
		cut(w)
		return false
	case lose:
		store()
		cut(w)
		return false
	case hang, stall:
		select {
		case <-now.over:
		case <-r.Context().Done():
			return false
		}
		if now.Kind == hang {
			cut(w)
			return false
		}
	case poison:
		for _, eid := range eids(body) {
			if poisoned(eid) {
				answer(w, http.StatusBadRequest)
				return false
			}
		}
	case late:
		// The sink stores the events that it has read, even if the client does not wait for the
		// answer.
		time.Sleep(now.Delay)
	}
	return true
}

// answer sends a status with a body as PlaySmart's.
func answer(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": "fault", "message": http.StatusText(status)}})
}

// cut resets the connection.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // closed already
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // close with a reset instead of an end
	}
	_ = conn.Close()
}
