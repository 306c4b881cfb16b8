package batcher_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/playline/playline-go/batcher"
)

// modelTokens are the tokens that were ever given out, and the source of them.
type modelTokens struct {
	model *model

	// The following is guarded by model.mu.
	known map[string]modelToken
	asked map[string]int
}

// modelToken is what the service knows of a token.
type modelToken struct {
	user    string
	expires time.Time // zero: never
	revoked bool
	lived   bool // it was good when it was given out
}

// issue makes a token. model.mu is held.
func (k *modelTokens) issue(r *rand.Rand, user string, ttl time.Duration, revoked bool) batcher.Token {
	number := len(k.known) + 1
	token := batcher.Token{Value: batcher.Secret(fmt.Sprintf("token-%d", number))}
	known := modelToken{user: user, revoked: revoked, lived: ttl >= 0}
	if ttl != 0 {
		known.expires = time.Now().Add(ttl).Truncate(time.Second)
		known.lived = known.expires.After(time.Now())
		token.Expires = known.expires
	}
	if ttl != 0 && r.IntN(2) == 0 { // a JWT, whose expiry is in its claims
		claims := fmt.Sprintf(`{"sub":%q,"exp":%d}`, user, known.expires.Unix())
		token = batcher.Token{Value: batcher.Secret(fmt.Sprintf("h%d.%s.s", number, base64.RawURLEncoding.EncodeToString([]byte(claims))))}
	}
	k.known[string(token.Value)] = known
	return token
}

// modelTTL draws how long a token lives; 0 is for ever.
func modelTTL(r *rand.Rand) time.Duration {
	return []time.Duration{0, 2 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour}[r.IntN(5)]
}

// refuses is the service's opinion of a token. model.mu is held.
func (k *modelTokens) refuses(user string, token batcher.Token) (batcher.Failure, bool) {
	known, ok := k.known[string(token.Value)]
	switch {
	case !ok || known.revoked || !known.expires.IsZero() && !time.Now().Before(known.expires):
		return batcher.Unauthorized, true
	case known.user != user:
		return batcher.Forbidden, true
	}
	return 0, false
}

// Token implements batcher.TokenSource.
func (k *modelTokens) Token(ctx context.Context, user string) (batcher.Token, error) {
	m := k.model
	m.mu.Lock()
	m.enter(user, "the token source")
	if m.closed {
		m.failed("the token source is asked after Close has returned")
	}
	k.asked[user]++
	r := m.rand("token/"+user, k.asked[user])
	process := m.process
	m.mu.Unlock()
	if r.IntN(4) == 0 {
		select {
		case <-time.After(time.Duration(r.Int64N(int64(100 * time.Millisecond)))):
		case <-ctx.Done():
		}
	}
	token, err := k.give(ctx, r, user)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != process {
		return token, err
	}
	m.note("%s: token source: %s, %v", user, token.Value, err)
	m.leave(user)
	return token, err
}

func (k *modelTokens) give(ctx context.Context, r *rand.Rand, user string) (batcher.Token, error) {
	m := k.model
	n := r.IntN(100)
	if n == 0 && !m.isHealed() {
		<-ctx.Done()
		return batcher.Token{}, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.healed {
		return k.issue(r, user, []time.Duration{0, 10 * time.Minute}[r.IntN(2)], false), nil
	}
	switch {
	case n < 4:
		return batcher.Token{}, batcher.ErrNoToken
	case n < 6:
		return batcher.Token{}, fmt.Errorf("model: session table: %w", batcher.ErrNoToken)
	case n < 10:
		return batcher.Token{}, errors.New("model: session table is away")
	case n < 12:
		return batcher.Token{}, nil
	case n < 15:
		return k.issue(r, "another", modelTTL(r), false), nil
	case n < 18:
		return k.issue(r, user, modelTTL(r), true), nil
	case n < 20:
		return k.issue(r, user, -time.Second, false), nil
	case n < 30: // the same for ever, also where the service refused it
		value := "constant-" + user
		k.known[value] = modelToken{user: user, lived: true}
		return batcher.Token{Value: batcher.Secret(value)}, nil
	}
	return k.issue(r, user, modelTTL(r), false), nil
}

func (m *model) isHealed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.healed
}
