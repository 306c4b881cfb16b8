package playline

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileJSON are bodies and members of bodies that a decoder can stumble over.
var hostileJSON = map[string]string{
	"100 deep arrays":      strings.Repeat("[", 100) + strings.Repeat("]", 100),
	"100 deep objects":     strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
	"100,000 deep arrays":  strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
	"100,000 deep objects": strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000),
	"100,000 open arrays":  strings.Repeat("[", 100_000),
	"a huge number":        "1e400",
	"a hugely small one":   "-1e-400000",
	"beyond 64 bits":       "18446744073709551616",
	"100,000 digits":       strings.Repeat("9", 100_000),
	"duplicate keys":       `{"id":1,"id":2,"ID":3,"id":{"id":4}}`,
	"invalid UTF-8":        "\"\xff\xfe\"",
	"half a surrogate":     `"\ud800"`,
	"NUL in a text":        `"a\u0000b"`,
	"NUL in the JSON":      "{\x00}",
	"a byte order mark":    "\ufeff{}",
	"NaN":                  "NaN",
	"a bare minus":         "-",
	"null":                 "null",
	"true":                 "true",
	"a text":               `"text"`,
	"an empty text":        `""`,
	"an empty array":       "[]",
	"an array of nulls":    "[null,null]",
	"an array of arrays":   "[[[]],[[null]]]",
	"an empty object":      "{}",
	"an empty key":         `{"":{"":null}}`,
	"two values":           "{} {}",
	"a comma too much":     `{"a":1,}`,
	"a comment":            "{/* */}",
	"white space only":     " \t\r\n",
	"__proto__":            `{"__proto__":{"admin":true},"constructor":{"prototype":{}}}`,
}

// TestSecurityHostileJSON: every operation gets each of them as its answer, and in place of each member of its own answer. It ends with a
// result or with an *Error that is short and names the operation.
func TestSecurityHostileJSON(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		var members map[string]json.RawMessage
		_ = json.Unmarshal([]byte(r.reply), &members) // an answer that is an array or nothing has none
		for name, hostile := range hostileJSON {
			bodies := []string{hostile}
			for key := range members {
				if len(hostile) > 50_000 && name != "100,000 deep arrays" {
					break // one that is so long stands for all in this place
				}
				var b strings.Builder
				for other, value := range members {
					if other != key {
						fmt.Fprintf(&b, `%q:%s,`, other, value)
					}
				}
				bodies = append(bodies, fmt.Sprintf(`{%s%q:%s}`, b.String(), key, hostile))
			}
			for _, body := range bodies {
				synctest.Test(t, func(t *testing.T) {
					s := script(jsonBody(r.status, body))
					result, err := r.call(t.Context(), r.client(t, s), Retry(RetryPolicy{MaxAttempts: 2}))
					if err == nil {
						assert.False(t, isNil(result), "%s: neither a result nor an error", name)
						return
					}
					var e *Error
					if partial, ok := errors.AsType[*PartialError](err); ok {
						assert.Less(t, len(partial.Error()), 2000, name)
						return
					}
					require.ErrorAs(t, err, &e, name)
					assert.Contains(t, err.Error(), r.op.name)
					assert.Less(t, len(err.Error()), 1500, name)
				})
			}
		}
	})
}

// TestSecurityHostileJSONIsRefusedAsAnAnswer are the bodies that no operation may take for one.
func TestSecurityHostileJSONIsRefusedAsAnAnswer(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for _, name := range []string{
			"100,000 deep arrays", "100,000 deep objects", "100,000 open arrays", "NUL in the JSON", "NaN", "a bare minus",
			"null", "two values", "a comma too much", "a comment",
		} {
			s := script(jsonBody(r.status, hostileJSON[name]))
			r.inBubble(t, s, func(t *testing.T, result any, err error) {
				t.Helper()
				var e *Error
				require.ErrorAs(t, err, &e, name)
				require.ErrorContains(t, err, "the answer is not the service's own", name)
				assert.True(t, isNil(result), name)
			}, Retry(RetryPolicy{MaxAttempts: 1}))
		}
	})
}
