package emulator

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mode is how a fault spoils a request. The zero Mode answers with Fault.Status or, without one,
// only delays.
type Mode int

// The modes. "Stored" means that the service carried the request out, so that a repeated one is a
// second one.
const (
	ResetBefore Mode = iota + 1 // the connection is reset before the body is read; nothing is stored
	ResetAfter                  // stored, then the connection is reset: the reply is lost
	Hang                        // no reply until the client leaves or the server closes; nothing is stored
	HangAfter                   // stored, then no reply until the client leaves or the server closes
	HalfBody                    // stored, then half of the reply's body arrives and the connection is closed
	NotJSON                     // an HTML page, as a proxy on the way would send; nothing is stored
)

var modeNames = [...]string{"", "reset-before", "reset-after", "hang", "hang-after", "half-body", "not-json"}

// String returns the mode as the program's flag -fault spells it.
func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return "mode " + strconv.Itoa(int(m))
	}
	return modeNames[m]
}

// Fault is a script of what goes wrong: which requests it hits, and what happens to them. The zero
// Fault hits every request and does nothing.
type Fault struct {
	// Service and Operation select requests; "" is any. An operation goes by its operationId, such
	// as "fireEvent", or by the method that calls it, such as "Events.Fire": see Operations.
	Service   string
	Operation string
	// Match selects further. It may read the request's body, which the service still gets, and may
	// be called from many goroutines at once. nil matches all. If the mode is ResetBefore, leave
	// the body alone, or it was read.
	Match func(*http.Request) bool

	Skip        int     // so many selected requests pass first
	Times       int     // so many are hit; 0 is no limit
	Probability float64 // of a selected request to be hit; 0 is always
	Seed        uint64  // of Probability's draws, which are the same for the same seed and order of requests

	Delay      time.Duration // before anything else; a client that leaves meanwhile stored nothing
	Status     int           // answers with this status, nothing is stored; with NotJSON the page's status, 200 by default
	Body       string        // of that answer; "" is the service's own error body
	Header     http.Header   // added to that answer
	RetryAfter time.Duration // adds Retry-After to that answer, in whole seconds, rounded up
	Mode       Mode
}

// TooMany is a 429 with Retry-After for an operation; "" is any.
func TooMany(operation string, retryAfter time.Duration) Fault {
	return Fault{Operation: operation, Status: http.StatusTooManyRequests, RetryAfter: retryAfter}
}

// Validate returns what contradicts itself in f, or names something that is not there: such a fault
// would never act. For an operation that is not there the error lists those that are.
func (f Fault) Validate() error {
	_, known := operationID(f.Service, f.Operation)
	switch {
	case f.Service != "" && contracts()[f.Service] == nil:
		return fmt.Errorf("fault: no service %q: use smooven, fyno, playsmart, smartsender or sunshine", f.Service)
	case f.Operation != "" && !known:
		return fmt.Errorf("fault: %w", noOperation(f.Service, f.Operation))
	case f.Skip < 0 || f.Times < 0:
		return fmt.Errorf("fault: Skip (%d) and Times (%d) must be 0 or more", f.Skip, f.Times)
	case !(f.Probability >= 0 && f.Probability <= 1):
		return fmt.Errorf("fault: Probability (%v) must be from 0 to 1", f.Probability)
	case f.Delay < 0 || f.RetryAfter < 0:
		return fmt.Errorf("fault: Delay (%s) and RetryAfter (%s) must not be negative", f.Delay, f.RetryAfter)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault: Status (%d) must be from 200 to 599", f.Status)
	case f.Mode < 0 || int(f.Mode) >= len(modeNames):
		return fmt.Errorf("fault: Mode (%d) is not one of the modes", f.Mode)
	case f.Mode != 0 && f.Mode != NotJSON && f.Status != 0:
		return fmt.Errorf("fault: Mode %s takes no Status (%d)", f.Mode, f.Status)
	case (f.Body != "" || f.Header != nil || f.RetryAfter != 0) && f.Status == 0 && f.Mode != NotJSON:
		return errors.New("fault: Body, Header and RetryAfter belong to an answer: set Status too")
	}
	return nil
}

// String says what f does: "delay 2s, status 503".
func (f Fault) String() string {
	var does []string
	if f.Delay > 0 {
		does = append(does, "delay "+f.Delay.String())
	}
	if f.Mode != 0 {
		does = append(does, f.Mode.String())
	}
	if f.Status != 0 {
		does = append(does, "status "+strconv.Itoa(f.Status))
	}
	return strings.Join(does, ", ")
}

// answers reports whether f sends an answer of its own.
func (f Fault) answers() bool { return f.Status != 0 || f.Mode == NotJSON }

// page is what NotJSON answers with.
const page = "<!DOCTYPE html>\n<html><head><title>One moment</title></head><body><h1>One moment, please</h1></body></html>\n"

// decorate adds what f sets to an answer of its own.
func (f Fault) decorate(out outcome) outcome {
	if f.Mode == NotJSON {
		out.body = []byte(page)
		out.header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if f.Body != "" {
		out.body = []byte(f.Body)
	}
	if f.RetryAfter > 0 {
		out.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	for name, values := range f.Header {
		out.header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return out
}
