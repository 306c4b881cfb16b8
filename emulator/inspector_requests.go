package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// requestView is a request as a row.
type requestView struct {
	Number    int     `json:"n"`
	Time      int64   `json:"time"` // Unix time in milliseconds
	Service   string  `json:"service"`
	Operation string  `json:"operation"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Status    int     `json:"status"`  // 0 where there was no reply
	Ended     bool    `json:"ended"`   // false while it is under way
	Latency   float64 `json:"latency"` // milliseconds
	Fault     string  `json:"fault,omitzero"`
	Verdict   string  `json:"verdict"` // valid, invalid, unknown (no such operation), or unchecked: something else came first
	Violation string  `json:"violation,omitzero"`
}

// requestDetail is a request in full, with what could be secret left out.
type requestDetail struct {
	requestView
	Query  []namedValue `json:"query"`
	Header []namedValue `json:"header"`
	Body   string       `json:"body"`
	Bytes  int          `json:"bytes"`        // of the body
	Cut    bool         `json:"cut,omitzero"` // the body is longer than what is shown

	ReplyHeader []namedValue `json:"replyHeader"`
	ReplyBody   string       `json:"replyBody"`
	ReplyBytes  int          `json:"replyBytes"`

	Methods []string `json:"methods"` // of the client that call the operation
	User    string   `json:"user"`    // whom a PlaySmart request is about
}

func viewOf(r recorded) requestView {
	view := requestView{
		Number: r.Number, Time: r.Time.UnixMilli(), Service: r.Service, Operation: r.Operation, Method: r.Method, Path: clipped(r.Path, 200),
		Status: r.Status, Ended: r.ended, Latency: milliseconds(r.Latency), Fault: r.Fault, Violation: clipped(r.Violation, 300),
	}
	switch {
	case r.checked:
		view.Verdict = "valid"
	case r.Violation != "":
		view.Verdict = "invalid"
	case r.Operation == "":
		view.Verdict = "unknown"
	default:
		view.Verdict = "unchecked"
	}
	return view
}

// shows reports whether a viewer wants to see a request: only is failed, invalid, faulted or the
// name of a service.
func (f filter) shows(r recorded) bool {
	switch {
	case f.only == "failed" && (!r.ended || !r.failed()),
		f.only == "invalid" && r.Violation == "" && r.Operation != "",
		f.only == "faulted" && r.Fault == "",
		slices.Contains(serviceNames[:], f.only) && r.Service != f.only:
		return false
	}
	return f.takes(r.Service, r.Operation, r.Method, r.Path, strconv.Itoa(r.Status), r.Fault, r.Violation)
}

// requests returns the rows that are new to the viewer, newest first, then those that have ended
// since it got them.
func (v *viewer) requests(first bool) (rows []requestView, more int) {
	r := v.inspector.emulator.record
	r.mu.Lock()
	defer r.mu.Unlock()
	rows = []requestView{}
	oldest := max(v.request, r.total-len(r.entries))
	more = oldest - v.request
	for number := r.total; number > oldest; number-- {
		entry := r.newest(r.total - number)
		switch {
		case !v.filter.shows(*entry):
			// what is under way may turn out to be wanted
			if !entry.ended && len(v.pending) < 4*frameRows {
				v.pending[number] = true
			}
		case len(rows) == rowsOf(first):
			more++
		default:
			rows = append(rows, viewOf(*entry))
			if !entry.ended {
				v.pending[number] = true
			}
		}
	}
	for number := range v.pending {
		switch {
		case number > v.request:
		case number <= r.total-len(r.entries):
			delete(v.pending, number) // it has left the record
		default:
			if entry := r.newest(r.total - number); entry.ended {
				delete(v.pending, number)
				if v.filter.shows(*entry) {
					rows = append(rows, viewOf(*entry))
				}
			}
		}
	}
	v.request = r.total
	return rows, more
}

// newest returns the entry that came i entries before the last one. The caller holds mu.
func (r *record) newest(i int) *recorded {
	return r.entries[len(r.entries)-1-i]
}

// find returns the request with a number, if the record still has it. It shares memory with the
// record and must not be changed.
func (r *record) find(number int) (recorded, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number < 1 || number > r.total || number <= r.total-len(r.entries) {
		return recorded{}, false
	}
	return *r.newest(r.total - number), true
}

// detailOf shows a request in full.
func detailOf(r recorded) requestDetail {
	const most = 8 << 10
	detail := requestDetail{requestView: viewOf(r), Query: []namedValue{}, Bytes: len(r.Body), ReplyBytes: len(r.ResponseBody), Methods: []string{}}
	for _, name := range sortedKeys(r.Query) {
		for _, value := range r.Query[name] {
			if isSecret(name) {
				value = hidden
			}
			detail.Query = append(detail.Query, namedValue{name, clipped(value, 300)})
		}
	}
	detail.Header, detail.ReplyHeader = headerView(r.Header), headerView(r.ResponseHeader)
	detail.Body = readable(r.Body, most)
	detail.Cut = strings.HasSuffix(detail.Body, "\u2026")
	if detail.ReplyBody = readable(r.ResponseBody, most); len(r.ResponseBody) > 0 && !json.Valid(r.ResponseBody) {
		detail.ReplyBody = clipped(string(r.ResponseBody), most) // a page, half a body or a script's: all of it is the emulator's own
	}
	for _, op := range namedOperations {
		if op.id == r.Operation {
			detail.Methods = op.methods
		}
	}
	var about struct {
		UserID string `json:"user_id"`
	}
	if json.Unmarshal(r.Body, &about) == nil && r.Service == PlaySmart {
		detail.User = shownID(about.UserID)
	}
	return detail
}

// headerView lists a header by name; what could hold credentials is hidden.
func headerView(header http.Header) []namedValue {
	view := []namedValue{}
	for _, name := range sortedKeys(header) {
		for _, value := range header[name] {
			if !isPlainHeader(name) {
				value = hidden
			}
			view = append(view, namedValue{name, clipped(value, 300)})
		}
	}
	return view
}

// isPlainHeader reports whether a header's value can be shown: any of the others may hold
// credentials.
func isPlainHeader(name string) bool {
	return slices.Contains([]string{
		"Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Idempotency-Key", "User-Agent", "X-Request-Id",
		"X-App-Version", "Traceparent", "Retry-After", "X-Rate-Limit", "Allow",
	}, http.CanonicalHeaderKey(name))
}

// namedValue is a row of a table with two columns.
type namedValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
