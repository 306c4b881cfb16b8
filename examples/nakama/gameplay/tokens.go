package gameplay

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// Where a player's PlaySmart token is in Nakama's storage. With both permissions at 0 only the server reads and writes it.
const (
	tokenCollection = "playsmart"
	tokenKey        = "token"
)

// storedToken is the object's value.
type storedToken struct {
	Token string `json:"token"`
}

// storedTokens is the batcher's token source.
type storedTokens struct{ nk runtime.NakamaModule }

// Token implements batcher.TokenSource. A player who never logged in to PlaySmart is parked: the events wait.
func (s storedTokens) Token(ctx context.Context, userID string) (batcher.Token, error) {
	objects, err := s.nk.StorageRead(ctx, []*runtime.StorageRead{{Collection: tokenCollection, Key: tokenKey, UserID: userID}})
	if err != nil {
		return batcher.Token{}, err // passing: it is asked again
	}
	if len(objects) == 0 {
		return batcher.Token{}, batcher.ErrNoToken
	}
	var stored storedToken
	if err := json.Unmarshal([]byte(objects[0].GetValue()), &stored); err != nil {
		return batcher.Token{}, fmt.Errorf("the stored token of %s cannot be read: %w", userID, err)
	}
	return batcher.Token{Value: stored.Token}, nil
}

// login is an RPC of the game: {"email", "password"} of the player's PlaySmart account. It keeps the token and lets events go that waited
// for it.
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
	session, err := m.client.Accounts.Login(ctx, playline.Credentials{Email: in.Email, Password: in.Password})
	if err != nil {
		log.Warn("PlaySmart login: %v", err) // holds neither of the two
		if errors.Is(err, playline.ErrUnauthorized) {
			return "", runtime.NewError("e-mail or password is wrong", 16) // UNAUTHENTICATED
		}
		return "", runtime.NewError("PlaySmart cannot be reached", 14) // UNAVAILABLE
	}
	value, err := json.Marshal(storedToken{string(session.AccessToken.Secret())})
	if err != nil {
		return "", err
	}
	_, err = nk.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: tokenCollection, Key: tokenKey, UserID: userID, Value: string(value)}})
	if err != nil {
		return "", err
	}
	m.batcher.SetToken(userID, session.Token())
	return "{}", nil
}
