package otelplayline

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go"
)

// gossip is an error that would make an error.type of its own, and tell a secret with it.
type gossip struct{}

func (gossip) Error() string     { return "hunter2" }
func (gossip) ErrorType() string { return "hunter2" }

func TestErrorTypesAreFew(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	for name, test := range map[string]struct {
		status int
		err    error
		want   string
	}{
		"it worked":                         {200, nil, ""},
		"gone is done":                      {404, nil, ""},
		"a status":                          {503, &playline.Error{StatusCode: 503}, "503"},
		"a status, then out of time":        {503, fmt.Errorf("%w; %w", gossip{}, context.DeadlineExceeded), "503"},
		"canceled":                          {0, fmt.Errorf("x: %w", context.Canceled), "canceled"},
		"the caller's deadline":             {0, context.DeadlineExceeded, "deadline_exceeded"},
		"the attempt's":                     {0, os.ErrDeadlineExceeded, "timeout"},
		"the attempt's, within the answer":  {200, os.ErrDeadlineExceeded, "timeout"},
		"the limiter's, at the deadline":    {0, fmt.Errorf("%w %w", playline.ErrRateLimited, context.DeadlineExceeded), "rate_limited"},
		"no connection":                     {0, fmt.Errorf("x: %w", dial), "no_connection"},
		"a connection that breaks":          {0, &net.OpError{Op: "read", Err: errors.New("reset")}, "no_answer"},
		"somebody's own error":              {0, gossip{}, "no_answer"},
		"a redirect":                        {302, &playline.Error{StatusCode: 302}, "redirect"},
		"a stranger's success":              {200, &playline.Error{StatusCode: 200, Stranger: "it is empty"}, "stranger"},
		"a stranger's refusal":              {403, &playline.Error{StatusCode: 403, Stranger: "it is empty"}, "403"},
		"not found, in a success":           {200, playline.ErrNotFound, "not_found"},
		"another no, in a success":          {200, &playline.Error{StatusCode: 200, Message: "hunter2"}, "refused"},
		"an answer that cannot be read":     {200, &playline.Error{StatusCode: 200, Err: gossip{}}, "unreadable_answer"},
		"somebody's own error of an answer": {200, gossip{}, "unreadable_answer"},
	} {
		assert.Equal(t, test.want, errorType(playline.CallResult{StatusCode: test.status, Err: test.err}), name)
	}
}
