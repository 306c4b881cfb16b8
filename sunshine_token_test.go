package playline

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Sunshine with tokens that the caller brings.

const noClients = `{"clients":[],"meta":{"hasMore":false}}`

func TestAReadyTokenOfSunshine(t *testing.T) {
	t.Parallel()
	s := script(step{body: noClients})
	c, err := New(WithSunshineToken("app1", "ready-token"), WithHTTPClient(newHTTPClient(s)))
	require.NoError(t, err)
	_, err = c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
	require.NoError(t, err)
	assert.Equal(t, "Bearer ready-token", s.last(t).header.Get("Authorization"))
	assert.Equal(t, "/v2/apps/app1/users/ace/clients", s.last(t).path)

	c, err = New(WithSunshine("app1", "k", "s"), WithSunshineToken("app2", "later"), WithHTTPClient(newHTTPClient(s)))
	require.NoError(t, err)
	_, err = c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
	require.NoError(t, err)
	assert.Equal(t, "Bearer later", s.last(t).header.Get("Authorization"), "the last option wins")
	c, err = New(WithSunshineToken("app2", "earlier"), WithSunshine("app1", "k", "s"), WithHTTPClient(newHTTPClient(s)))
	require.NoError(t, err)
	_, err = c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
	require.NoError(t, err)
	assert.Equal(t, "Basic "+basicCredentials("k", "s"), s.last(t).header.Get("Authorization"))
}

// TestASourceOfTokensIsAskedPerAttempt: a repeat goes out with the token of that moment, and no message of the service shows
// the one or the other.
func TestASourceOfTokensIsAskedPerAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tokens := []Secret{"first-token", "second-token"}
		asked := 0
		refusal := `{"errors":[{"code":"unauthorized","title":"first-token and second-token are not good"}]}`
		s := script(step{status: 503}, step{status: 401, body: refusal})
		c, err := New(WithHTTPClient(newHTTPClient(s)), WithSunshineTokenSource("app1", func(ctx context.Context) (Secret, error) {
			_, bounded := ctx.Deadline()
			assert.True(t, bounded, "by the attempt's own time limit")
			asked++
			return tokens[asked-1], nil
		}))
		require.NoError(t, err)
		_, err = c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
		require.ErrorIs(t, err, ErrUnauthorized)
		assert.Equal(t, 2, asked)
		assert.Equal(t, "Bearer second-token", s.last(t).header.Get("Authorization"))
		for _, token := range tokens {
			assert.NotContains(t, err.Error(), string(token))
		}
	})
}

func TestASourceOfTokensThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the vault is sealed")
	for name, tt := range map[string]struct {
		source func(context.Context) (Secret, error)
		is     error
	}{
		"an error":       {func(context.Context) (Secret, error) { return "", broken }, broken},
		"no token":       {func(context.Context) (Secret, error) { return "", nil }, ErrInvalid},
		"a line break":   {func(context.Context) (Secret, error) { return "a\r\nHost: example.com", nil }, ErrInvalid},
		"it never comes": {func(ctx context.Context) (Secret, error) { <-ctx.Done(); return "", ctx.Err() }, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := script(step{body: noClients})
				c, err := New(WithHTTPClient(newHTTPClient(s)), WithSunshineTokenSource("app1", tt.source))
				require.NoError(t, err)
				_, err = c.Messaging.CreateClient(t.Context(), "ace", smallClient, Timeout(time.Minute))
				require.ErrorIs(t, err, tt.is)
				assert.NotErrorIs(t, err, ErrOutcomeUnknown)
				assert.Zero(t, s.count(), "nothing is sent")
			})
		})
	}
}

func TestASourceOfTokensIsAskedByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := script(step{body: noClients})
	c, err := New(WithHTTPClient(&http.Client{Transport: s}), WithSunshineTokenSource("app1", func(context.Context) (Secret, error) { return "t", nil }))
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})
			assert.NoError(t, err)
		})
	}
	group.Wait()
}
