package batcher

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// FuzzExpiry reads the expiry of any token, and of any claims in a token that looks like a JWT: it is none, or a second after 1970
// that a clock can reach and that the claims say; what the caller says is never replaced; the token prints as [REDACTED].
func FuzzExpiry(f *testing.F) {
	for _, claims := range []string{
		`{"exp":1700000000}`, `{"exp":1700000000.9}`, `{"exp":-1}`, `{"exp":0.5}`, `{"exp":1e300}`, `{"exp":"1"}`, `{"exp":null}`, `{"EXP":9}`,
		`{"exp":1099511627775.9}`, `{"exp":1,"exp":2}`, `[]`, `null`, "", "{", "\xff", `{"exp":1e-400}`, `{"exp":[1]}`,
	} {
		f.Add("e30."+base64.RawURLEncoding.EncodeToString([]byte(claims))+".c2ln", []byte(claims))
	}
	f.Add("a.b", []byte{})
	f.Add("..", []byte(`{"exp":1e12}`))
	f.Add("a.b.c.d", []byte(`{"exp":-0.0}`))
	f.Fuzz(func(t *testing.T, value string, claims []byte) {
		said := time.Unix(7, 0)
		wrapped := "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
		for _, v := range []string{value, wrapped} {
			got := Token{Value: Secret(v)}.withExpiry()
			if string(got.Value) != v {
				t.Fatalf("the token itself was changed: %q", got.Value)
			}
			if end := got.Expires; !end.IsZero() && (end.Unix() < 0 || end.Unix() >= 1<<40 || end.Nanosecond() != 0) {
				t.Fatalf("%q expires at %s", v, end)
			}
			if strings.Count(v, ".") != 2 && !got.Expires.IsZero() {
				t.Fatalf("%q is no JWT and expires at %s", v, got.Expires)
			}
			if kept := (Token{Value: Secret(v), Expires: said}).withExpiry(); !kept.Expires.Equal(said) {
				t.Fatalf("%q: the caller's expiry became %s", v, kept.Expires)
			}
			// At its very end a token is not fresh any more.
			if !got.Expires.IsZero() && got.freshAt(got.Expires, 0) {
				t.Fatalf("%q is fresh at its end", v)
			}
			if out := fmt.Sprintf("%v %+v %#v %s %d", got, got, got, got, got); out != strings.TrimSpace(strings.Repeat(redacted+" ", 5)) {
				t.Fatalf("prints as %q", out)
			}
		}

		var in map[string]json.RawMessage
		var exp float64
		if json.Unmarshal(claims, &in) != nil || in["exp"] == nil || json.Unmarshal(in["exp"], &exp) != nil || len(in) != 1 {
			return
		}
		got := Token{Value: Secret(wrapped)}.withExpiry().Expires
		switch want := math.Floor(exp); {
		case exp <= 0 || exp >= 1<<40:
			if !got.IsZero() {
				t.Fatalf("%s gave %s", claims, got)
			}
		case !got.Equal(time.Unix(int64(want), 0)):
			t.Fatalf("%s gave %s", claims, got)
		}
	})
}
