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

// Request is one request as the record keeps it. It holds what the client sent, credentials
// included.
type Request struct {
	Number    int       // from 1, in the order of arrival
	Time      time.Time // of arrival
	Service   string    // "" where the path belongs to no service
	Operation string    // the contract's operationId; "" where the path and method belong to none
	Method    string
	Path      string // escaped, as it was sent, with the service's prefix
	Query     url.Values
	Header    http.Header
	Body      []byte        // nil if it was not read, or if the request belongs to no operation
	Status    int           // of the reply; 0 if none was sent yet, or at all
	Fault     string        // the fault that acted, as Fault.String prints it; "" for none
	Violation string        // the rule of the contract that the request broke; "" for none
	Latency   time.Duration // from arrival to the reply; 0 while the request is under way

	ResponseHeader http.Header // of the reply; nil if none was sent
	ResponseBody   []byte      // of the reply, as much of it as was sent
}

// recorded is a request with what only the inspector shows.
type recorded struct {
	Request
	ended   bool // with a reply or without
	checked bool // held against the contract, and nothing found

	kept  bool // the record has it
	bytes int  // that the record counts for it
}

// failed reports whether a request that has ended was refused, or got no reply.
func (r Request) failed() bool { return r.Status == 0 || r.Status >= 400 }

// clone returns a copy that shares no memory with r.
func (r Request) clone() Request {
	r.Query = maps.Clone(r.Query)
	for name, values := range r.Query {
		r.Query[name] = slices.Clone(values)
	}
	r.Header, r.ResponseHeader = r.Header.Clone(), r.ResponseHeader.Clone()
	r.Body, r.ResponseBody = bytes.Clone(r.Body), bytes.Clone(r.ResponseBody)
	return r
}

// record is the newest requests, bounded in number and in bytes, and a count of all.
//
// An entry is made on arrival and filled in when the request ends, so that a test can see a request
// that hangs.
type record struct {
	limit    int
	maxBytes int

	mu      sync.Mutex
	entries []*recorded // oldest first; their numbers follow each other, up to total
	bytes   int         // that they take
	total   int
	ended   int // requests that ended
	refused int // of them, with a status of 400 and more, or without a reply
	resets  int
	calls   map[string]int
}

func newRecord(limit, maxBytes int) *record {
	return &record{limit: limit, maxBytes: maxBytes, calls: make(map[string]int)}
}

// arrive numbers an entry and keeps it.
func (r *record) arrive(entry *recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total++
	r.calls[entry.Operation]++
	entry.Number = r.total
	entry.kept = true
	r.entries = append(r.entries, entry)
	r.weighLocked(entry)
}

// weighLocked counts what an entry takes by now, and drops the oldest entries that there is no room
// for.
func (r *record) weighLocked(entry *recorded) {
	if !entry.kept {
		return
	}
	r.bytes -= entry.bytes
	entry.bytes = entry.size()
	r.bytes += entry.bytes
	for len(r.entries) > r.limit || r.bytes > r.maxBytes {
		oldest := r.entries[0]
		oldest.kept = false
		r.bytes -= oldest.bytes
		r.entries[0] = nil // for the collector: the array goes only when append needs a larger one
		r.entries = r.entries[1:]
	}
}

// size is about what a request takes of the memory.
func (r Request) size() int {
	const entry, pair = 512, 64
	size := entry + len(r.Path) + len(r.Body) + len(r.ResponseBody) + len(r.Violation) + len(r.Fault)
	for _, pairs := range []map[string][]string{r.Query, r.Header, r.ResponseHeader} {
		for name, values := range pairs {
			size += pair + len(name)
			for _, value := range values {
				size += pair/4 + len(value)
			}
		}
	}
	return size
}

// change edits an entry that others may be reading.
func (r *record) change(entry *recorded, edit func(*recorded)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit(entry)
	r.weighLocked(entry)
}

// end edits an entry for the last time.
func (r *record) end(entry *recorded, edit func(*recorded)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit(entry)
	entry.ended = true
	r.ended++
	if entry.failed() {
		r.refused++
	}
	r.weighLocked(entry)
}

// Requests returns copies of the recorded requests in the order of arrival, the newest of them if
// there were more than WithRecordLimit and WithRecordBytes allow. A request under way is among
// them, with Status 0.
func (e *Emulator) Requests() []Request {
	r := e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Request, 0, len(r.entries))
	for _, entry := range r.entries {
		out = append(out, entry.clone())
	}
	return out
}

// Calls returns how many requests arrived for an operation, refused and faulted ones included. The
// operation goes by its operationId, such as "fireEvent", or by the method that calls it, such as
// "Events.Fire": see [Operations]. For "" it is the requests that belong to no operation. The
// record's limits do not bound it. It panics where there is no such operation: a count of nothing
// would be 0.
func (e *Emulator) Calls(operation string) int {
	id := ""
	if operation != "" {
		var ok bool
		if id, ok = operationID("", operation); !ok {
			panic("emulator: Calls: " + noOperation("", operation).Error())
		}
	}
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.calls[id]
}

// TotalCalls returns how many requests arrived, for any operation or none.
func (e *Emulator) TotalCalls() int {
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return e.record.total
}

// ResetRecord forgets all requests and counts; the services keep their data. Numbers start at 1
// again.
func (e *Emulator) ResetRecord() {
	r := e.record
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, entry := range r.entries {
		entry.kept = false // a request under way still has it
	}
	r.entries, r.bytes, r.total, r.refused = nil, 0, 0, 0
	r.resets++
	clear(r.calls)
}
