package playline

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/playline/playline-go/batcher"
)

// AccountsService makes the accounts of PlaySmart, and with them the tokens that a player's events are sent under.
//
// Vendor: https://doc.playsmart.api.dolly.gg/authentication
type AccountsService service

// minPassword is how many characters a password has at least.
const minPassword = 8

// AccountCreate is the body of Accounts.Register.
type AccountCreate struct {
	Email    string
	Password Secret // at least 8 characters
	DeviceID string // becomes the user id to send events with
}

// Credentials are the body of Accounts.Login.
type Credentials struct {
	Email    string
	Password Secret
}

// Session is a player's tokens. They are held so that no printer shows them: s.AccessToken.Secret()
// returns the token.
type Session struct {
	AccessToken  HeldSecret  `json:"access_token"`  // lives 30 days; its sub claim is the device id
	RefreshToken HeldSecret  `json:"refresh_token"` // lives 180 days; no call to use it is documented
	User         AccountUser `json:"user"`
}

// Token returns the session's access token for a batcher: a TokenSource returns it, and SetToken
// takes it. The batcher reads when it ends from the token itself.
func (s *Session) Token() batcher.Token { return batcher.Token{Value: s.AccessToken.Secret()} }

// AccountUser is the account behind a session.
type AccountUser struct {
	ID                  string `json:"id"`
	Email               string `json:"email"`
	Pseudo              string `json:"pseudo"`
	TotalGamesCompleted int    `json:"total_games_completed"`
}

// accountBody is what travels: a Secret would be written as [REDACTED].
type accountBody struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	DeviceID string `json:"deviceId,omitempty"`
	register bool
}

// Validate checks that nothing is missing; the length of a password is checked where one is made.
func (r accountBody) Validate() error {
	return firstOf(
		check{"email", textRule(r.Email)},
		check{"email", emailRule(r.Email)},
		check{"password", textRule(r.Password)},
		check{"password", ruleIf(r.register && utf8.RuneCountInString(r.Password) < minPassword, "must have at least 8 characters")},
		check{"deviceId", ruleIf(r.register && r.DeviceID == "", "must not be empty")},
		check{"deviceId", optionalText(r.DeviceID)},
	)
}

type sessionEnvelope struct {
	Data *Session `json:"data"`
}

func (e *sessionEnvelope) complete() error {
	if e.Data == nil || e.Data.AccessToken.IsZero() {
		return errors.New("data.access_token is missing")
	}
	return nil
}

// Register makes an account for a player's device. An address that has one matches ErrConflict.
//
// Class unsent.
// Vendor: https://doc.playsmart.api.dolly.gg/api/auth/register
func (s *AccountsService) Register(ctx context.Context, account AccountCreate, opts ...RequestOption) (*Session, error) {
	return s.session(ctx, opRegisterAccount, accountBody{account.Email, string(account.Password), account.DeviceID, true}, opts)
}

// Login returns new tokens for an account. Wrong credentials match ErrUnauthorized.
//
// Class safe.
// Vendor: https://doc.playsmart.api.dolly.gg/api/auth/login
func (s *AccountsService) Login(ctx context.Context, credentials Credentials, opts ...RequestOption) (*Session, error) {
	return s.session(ctx, opLogin, accountBody{Email: credentials.Email, Password: string(credentials.Password)}, opts)
}

func (s *AccountsService) session(ctx context.Context, o *op, body accountBody, opts []RequestOption) (*Session, error) {
	out, err := call[sessionEnvelope](ctx, (*service)(s), o, input{body: body, secrets: []string{body.Password}}, opts)
	if err != nil {
		return nil, err
	}
	return out.Data, nil
}
