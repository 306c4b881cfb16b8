package transport

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Auth puts credentials on one attempt, whose context it gets.
type Auth interface {
	Sign(ctx context.Context, h http.Header) error
}

// None signs nothing: the operation is open, or its token comes with the call.
type None struct{}

// Sign does nothing.
func (None) Sign(context.Context, http.Header) error { return nil }

// Header signs with one fixed header, such as a bearer token.
//
// The value stands in a function because fmt walks into what it prints: with a verb that does not fit, as in %s of a client, it also goes
// through pointers, and in unexported fields it asks no Formatter. Of a function it prints the address.
type Header struct {
	name  string
	value func() string
}

// Bearer signs with Authorization: Bearer token.
func Bearer(token string) Header { return APIKey("Authorization", "Bearer "+token) }

// APIKey signs with a header of the service's own.
func APIKey(name, value string) Header { return Header{name, func() string { return value }} }

// Basic signs with a user and a password.
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
	recent func() []string // the last two tokens, newest first; a function as in Header, nil: none yet
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

// Recent returns the last two tokens: around a renewal requests with either are under way.
func (a *TokenSource) Recent() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recent == nil {
		return nil
	}
	return a.recent()
}

// A token lives for jwtLifetime and is renewed jwtRenewal before its end, so that one that is signed now outlives the request.
const (
	jwtLifetime = 5 * time.Minute
	jwtRenewal  = time.Minute
)

// JWT signs with an HS256 token that it makes, keeps, and renews.
type JWT struct {
	keyID, scope string
	secret       func() []byte // a function as in Header

	mu     sync.Mutex    // guards the following
	header func() string // likewise; nil: there is no token yet
	signed time.Time     // with the monotonic reading
	issued time.Time     // the same moment by the wall clock alone: what iat and exp say
}

// NewJWT returns a signer for a key; scope is the claim of that name.
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

// holds reports whether the token can still be used at now, by both clocks. The service holds its own wall clock against iat and exp, so a
// wall clock that was set tells that the token in hand has the wrong ones: it is too old, or was issued in the future. The monotonic
// clock alone would not tell so, nor that the machine was asleep; the wall clock alone would keep a token for as long as it was set back.
// mu is held.
func (a *JWT) holds(now time.Time) bool {
	const usable = jwtLifetime - jwtRenewal
	byWall := now.Round(0).Sub(a.issued)
	return a.header != nil && now.Sub(a.signed) < usable && byWall >= 0 && byWall < usable
}
