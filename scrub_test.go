package playline

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// roundTripFunc is a function as a transport.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSecurityATransportsWordsAreScrubbed: net/http quotes an answer that it cannot read, and that can hold anything.
func TestSecurityATransportsWordsAreScrubbed(t *testing.T) {
	t.Parallel()
	cause := errors.New("malformed")
	c, err := New(WithFyno("WS", FynoLive, "fyno-key"), WithHTTPClient(&http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("%w HTTP response \"otp 123456 for ace@example.com with fyno-key\"", cause)
	})}))
	require.NoError(t, err)
	_, err = c.Verify.Validate(t.Context(), OTPCheck{RequestID: "r", OTP: "123456"})
	require.ErrorIs(t, err, cause)
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		printed := fmt.Sprintf(verb+verb, err, errors.Unwrap(err))
		assert.Contains(t, printed, "malformed HTTP response", verb)
		for _, secret := range []string{"123456", "ace@example.com", "fyno-key"} {
			assert.NotContains(t, printed, secret, verb)
		}
	}
}
