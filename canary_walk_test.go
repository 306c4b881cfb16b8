package playline

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// Printers that ask a value no methods and walk through it by reflection, unexported fields included:
// the diff of testify, go-spew and their like.

// byReflection writes down every text and number that a walker can reach.
func byReflection(v any) string {
	var out strings.Builder
	seen := map[any]bool{}
	var visit func(v reflect.Value, depth int)
	visit = func(v reflect.Value, depth int) {
		if depth > 40 || !v.IsValid() {
			return
		}
		switch v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			if v.IsNil() {
				return
			}
			if key := [2]any{v.Pointer(), v.Type()}; v.Kind() != reflect.Slice {
				if seen[key] {
					return
				}
				seen[key] = true
			}
		}
		switch v.Kind() {
		case reflect.String:
			fmt.Fprintln(&out, v.String())
		case reflect.Pointer, reflect.Interface:
			visit(v.Elem(), depth+1)
		case reflect.Struct:
			for i := range v.NumField() {
				visit(v.Field(i), depth+1)
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				visit(it.Key(), depth+1)
				visit(it.Value(), depth+1)
			}
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				var b []byte
				for i := range v.Len() {
					b = append(b, byte(v.Index(i).Uint()))
				}
				fmt.Fprintf(&out, "%s\n", b)
				return
			}
			for i := range v.Len() {
				visit(v.Index(i), depth+1)
			}
		}
	}
	visit(reflect.ValueOf(v), 0)
	return out.String()
}

// recorder is a test that keeps what it would print.
type recorder struct{ text strings.Builder }

func (r *recorder) Errorf(format string, args ...any) { fmt.Fprintf(&r.text, format, args...) }

// walked is a value as walkers print it.
func walked(t *testing.T, v any) string {
	t.Helper()
	var r recorder
	assert.False(t, assert.Equal(&r, reflect.New(reflect.TypeOf(v)).Elem().Interface(), v))
	return r.text.String() + byReflection(v) + everyVerb(t, v) + everyVerb(t, struct{ unexported any }{v})
}

// TestTheWalkersFindWhatIsThere: a search that finds nothing anywhere proves nothing.
func TestTheWalkersFindWhatIsThere(t *testing.T) {
	t.Parallel()
	type inner struct{ key Secret }
	v := struct{ deep map[string]*inner }{map[string]*inner{"a": {key: "correct horse"}}}
	assert.Contains(t, byReflection(v), "correct horse", "a Secret is a string, and SECURITY.md says so")
	var r recorder
	assert.Equal(&r, Credentials{}, Credentials{Password: "correct horse"})
	assert.Contains(t, r.text.String(), "correct horse", "testify asks no methods")
}

// TestSecurityWalkersFindNoSecret: what the library makes, keeps or returns holds its secrets where
// no printer finds them.
func TestSecurityWalkersFindNoSecret(t *testing.T) {
	t.Parallel()
	const access, refresh = "access-token-canary", "refresh-token-canary"
	answers := step{
		status: 200, body: `{"data":{"access_token":"` + access + `","refresh_token":"` + refresh + `","user":{"id":"u1","email":"ace@example.com"}}}`,
		header: map[string][]string{"Set-Cookie": {"session=cookie-canary"}},
	}
	var captured Response
	c := newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) { return answers.response(req), nil }))
	session, err := c.Accounts.Login(t.Context(), Credentials{Email: "ace@example.com", Password: passwordAce}, CaptureResponse(&captured))
	require.NoError(t, err)
	require.Equal(t, Secret(access), session.AccessToken.Secret())
	require.Contains(t, string(captured.Body()), refresh)
	require.Equal(t, "session=cookie-canary", captured.Header().Get("Set-Cookie"))
	type mine struct {
		key     HeldSecret
		session *Session
		answer  Response
	}
	b := batcherWithTokens(t)
	for name, v := range map[string]any{
		"a client":                  c,
		"a session":                 session,
		"a session by value":        *session,
		"a captured answer":         captured,
		"a captured answer's place": &captured,
		"a struct of the program's": mine{Secret(keyFyno).Hold(), session, captured},
		"a map of sessions":         map[string]*Session{"ace": session},
		"a batcher":                 b,
		"an option":                 WithSmooven(keySmooven),
	} {
		text := byReflection(v)
		if name != "a client" && name != "a batcher" {
			text = walked(t, v)
		}
		for _, secret := range append(credentials(), access, refresh, "cookie-canary", passwordAce) {
			assert.NotContains(t, text, secret, name)
		}
	}
	for _, v := range []any{session.AccessToken, &session.AccessToken} {
		encoded, err := xml.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(encoded), access)
		var buffer bytes.Buffer
		_ = gob.NewEncoder(&buffer).Encode(v)
		assert.NotContains(t, buffer.String(), access)
	}
}

// batcherWithTokens returns a batcher that has a token, and one that the service refused.
func batcherWithTokens(t *testing.T) *batcher.Batcher {
	t.Helper()
	refuses := roundTripper(func(req *http.Request) (*http.Response, error) {
		return refusedBy(PlaySmart, 401).response(req), nil
	})
	b, err := newClient(t, refuses).NewBatcher(batcher.Config{
		GameID: "com.example.stackblaster", Linger: time.Millisecond,
		Tokens: batcher.TokenFunc(func(context.Context, string) (batcher.Token, error) {
			return batcher.Token{Value: batcher.Secret(tokenPlayer)}, nil
		}),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = b.Close(ctx)
	})
	require.NoError(t, b.Player("blitz").TrackAttrs(t.Context(), batcher.AppOpen))
	require.Eventually(t, func() bool { return len(b.Parked()) == 1 }, 10*time.Second, time.Millisecond)
	b.SetToken("ace", batcher.Token{Value: batcher.Secret(tokenPlayer)})
	return b
}

func TestAHeldSecret(t *testing.T) {
	t.Parallel()
	var none HeldSecret
	assert.True(t, none.IsZero())
	assert.Empty(t, none.Secret())
	assert.True(t, Secret("").Hold().IsZero())
	held := Secret("correct horse").Hold()
	assert.False(t, held.IsZero())
	assert.Equal(t, Secret("correct horse"), held.Secret())
	assert.True(t, held.Equal(Secret("correct horse").Hold()))
	assert.False(t, held.Equal(Secret("correct hors").Hold()))
	assert.False(t, held.Equal(none))
	for text, want := range map[string]string{`"a"`: "", `""`: "", "null": "", "12345678": "is a number", `{"a":"493021"}`: "is an object", `["493021"]`: "is an array", "true": "is a bool"} {
		var in struct{ Key HeldSecret }
		err := json.Unmarshal([]byte(`{"Key":`+text+`}`), &in)
		if want == "" {
			require.NoError(t, err, text)
			assert.Equal(t, text != `"a"`, in.Key.IsZero(), text)
			continue
		}
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "493021")
		assert.NotContains(t, err.Error(), "12345678")
	}
}
