package batcher

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/playline/playline-go/internal/secret"
)

// Secret is a credential. It prints, logs and marshals as [REDACTED]. It is the type of the client's
// credentials, playline.Secret: an untyped constant becomes one by itself, a string variable takes a
// conversion, and string(s) reads it.
type Secret = secret.Secret

// Token is the credential that a player's events are sent under. It prints and logs as [REDACTED].
type Token struct {
	Value Secret
	// Expires is when the token ends. If it is zero the batcher reads it from the exp claim of a JWT;
	// of another token it is unknown then. It is compared with time.Now: setting the wall clock does
	// not move an Expires that came from time.Now().Add(lifetime). If the source returns a token that
	// looks expired, the batcher sends it and lets the service decide.
	Expires time.Time
}

// TokenSource gives the token of a player: from a session table, a cache, or a login. It is asked when there is something to
// send, not more than once at a time for one player, and again shortly before the expiry and after a 401.
type TokenSource interface {
	Token(ctx context.Context, userID string) (Token, error)
}

// TokenFunc is a function as a TokenSource.
type TokenFunc func(ctx context.Context, userID string) (Token, error)

// Token calls the function.
func (f TokenFunc) Token(ctx context.Context, userID string) (Token, error) { return f(ctx, userID) }

// ErrNoToken is what a TokenSource returns for a player who has no token now: the player is parked until SetToken or Resume.
// Any other error is taken as passing, and the source is asked again after a pause.
var ErrNoToken = errors.New("batcher: the player has no token")

const redacted = secret.Redacted

// String returns [REDACTED].
func (Token) String() string { return redacted }

// GoString returns [REDACTED].
func (Token) GoString() string { return redacted }

// Format prints [REDACTED] for every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue logs [REDACTED].
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON writes "[REDACTED]".
func (Token) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// heldToken holds a token where no printer finds it that walks through values by reflection: of a
// function it prints the address.
type heldToken func() *Token

func keepToken(t *Token) heldToken { return func() *Token { return t } }

// get returns the token, nil if there is none.
func (h heldToken) get() *Token {
	if h == nil {
		return nil
	}
	return h()
}

// is reports whether it is the same token.
func (h heldToken) is(t Token) bool { return h != nil && h().Value == t.Value }

// withExpiry fills in the expiry from a JWT's exp claim. The signature is not checked: it is the service that must believe it.
func (t Token) withExpiry() Token {
	if !t.Expires.IsZero() {
		return t
	}
	parts := strings.Split(string(t.Value), ".")
	if len(parts) != 3 {
		return t
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return t
	}
	var in struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(claims, &in) == nil && in.Exp > 0 && in.Exp < 1<<40 {
		t.Expires = time.Unix(int64(in.Exp), 0)
	}
	return t
}

// freshAt reports whether the token can be used at now, renewal before its end at the latest.
func (t *Token) freshAt(now time.Time, renewal time.Duration) bool {
	return t != nil && t.Value != "" && (t.Expires.IsZero() || now.Add(renewal).Before(t.Expires))
}
