package playline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// What went wrong, for errors.Is. One error can match several: a throttled call whose deadline came first matches
// ErrRateLimited and context.DeadlineExceeded.
var (
	// ErrNotFound: there is no such player, profile, contact or client, in the service's own words; also where it says so with a 400.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized: the credentials are missing, wrong or expired (401). A gateway may say so in the service's place: then the error
	// matches ErrUnavailable too.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the credentials are not enough for this (403).
	ErrForbidden = errors.New("forbidden")
	// ErrInvalid: the request is wrong and stays wrong when repeated; also every *ValidationError.
	ErrInvalid = errors.New("invalid request")
	// ErrConflict: it exists already, or the state does not allow it (409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited: the service throttles (429), or the limiter here had no room before the context's deadline.
	ErrRateLimited = errors.New("rate limited")
	// ErrUnavailable: no answer, a 5xx, or an answer that is not the service's own, see Error.Stranger.
	ErrUnavailable = errors.New("service unavailable")
	// ErrNotConfigured: the client has no credentials for this service; nothing was sent.
	ErrNotConfigured = errors.New("service not configured")
	// ErrOutcomeUnknown: the service may have carried the request out, and repeating it could do so twice. Look before
	// sending again, or allow it with RetryInDoubt.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Why Verify.Validate did not accept a one-time password, each of which matches ErrInvalid too. Fyno tells them apart by the words of
// its message alone, so a message of other words matches ErrInvalid and none of these.
var (
	// ErrOTPWrong: the player typed another code than the one that was sent. Another try is possible.
	ErrOTPWrong = fmt.Errorf("wrong one-time password: %w", ErrInvalid)
	// ErrOTPUsed: the code was validated before.
	ErrOTPUsed = fmt.Errorf("one-time password already used: %w", ErrInvalid)
	// ErrOTPExpired: the code is too old. Send another one.
	ErrOTPExpired = fmt.Errorf("one-time password expired: %w", ErrInvalid)
	// ErrOTPAttempts: there were too many wrong codes. Send another one.
	ErrOTPAttempts = fmt.Errorf("too many attempts at a one-time password: %w", ErrInvalid)
	// ErrOTPUnknown: no code was sent for this request id, or to this destination. It matches ErrNotFound too.
	ErrOTPUnknown = fmt.Errorf("no such one-time password: %w", ErrInvalid)
)

// Error is a call that a service refused or did not answer. It is one type for all five services.
//
// Error and the log carry neither the URL nor a body: Raw and Header are for a program, not for a log.
type Error struct {
	Service    Service
	Operation  string          // the method, such as Players.Get
	Method     string          // the HTTP method
	Route      string          // the path with placeholders, such as /players/{player_id}
	StatusCode int             // 0: no answer came
	Code       string          // the service's own code, "" where it has none
	Message    string          // the service's own words; addresses, phone numbers and what was secret in the request are left out
	Details    json.RawMessage `json:"-"` // what else the service said, as it was
	Stranger   string          // what the answer lacks to be the service's own, "" if nothing: "it is not JSON", "it has no error.code"
	RequestID  string          // the service's id of the last request, for its support
	RetryAfter time.Duration   // how long the service asked to wait, 0 where it did not
	Attempts   int             // requests made
	Raw        []byte          `json:"-"` // the body of the last answer, at most 64 KiB
	Header     http.Header     `json:"-"` // of the last answer
	Err        error           `json:"-"` // why there is no answer, or why no further attempt was made; nil otherwise

	means   int   // the status that says what it means
	otp     error // the sentinel of a refused one-time password
	unknown bool
}

// Error says which call failed, how, and after how many attempts.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "playline: %s: %s %s", e.Operation, e.Method, e.Route)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Stranger != "" {
		b.WriteString(": the answer is not the service's own: " + e.Stranger)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.unknown {
		b.WriteString("; the outcome is unknown: the service may have carried it out")
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; retry after %s", e.RetryAfter)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, "; %d attempts", e.Attempts)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, "; request id %s", e.RequestID)
	}
	return b.String()
}

// GoString is Error: the default would print the raw body.
func (e *Error) GoString() string { return e.Error() }

// Is matches the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return e.unknown
	case ErrUnavailable:
		return e.Stranger != "" || e.means >= 500 || e.means == http.StatusRequestTimeout || e.means == 0 && !isContextEnd(e.Err)
	}
	if e.Stranger != "" && e.StatusCode != http.StatusUnauthorized {
		return false
	}
	return target == meaning(e.means) || e.otp != nil && errors.Is(e.otp, target)
}

// Unwrap returns why there is no answer, or why no further attempt was made.
func (e *Error) Unwrap() error { return e.Err }

// LogValue logs the facts without the service's words.
func (e *Error) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("service", string(e.Service)),
		slog.String("operation", e.Operation),
		slog.String("method", e.Method),
		slog.String("route", e.Route),
		slog.Int("status", e.StatusCode),
		slog.String("code", e.Code),
		slog.Int("attempts", e.Attempts),
		slog.String("request_id", e.RequestID),
		slog.String("stranger", e.Stranger),
		slog.Bool("outcome_unknown", e.unknown),
	)
}

// meaning returns the sentinel of a status, nil where it has none of its own.
func meaning(status int) error {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusConflict:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return ErrInvalid
	}
	return nil
}

func isContextEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// ValidationError is input that is surely wrong. Nothing was sent.
type ValidationError struct {
	Field string // where, in the words of the wire: events[3].timestamp
	Rule  string // what it must be
}

// Error names the field and the rule, and does not repeat the value.
func (e *ValidationError) Error() string { return "playline: " + e.Field + " " + e.Rule }

// Is makes it match ErrInvalid.
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// PartialError says that a request was carried out for some of its items and not for others. The method returns its result
// together with it.
type PartialError struct {
	Operation string
	Total     int         // items sent; 0 where the service does not tell
	Items     []ItemError // those that failed, in the order of the input
	// Unconfirmed is how many items the service took neither for done nor for failed: Ingest.Send tells so, and nobody knows which.
	Unconfirmed int
}

// failed counts the items that failed. Several parts of one item can fail; they are one item.
func (e *PartialError) failed() int {
	failed := 0
	for i, item := range e.Items {
		if item.Index < 0 || i == 0 || item.Index != e.Items[i-1].Index {
			failed++
		}
	}
	return failed
}

// Error counts the failed items and describes the first.
func (e *PartialError) Error() string {
	of := ""
	if e.Total > 0 {
		of = fmt.Sprintf(" of %d", e.Total)
	}
	if len(e.Items) == 0 && e.Unconfirmed > 0 {
		return fmt.Sprintf("playline: %s: %d%s items were not confirmed: the service says that it took fewer, and not which", e.Operation, e.Unconfirmed, of)
	}
	s := fmt.Sprintf("playline: %s: %d%s items failed", e.Operation, e.failed(), of)
	if len(e.Items) > 0 {
		s += "; first " + e.Items[0].Error()
	}
	return s
}

// GoString is Error: the default would print the raw items.
func (e *PartialError) GoString() string { return e.Error() }

// ItemError is one failed item of a request that held several.
type ItemError struct {
	Index   int             // its place in the input, from 0; -1 where the service does not tell
	Key     string          // which part of the item failed: a channel or an action, "" for all of it
	Code    string          // the service's own code or status
	Message string          // the service's own words, scrubbed as in Error
	Raw     json.RawMessage `json:"-"` // what the service said of it
}

// Error names the item by its place.
func (e ItemError) Error() string {
	s := fmt.Sprintf("item %d", e.Index)
	if e.Index < 0 {
		s = "an item that the service does not name"
	}
	if e.Key != "" {
		s += " " + e.Key
	}
	if e.Code != "" {
		s += ": " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// GoString is Error: the default would print the raw JSON.
func (e ItemError) GoString() string { return e.Error() }
