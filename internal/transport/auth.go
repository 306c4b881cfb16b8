package transport

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Auth adds credentials to one attempt. It gets the context of that attempt.
type Auth interface {
	Sign(ctx context.Context, h http.Header) error
}

// None adds nothing: the operation is open, or its token comes with the call.
type None struct{}

// Sign does nothing.
func (None) Sign(context.Context, http.Header) error { return nil }

// Header signs with one fixed header, such as a bearer token.
//
// A function holds the value because fmt prints the fields of a struct. With a verb that does not
// fit, such as %s for a client, fmt also follows pointers, and it calls no Formatter of unexported
// fields. Of a function it prints only the address.
type Header struct {
	name  string
	value func() string
}

// Bearer returns a signer that sets Authorization: Bearer token.
func Bearer(token string) Header { return APIKey("Authorization", "Bearer "+token) }

// APIKey returns a signer that sets a header of the service.
func APIKey(name, value string) Header { return Header{name, func() string { return value }} }

// Basic returns a signer for a user and a password.
func Basic(user, password string) Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return APIKey("Authorization", r.Header.Get("Authorization"))
}

// Sign sets the header.
func (a Header) Sign(_ context.Context, h http.Header) error {
	h.Set(a.name, a.value())
	return nil
}

// TokenSource signs with the bearer token that a function returns for each attempt.
type TokenSource struct {
	token func(ctx context.Context) (string, error)

	mu     sync.Mutex      // guards the following
	recent func() []string // the last two tokens, newest first; a function as in Header; nil: no token yet
}

// NewTokenSource returns a signer that asks token once per attempt.
func NewTokenSource(token func(ctx context.Context) (string, error)) *TokenSource {
	return &TokenSource{token: token}
}

// Sign sets Authorization to the token that the source returns.
func (a *TokenSource) Sign(ctx context.Context, h http.Header) error {
	token, err := a.token(ctx)
	if err != nil {
		return fmt.Errorf("get a token: %w", err)
	}
	a.keep(token)
	h.Set("Authorization", "Bearer "+token)
	return nil
}

func (a *TokenSource) keep(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	recent := []string{token}
	if a.recent != nil {
		before := a.recent()
		if before[0] == token {
			return
		}
		recent = append(recent, before[0])
	}
	a.recent = func() []string { return recent }
}

// Recent returns the last two tokens, because around a renewal requests with either may run.
func (a *TokenSource) Recent() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recent == nil {
		return nil
	}
	return a.recent()
}

// A token is valid for jwtLifetime. The signer renews it jwtRenewal before its end, so that the
// token outlives the request.
const (
	jwtLifetime = 5 * time.Minute
	jwtRenewal  = time.Minute
)

// JWT signs with an HS256 token that it creates, keeps and renews.
type JWT struct {
	keyID, scope string
	secret       func() []byte // a function as in Header

	mu     sync.Mutex    // guards the following
	header func() string // likewise; nil: no token yet
	signed time.Time     // with the monotonic reading
	issued time.Time     // the same moment by the wall clock alone: what iat and exp say
}

// NewJWT returns a signer for a key. The token has scope as its claim of that name.
func NewJWT(keyID, secret, scope string) *JWT {
	return &JWT{keyID: keyID, scope: scope, secret: func() []byte { return []byte(secret) }}
}

// Sign sets Authorization to a token that is valid for at least a minute.
func (a *JWT) Sign(_ context.Context, h http.Header) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); !a.holds(now) {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"scope": a.scope,
			"iat":   now.Unix(),
			"exp":   now.Add(jwtLifetime).Unix(),
		})
		token.Header["kid"] = a.keyID
		signed, err := token.SignedString(a.secret())
		if err != nil {
			return fmt.Errorf("sign the token: %w", err)
		}
		a.header = func() string { return "Bearer " + signed }
		a.signed, a.issued = now, now.Round(0)
	}
	h.Set("Authorization", a.header())
	return nil
}

// holds reports whether the token is still valid at now, by both clocks. The service compares iat
// and exp with its own wall clock. If somebody sets the wall clock of this machine, the token may
// therefore be too old, or issued in the future. The monotonic clock alone does not show that, nor
// that the machine was asleep. The wall clock alone would keep a token too long after it was set
// back. The caller holds mu.
func (a *JWT) holds(now time.Time) bool {
	const usable = jwtLifetime - jwtRenewal
	byWall := now.Round(0).Sub(a.issued)
	return a.header != nil && now.Sub(a.signed) < usable && byWall >= 0 && byWall < usable
}
