package gameplay

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// The place of a player's PlaySmart token in Nakama's storage. With both permissions at 0 only the
// server reads and writes it.
const (
	tokenCollection = "playsmart"
	tokenKey        = "token"
)

// storedToken is the object's value.
type storedToken struct {
	Token   string `json:"token"`
	Account string `json:"account"` // the hash of the account's address
}

// How often a login may be tried per tryWindow: each try costs a request, and may be a guess.
const (
	tryWindow     = 10 * time.Minute
	triesOfAUser  = 5
	triesOfANet   = 20  // an IPv4 address, or a /64
	triesOfAWide  = 60  // a /48
	triesOfAll    = 30  // for one account, by users who never logged in to it
	loginsAtOnce  = 200 // per second; what comes beyond them is shed for a moment
	maxLimitKeys  = loginsAtOnce*int(tryWindow/time.Second) + loginsAtOnce
	tooManyLogins = "too many logins: try again later"
)

// limits of the logins, in bounded memory. They are for one server: several keep the counts in a
// store that they share.
type limits struct {
	total, users, nets, wide, accounts *limit
}

func newLimits() *limits {
	return &limits{
		total:    newLimit(loginsAtOnce, time.Second, 1),
		users:    newLimit(triesOfAUser, tryWindow, maxLimitKeys),
		nets:     newLimit(triesOfANet, tryWindow, maxLimitKeys),
		wide:     newLimit(triesOfAWide, tryWindow, maxLimitKeys),
		accounts: newLimit(triesOfAll, tryWindow, maxLimitKeys),
	}
}

// take counts a try before it is made, and reports whether it may be. The tries of strangers on an
// account do not count for a user who has logged in to it before: nobody locks its owner out.
func (l *limits) take(userID, address, account string, known bool) error {
	if !known {
		for i, network := range networks(address) {
			if []*limit{l.nets, l.wide}[i].take(network) > 0 {
				return runtime.NewError(tooManyLogins, 8) // RESOURCE_EXHAUSTED
			}
		}
	}
	// Calls that are shed here never get as far as the other two, so they are never full.
	if l.total.take("") > 0 {
		return runtime.NewError("too many logins at the moment", 14) // UNAVAILABLE
	}
	if l.users.take(userID) > 0 || !known && l.accounts.take(account) > 0 {
		return runtime.NewError(tooManyLogins, 8)
	}
	return nil
}

// accountOf is the hash of an address: the storage need not know it.
func accountOf(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// storedTokens is the batcher's token source.
type storedTokens struct{ nk runtime.NakamaModule }

// Token implements batcher.TokenSource. A player who never logged in to PlaySmart is parked: the
// events wait.
func (s storedTokens) Token(ctx context.Context, userID string) (batcher.Token, error) {
	stored, err := s.read(ctx, userID)
	if err != nil {
		return batcher.Token{}, err
	}
	return batcher.Token{Value: batcher.Secret(stored.Token)}, nil
}

func (s storedTokens) read(ctx context.Context, userID string) (storedToken, error) {
	objects, err := s.nk.StorageRead(ctx, []*runtime.StorageRead{{Collection: tokenCollection, Key: tokenKey, UserID: userID}})
	if err != nil {
		return storedToken{}, err // passing: it is asked again
	}
	if len(objects) == 0 {
		return storedToken{}, batcher.ErrNoToken
	}
	var stored storedToken
	if err := json.Unmarshal([]byte(objects[0].GetValue()), &stored); err != nil {
		return storedToken{}, fmt.Errorf("the stored token of %s cannot be read: %w", userID, err)
	}
	return stored, nil
}

// login is an RPC of the game: {"email", "password"} of the player's PlaySmart account. It keeps
// the token and lets events go that waited for it.
func (m *module) login(ctx context.Context, log runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
	userID, _ := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string)
	if userID == "" {
		return "", runtime.NewError("a session is needed", 16) // UNAUTHENTICATED
	}
	var in struct {
		Email    string
		Password playline.Secret
	}
	if err := json.Unmarshal([]byte(payload), &in); err != nil {
		return "", runtime.NewError("the payload must be {email, password}", 3) // INVALID_ARGUMENT
	}
	account, address := accountOf(in.Email), ""
	if ip, ok := ctx.Value(runtime.RUNTIME_CTX_CLIENT_IP).(string); ok {
		address = ip
	}
	stored, err := storedTokens{nk}.read(ctx, userID)
	if err := m.limits.take(userID, address, account, err == nil && stored.Account == account); err != nil {
		return "", err
	}
	session, err := m.client.Accounts.Login(ctx, playline.Credentials{Email: in.Email, Password: in.Password})
	if err != nil {
		log.Warn("PlaySmart login: %v", err) // holds neither of the two
		if errors.Is(err, playline.ErrUnauthorized) {
			return "", runtime.NewError("e-mail or password is wrong", 16) // UNAUTHENTICATED
		}
		return "", runtime.NewError("PlaySmart cannot be reached", 14) // UNAVAILABLE
	}
	value, err := json.Marshal(storedToken{string(session.AccessToken.Secret()), account})
	if err != nil {
		return "", err
	}
	_, err = nk.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: tokenCollection, Key: tokenKey, UserID: userID, Value: string(value)}})
	if err != nil {
		return "", err
	}
	m.limits.users.clear(userID)
	m.batcher.SetToken(userID, session.Token())
	return "{}", nil
}
