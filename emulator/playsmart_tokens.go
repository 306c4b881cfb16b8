package emulator

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// playSmartKey signs PlaySmart's tokens.
const playSmartKey = "emulator-playsmart-key-not-for-real-use"

// playSmartRefreshTTL is how long a refresh token lives.
const playSmartRefreshTTL = 180 * 24 * time.Hour

// playSmartClaims are a token's claims; kind is "refresh" for a refresh token.
type playSmartClaims struct {
	Kind string `json:"kind,omitempty"`
	jwt.RegisteredClaims
}

// sign makes a token; id keeps two tokens of the same second apart.
func (p *playSmart) sign(userID, kind, id string, ttl time.Duration) string {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, playSmartClaims{kind, jwt.RegisteredClaims{
		Subject: userID, ID: id, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
	}})
	signed, err := token.SignedString([]byte(playSmartKey))
	if err != nil {
		panic("emulator: PlaySmart token: " + err.Error()) // HS256 with a key of bytes cannot fail
	}
	return signed
}

// Token makes a PlaySmart access token for a user, registered or not. With a ttl of 0 or less it
// has expired.
func (e *Emulator) Token(userID string, ttl time.Duration) string {
	return e.playSmart.sign(userID, "", e.playSmart.nextTokenID(), ttl)
}

func (p *playSmart) nextTokenID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens++
	return strconv.Itoa(p.tokens)
}

// authorize returns the token's sub. A gateway before the service may have moved the header to
// X-Forwarded-Authorization, which wins.
func (p *playSmart) authorize(r *http.Request, operation string) (string, *reply) {
	if operation == "registerAccount" || operation == "login" {
		return "", nil
	}
	header := cmp.Or(r.Header.Get("X-Forwarded-Authorization"), r.Header.Get("Authorization"))
	bearer, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || bearer == "" {
		return "", new(p.refusal(http.StatusUnauthorized, "missing_bearer_token"))
	}
	var claims playSmartClaims
	_, err := jwt.ParseWithClaims(bearer, &claims, func(*jwt.Token) (any, error) { return []byte(playSmartKey), nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "", new(p.refusal(http.StatusUnauthorized, "expired_token"))
	case err != nil || claims.Kind == "refresh" || claims.Subject == "":
		return "", new(p.refusal(http.StatusUnauthorized, "invalid_token"))
	}
	return claims.Subject, nil
}
