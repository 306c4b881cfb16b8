package transport

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Auth puts credentials on one attempt.
type Auth interface {
	Sign(h http.Header) error
}

// None signs nothing: the operation is open, or its token comes with the call.
type None struct{}

// Sign does nothing.
func (None) Sign(http.Header) error { return nil }

// Header signs with one fixed header, such as a bearer token.
type Header struct{ name, value string }

// Bearer signs with Authorization: Bearer token.
func Bearer(token string) Header { return Header{"Authorization", "Bearer " + token} }

// APIKey signs with a header of the service's own.
func APIKey(name, value string) Header { return Header{name, value} }

// Basic signs with a user and a password.
func Basic(user, password string) Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return Header{"Authorization", r.Header.Get("Authorization")}
}

// Sign sets the header.
func (a Header) Sign(h http.Header) error {
	h.Set(a.name, a.value)
	return nil
}

// A token lives for jwtLifetime and is renewed jwtRenewal before its end, so that one that is signed now outlives the request.
const (
	jwtLifetime = 5 * time.Minute
	jwtRenewal  = time.Minute
)

// JWT signs with an HS256 token that it makes, keeps, and renews.
type JWT struct {
	keyID, scope string
	secret       []byte

	mu      sync.Mutex // guards the following
	header  string
	renewAt time.Time
}

// NewJWT returns a signer for a key; scope is the claim of that name.
func NewJWT(keyID, secret, scope string) *JWT {
	return &JWT{keyID: keyID, scope: scope, secret: []byte(secret)}
}

// Sign sets Authorization to a token that is valid for at least a minute.
func (a *JWT) Sign(h http.Header) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); !now.Before(a.renewAt) {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"scope": a.scope,
			"iat":   now.Unix(),
			"exp":   now.Add(jwtLifetime).Unix(),
		})
		token.Header["kid"] = a.keyID
		signed, err := token.SignedString(a.secret)
		if err != nil {
			return fmt.Errorf("sign the token: %w", err)
		}
		a.header, a.renewAt = "Bearer "+signed, now.Add(jwtLifetime-jwtRenewal)
	}
	h.Set("Authorization", a.header)
	return nil
}
