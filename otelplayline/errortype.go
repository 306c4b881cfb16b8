package otelplayline

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"

	"github.com/playline/playline-go"
)

// meanings are the words for refusals that come with a status of success.
var meanings = []struct {
	err  error
	word string
}{
	{playline.ErrNotFound, "not_found"},
	{playline.ErrUnauthorized, "unauthorized"},
	{playline.ErrForbidden, "forbidden"},
	{playline.ErrConflict, "conflict"},
	{playline.ErrRateLimited, "rate_limited"},
	{playline.ErrInvalid, "invalid"},
}

// errorType returns the value of error.type: the status of an error answer, else one of a few
// words, and "" without an error. It never uses an error's own type or text, because those can come
// from the transport and differ each time.
func errorType(r playline.CallResult) string {
	var dial *net.OpError
	switch {
	case r.Err == nil:
		return ""
	case r.StatusCode >= 400:
		return strconv.Itoa(r.StatusCode)
	case errors.Is(r.Err, context.Canceled):
		return "canceled"
	case r.StatusCode == 0 && errors.Is(r.Err, playline.ErrRateLimited):
		return "rate_limited" // by the limiter here: nothing was sent
	case errors.Is(r.Err, context.DeadlineExceeded):
		return "deadline_exceeded"
	case errors.Is(r.Err, os.ErrDeadlineExceeded):
		return "timeout"
	case r.StatusCode == 0 && errors.As(r.Err, &dial) && dial.Op == "dial":
		return "no_connection"
	case r.StatusCode == 0:
		return "no_answer"
	case r.StatusCode >= 300:
		return "redirect"
	}
	e, ok := errors.AsType[*playline.Error](r.Err)
	if ok && e.Stranger != "" {
		return "stranger" // a success that is not the service's own
	}
	for _, m := range meanings {
		if errors.Is(r.Err, m.err) {
			return m.word
		}
	}
	if ok && e.Err == nil {
		return "refused" // a success that says no
	}
	return "unreadable_answer"
}
