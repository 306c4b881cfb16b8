package emulator

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Request is one request as the record keeps it. It holds what the client sent, credentials included.
type Request struct {
	Number    int       // from 1, in the order of arrival
	Time      time.Time // of arrival
	Service   string    // "" where the path belongs to no service
	Operation string    // the contract's operationId; "" where the path and method belong to none
	Method    string
	Path      string // escaped, as it was sent, with the service's prefix
	Query     url.Values
	Header    http.Header
	Body      []byte        // nil where it was not read
	Status    int           // of the reply; 0 where none was sent yet, or at all
	Fault     string        // the fault that acted, as Fault.String prints it; "" for none
	Violation string        // the rule of the contract that the request broke; "" for none
	Latency   time.Duration // from arrival to the reply; 0 while the request is under way
}

// recorded is a request with what only the inspector shows.
type recorded struct {
	Request
	ended   bool // with a reply or without
	checked bool // held against the contract, and nothing found
}

// clone returns a copy that shares no memory with r.
func (r Request) clone() Request {
	r.Query = maps.Clone(r.Query)
	for name, values := range r.Query {
		r.Query[name] = slices.Clone(values)
	}
	r.Header = r.Header.Clone()
	r.Body = bytes.Clone(r.Body)
	return r
}

// record is the newest requests, limit of them at most, and a count of all.
//
// An entry is made on arrival and filled in when the request ends, so that a test can see a request that hangs.
type record struct {
	limit int

	mu      sync.Mutex
	entries []*recorded // a ring once it is full: the oldest stands at next
	next    int
	total   int
	ended   int // requests that ended
	resets  int
	calls   map[string]int
}

func newRecord(limit int) *record {
	return &record{limit: limit, calls: make(map[string]int)}
}

// arrive numbers an entry and keeps it.
func (r *record) arrive(entry *recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	r.calls[entry.Operation]++
	entry.Number = r.total
	switch {
	case r.limit == 0:
	case len(r.entries) < r.limit:
		r.entries = append(r.entries, entry)
	default:
		r.entries[r.next] = entry
		r.next = (r.next + 1) % r.limit
	}
}

// change edits an entry that others may be reading.
func (r *record) change(entry *recorded, edit func(*recorded)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit(entry)
}

// end edits an entry for the last time.
func (r *record) end(entry *recorded, edit func(*recorded)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit(entry)
	entry.ended = true
	r.ended++
}

// Requests returns copies of the recorded requests in the order of arrival, the newest of them where there were more than
// WithRecordLimit allows. A request under way is among them, with Status 0.
func (e *Emulator) Requests() []Request {
	r := e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Request, 0, len(r.entries))
	for i := range r.entries {
		out = append(out, r.entries[(r.next+i)%len(r.entries)].clone())
	}
	return out
}

// Calls returns how many requests arrived for an operation (its operationId, such as "fireEvent"), refused and faulted ones
// included; for "" it is the requests that no operation stands for. The record's limit does not bound it.
func (e *Emulator) Calls(operation string) int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.calls[operation]
}

// TotalCalls returns how many requests arrived, for any operation or none.
func (e *Emulator) TotalCalls() int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.total
}

// ResetRecord forgets all requests and counts; the services keep their data. Numbers start at 1 again.
func (e *Emulator) ResetRecord() {
	r := e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.next, r.total = nil, 0, 0
	r.resets++
	clear(r.calls)
}
