package playline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachRow runs a test for every row of every operation.
func eachRow(t *testing.T, f func(t *testing.T, r row)) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name(), func(t *testing.T) {
			t.Parallel()
			f(t, r)
		})
	}
}

// inBubble runs a call of the row in a bubble of its own, so that no pause takes real time.
func (r row) inBubble(t *testing.T, s *scripted, check func(t *testing.T, result any, err error), opts ...RequestOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		result, err := r.call(t.Context(), r.client(t, s), opts...)
		check(t, result, err)
	})
}

// succeeds is the check of a call that must work.
func succeeds(t *testing.T, _ any, err error) {
	t.Helper()
	require.NoError(t, err)
}

// decoded reads JSON with its numbers as they are written, and nothing behind it.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), "%s", text)
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF, "something follows the JSON")
	return v
}

func isNil(result any) bool {
	v := reflect.ValueOf(result)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func TestOperationSendsExactlyItsRequest(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		s := script(jsonBody(r.status, r.reply))
		r.inBubble(t, s, succeeds)
		require.Equal(t, 1, s.count())
		in := s.last(t)
		assert.Equal(t, r.op.method, in.method)
		assert.Equal(t, string(r.op.service)+".example.com", in.host)
		assert.Equal(t, "/base/"+string(r.op.service)+r.path, in.path)
		assert.Equal(t, r.query, in.query)

		header := in.header.Clone()
		assert.Equal(t, r.auth(), header.Get("Authorization"))
		assert.Regexp(t, `^playline-go/[0-9.]+ \(go[^ ]+\)$`, header.Get("User-Agent"))
		assert.Equal(t, "application/json", header.Get("Accept"))
		if r.body == "" {
			assert.Empty(t, in.body)
			assert.Empty(t, header.Values("Content-Type"))
		} else {
			assert.Equal(t, decoded(t, []byte(r.body)), decoded(t, in.body))
			assert.Equal(t, []string{"application/json"}, header.Values("Content-Type"))
		}
		assert.Equal(t, r.class == "key", header.Get("Idempotency-Key") != "", "an idempotency key goes with class key and no other")
		for _, known := range []string{"Authorization", "User-Agent", "Accept", "Content-Type", "Idempotency-Key"} {
			header.Del(known)
		}
		assert.Empty(t, header, "headers that nobody asked for")
	})
}

func TestOperationDecodesItsResult(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		var response Response
		s := script(jsonBody(r.status, r.reply))
		r.inBubble(t, s, func(t *testing.T, result any, err error) {
			t.Helper()
			require.NoError(t, err)
			assertResult(t, r.result, result)
			assert.Equal(t, r.status, response.StatusCode)
			assert.Equal(t, "req-1", response.RequestID)
			assert.Equal(t, 1, response.Attempts)
			assert.Equal(t, r.reply, string(response.Body()))
		}, CaptureResponse(&response))
	})
}

// refusals is a 4xx of each service, in its own words.
var refusals = map[Service]struct {
	status   int
	body     string
	code     string
	message  string
	details  string
	sentinel error
}{
	Smooven: {
		400, `{"success":false,"error":{"code":"invalid_recipient","message":"no such channel"}}`,
		"invalid_recipient", "no such channel", "", ErrInvalid,
	},
	Fyno:        {400, `{"_message":"Profile does not exist","status":"error"}`, "", "Profile does not exist", "", ErrNotFound},
	SmartSender: {409, `{"error":{"code":409,"message":"busy","description":["later"]}}`, "409", "busy", `["later"]`, ErrConflict},
	Sunshine: {
		404, `{"errors":[{"code":"client_not_found","title":"Client not found"},{"code":"x","title":"Second"}]}`,
		"client_not_found", "Client not found; Second", "", ErrNotFound,
	},
	PlaySmart: {
		403, `{"error":{"code":"FORBIDDEN","message":"user_id_mismatch","details":{"user_id":["wrong"]}}}`,
		"FORBIDDEN", "user_id_mismatch", `{"user_id":["wrong"]}`, ErrForbidden,
	},
}

var sentinels = []error{
	ErrNotFound, ErrUnauthorized, ErrForbidden, ErrInvalid, ErrConflict, ErrRateLimited, ErrUnavailable, ErrNotConfigured, ErrOutcomeUnknown,
}

func TestOperationReportsARefusal(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		want := refusals[r.op.service]
		s := script(jsonBody(want.status, want.body))
		r.inBubble(t, s, func(t *testing.T, result any, err error) {
			t.Helper()
			assert.True(t, isNil(result), "a result beside an error")
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, []any{r.op.service, r.op.name, r.op.method, r.op.path}, []any{e.Service, e.Operation, e.Method, e.Route})
			assert.Equal(t, []any{want.status, want.code, want.message, "req-1", 1}, []any{e.StatusCode, e.Code, e.Message, e.RequestID, e.Attempts})
			assert.Equal(t, want.details, string(e.Details))
			assert.Equal(t, want.body, string(e.Raw))
			for _, sentinel := range sentinels {
				assert.Equal(t, errors.Is(want.sentinel, sentinel), errors.Is(err, sentinel), "errors.Is(err, %q)", sentinel)
			}
			for _, part := range []string{r.op.name, r.op.method, r.op.path, fmt.Sprint(want.status), want.code, want.message, "req-1"} {
				assert.Contains(t, err.Error(), part)
			}
		})
		assert.Equal(t, 1, s.count(), "a refusal is not repeated")
	})
}

// hostileIDs are path arguments that a careless client turns into another path.
var hostileIDs = []string{
	"", ".", "..", "a/b", "a%2Fb", "a?b#c", "a\\b", ";x=1", "%2e%2e", "\x00", "a\nb", "\xff", "\u00fcn\u00ef", "\u0085", " ", "+", strings.Repeat("x", 2048),
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func TestSecurityPathArgumentsStayInTheirSegment(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for name, call := range r.hostile {
			for _, id := range hostileIDs {
				s := script(jsonBody(r.status, r.reply))
				synctest.Test(t, func(t *testing.T) {
					err := call(t.Context(), r.client(t, s), id)
					if invalid, ok := errors.AsType[*ValidationError](err); ok {
						assert.Equal(t, name, invalid.Field, "%q", id)
						assert.Zero(t, s.count(), "%q: a request was made", id)
						if len(id) > 2 {
							assert.NotContains(t, err.Error(), id, "the value is repeated")
						}
						return
					}
					require.NoError(t, err, "%q", id)
					assertPathMatches(t, r.op, name, id, s.last(t).path)
				})
			}
			for _, id := range []string{"", ".", "..", "\x00", "\xff", "a\nb", "\u0085"} {
				err := call(t.Context(), r.client(t, script()), id)
				require.ErrorIs(t, err, ErrInvalid, "%q must be refused", id)
			}
		}
		for name, call := range r.hostileID {
			for _, id := range []int64{0, -1, -9223372036854775808} {
				s := script(jsonBody(r.status, r.reply))
				err := call(t.Context(), r.client(t, s), id)
				var invalid *ValidationError
				require.ErrorAs(t, err, &invalid, "%d", id)
				assert.Equal(t, name, invalid.Field)
				assert.Zero(t, s.count())
			}
		}
	})
}

// assertPathMatches holds an escaped path against the template, segment for segment.
func assertPathMatches(t *testing.T, o *op, name, id, path string) {
	t.Helper()
	got := strings.Split(strings.TrimPrefix(path, "/base/"+string(o.service)), "/")
	want := strings.Split(o.path, "/")
	require.Len(t, got, len(want), "%q changed the number of segments of %s: %s", id, o.path, path)
	for i, segment := range want {
		plain, err := url.PathUnescape(got[i])
		require.NoError(t, err)
		switch {
		case segment == "{"+name+"}":
			assert.Equal(t, id, plain)
			assert.NotContains(t, []string{".", ".."}, got[i])
		case !placeholder.MatchString(segment):
			assert.Equal(t, segment, plain)
		}
	}
}

func TestOperationIsRefusedWithoutItsService(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		s := script()
		other := WithPlaySmart()
		if r.op.service == PlaySmart {
			other = WithSmartSender(keySmartSender)
		}
		c, err := New(other, WithHTTPClient(newHTTPClient(s)))
		require.NoError(t, err)
		result, err := r.call(t.Context(), c)
		require.ErrorIs(t, err, ErrNotConfigured)
		assert.True(t, isNil(result))
		assert.Contains(t, err.Error(), r.op.name)
		assert.Contains(t, err.Error(), "PLAYLINE_"+strings.ToUpper(string(r.op.service)), "it does not say what to do")
		assert.Zero(t, s.count())
	})
}
