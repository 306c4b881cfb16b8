package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sink is the service that all adapters send to, in a separate process. It accepts any POST, counts
// the events, and applies its fault. The benchmark talks to it on paths that begin with /-/.
type sink struct {
	faults faulty
	bodies sync.Pool
	strict atomic.Pointer[tokenKey] // checks tokens and events; nil: the sink takes everything

	events   atomic.Int64
	requests atomic.Int64
	failing  atomic.Int64 // requests that the fault made fail
	conns    atomic.Int64
	inFlight atomic.Int64
	most     atomic.Int64 // requests in flight at once
	refused  atomic.Int64 // 401 and 403
	invalid  atomic.Int64 // 400

	mu    sync.Mutex // guards the following
	start usage
	// copies is how often the sink stored each event, by eid; nil if nobody asks for it.
	copies []uint16
}

// sinkReport is what a sink has received since its start or its last reset.
type sinkReport struct {
	Events   int64   `json:"events"`
	Requests int64   `json:"requests"`
	Failing  int64   `json:"failing"`
	Conns    int64   `json:"conns"`
	Most     int64   `json:"most"`
	CPU      float64 `json:"cpu"`
	Stored   int     `json:"stored"`  // different events
	Missing  []int   `json:"missing"` // of the events expected
}

// sinkTraffic is cheap enough to ask a sink for every second.
type sinkTraffic struct {
	Events   int64   `json:"events"`
	Requests int64   `json:"requests"`
	Failing  int64   `json:"failing"`
	Conns    int64   `json:"conns"`
	Refused  int64   `json:"refused"` // 401 and 403
	Invalid  int64   `json:"invalid"` // 400
	CPU      float64 `json:"cpu"`
}

// serveSink is the main function of a sink. It prints its address and serves until its standard
// input ends, at the latest with its parent. If expect is over 0 it counts each of that many
// events.
func serveSink(expect int) error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &sink{start: usageNow(), copies: make([]uint16, expect)}
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.conns.Add(1)
			}
		},
	}
	fmt.Fprintf(os.Stdout, "http://%s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP handles one request.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/-/") {
		s.control(w, r)
		return
	}
	buf, ok := s.bodies.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	defer s.bodies.Put(buf)
	buf.Reset()
	if n := r.ContentLength; n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	s.requests.Add(1)
	if s.faults.isFailing() {
		s.failing.Add(1)
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return
	}
	now := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); {
		most = s.most.Load()
	}
	body := buf.Bytes()
	if !s.faults.meet(w, r, body, func() { s.take(r, body) }) {
		return
	}
	status := s.take(r, body)
	if status >= http.StatusBadRequest {
		answer(w, status)
		return
	}
	if r.Header.Get("Content-Type") == "application/x-protobuf" {
		return // an empty ExportLogsServiceResponse is no bytes
	}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, _ = w.Write(accepted)
}

var (
	jsonType = []string{"application/json"}
	accepted = []byte(`{"success":true,"message":"accepted"}`)
)

// take stores a request's events and returns the status of the answer. A strict sink stores events
// only if it answers 202.
func (s *sink) take(r *http.Request, body []byte) int {
	status := http.StatusOK
	if key := s.strict.Load(); key != nil {
		status = key.admit(r, body)
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		s.refused.Add(1)
	case http.StatusBadRequest:
		s.invalid.Add(1)
	default:
		s.store(body)
	}
	return status
}

func (s *sink) store(body []byte) {
	if len(s.copies) == 0 {
		s.events.Add(int64(countEvents(body)))
		return
	}
	stored := eids(body)
	s.events.Add(int64(len(stored)))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, eid := range stored {
		if eid < len(s.copies) {
			s.copies[eid]++
		}
	}
}

// control handles PUT /-/fault and /-/strict, GET /-/report, /-/traffic and /-/copies.
func (s *sink) control(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/-/fault":
		var f fault
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.faults.set(f)
	case "/-/strict":
		var key tokenKey
		if err := json.NewDecoder(r.Body).Decode(&key); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.strict.Store(&key)
	case "/-/report":
		_ = json.NewEncoder(w).Encode(s.report())
	case "/-/traffic":
		_ = json.NewEncoder(w).Encode(s.traffic())
	case "/-/copies":
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(s.copies)
	default:
		http.NotFound(w, r)
	}
}

func (s *sink) traffic() sinkTraffic {
	_, cpu := usageNow().since(s.start)
	return sinkTraffic{
		Events: s.events.Load(), Requests: s.requests.Load(), Failing: s.failing.Load(), Conns: s.conns.Load(),
		Refused: s.refused.Load(), Invalid: s.invalid.Load(), CPU: cpu,
	}
}

func (s *sink) report() sinkReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, cpu := usageNow().since(s.start)
	out := sinkReport{
		Events: s.events.Load(), Requests: s.requests.Load(), Failing: s.failing.Load(), Conns: s.conns.Load(), Most: s.most.Load(), CPU: cpu,
		Missing: []int{},
	}
	for eid, n := range s.copies {
		if n > 0 {
			out.Stored++
		} else {
			out.Missing = append(out.Missing, eid)
		}
	}
	return out
}
