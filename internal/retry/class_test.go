package retry_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/internal/retry"
)

// TestJudgeKeepsTheRetryClasses holds the whole policy against the prose that defines the classes:
//
//   - safe is repeated on connection errors, timeouts, 408, 429, 500, 502, 503, 504, and on
//     nothing else;
//   - key is safe while its key goes with it;
//   - unsent is repeated only if the server cannot have taken the request: no connection made,
//     request not fully written, 429, 503 with Retry-After. After anything else that is not a
//     plain refusal, the outcome is unknown;
//   - never gets one attempt, and says so where its outcome is unknown.
func TestJudgeKeepsTheRetryClasses(t *testing.T) {
	t.Parallel()
	const (
		again = retry.Retry
		doubt = retry.Doubt
		final = retry.Final
	)
	rows := []struct {
		name                     string
		kind                     retry.Kind
		safe, key, unsent, never retry.Verdict
	}{
		{"the request was not sent", retry.NotSent, again, again, again, final},
		{"no whole answer", retry.Lost, again, again, doubt, doubt},
		{"408", retry.Timeout408, again, again, doubt, doubt},
		{"429", retry.Throttled, again, again, again, final},
		{"503 with Retry-After", retry.Unavailable, again, again, again, final},
		{"500, 502, 504, 503 without Retry-After", retry.ServerError, again, again, doubt, doubt},
		{"501 and other 5xx", retry.OtherServerError, final, final, doubt, doubt},
		{"a success that cannot be read, a redirect", retry.Unreadable, final, final, doubt, doubt},
		{"an answer that is not the service's own", retry.Stranger, again, again, doubt, doubt},
		{"a plain no", retry.Refused, final, final, final, final},
	}
	seen := map[retry.Kind]bool{}
	for _, row := range rows {
		seen[row.kind] = true
		for class, want := range map[retry.Class]retry.Verdict{
			retry.Safe: row.safe, retry.Key: row.key, retry.Unsent: row.unsent, retry.Never: row.never,
		} {
			assert.Equal(t, want, retry.Judge(class, row.kind), "%s, class %s", row.name, class)
		}
	}
	assert.Len(t, seen, 10, "every kind has a row")
}

// TestKindOfEveryStatus goes through all statuses, with and without Retry-After.
func TestKindOfEveryStatus(t *testing.T) {
	t.Parallel()
	want := func(status int, hasRetryAfter bool) retry.Kind {
		special := map[int]retry.Kind{
			408: retry.Timeout408,
			429: retry.Throttled,
			500: retry.ServerError,
			502: retry.ServerError,
			503: retry.ServerError,
			504: retry.ServerError,
		}
		if status == 503 && hasRetryAfter {
			return retry.Unavailable
		}
		if kind, ok := special[status]; ok {
			return kind
		}
		if status >= 520 && status <= 530 { // Cloudflare's
			return retry.ServerError
		}
		if status/100 == 5 {
			return retry.OtherServerError
		}
		return retry.Refused // also 2xx: callers pass one only if the body reports a failure
	}
	for status := 100; status <= 599; status++ {
		for _, hasRetryAfter := range []bool{false, true} {
			assert.Equal(t, want(status, hasRetryAfter), retry.KindOf(status, hasRetryAfter), "%d %s, Retry-After: %t",
				status, http.StatusText(status), hasRetryAfter)
		}
	}
	for _, status := range []int{-1, 0, 99} {
		assert.Equal(t, retry.Refused, retry.KindOf(status, true), "%d is no status", status)
	}
	for _, status := range []int{600, 999} { // net/http takes any three digits
		assert.Equal(t, retry.OtherServerError, retry.KindOf(status, true), "%d", status)
	}
}

// TestOnlyTheseStatusesAreRepeated joins the two tables, so that neither can drift on its own.
func TestOnlyTheseStatusesAreRepeated(t *testing.T) {
	t.Parallel()
	repeated := func(class retry.Class, hasRetryAfter bool) (statuses []int) {
		for status := 100; status <= 599; status++ {
			if retry.Judge(class, retry.KindOf(status, hasRetryAfter)) == retry.Retry {
				statuses = append(statuses, status)
			}
		}
		return statuses
	}
	for _, class := range []retry.Class{retry.Safe, retry.Key} {
		assert.Equal(t, []int{408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530}, repeated(class, false), class)
		assert.Equal(t, []int{408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530}, repeated(class, true), class)
	}
	assert.Equal(t, []int{429}, repeated(retry.Unsent, false))
	assert.Equal(t, []int{429, 503}, repeated(retry.Unsent, true))
	assert.Empty(t, repeated(retry.Never, false))
	assert.Empty(t, repeated(retry.Never, true))
}

func TestClassesHaveNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "safe key unsent never", fmt.Sprint(retry.Safe, " ", retry.Key, " ", retry.Unsent, " ", retry.Never))
}
