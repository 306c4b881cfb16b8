package emulator

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// playSmartAccount is one registered player. The password's hash is kept so that a dump of the
// emulator shows none.
type playSmartAccount struct {
	id       string
	email    string
	password [sha256.Size]byte
	deviceID string
}

// playSmartCredentials is the body of register and of login.
type playSmartCredentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	DeviceID string `json:"deviceId"`
}

func (p *playSmart) registerAccount(c *call) reply {
	var in playSmartCredentials
	if err := json.Unmarshal(c.body, &in); err != nil {
		return p.invalid(c.operation, violation{"body", err.Error()})
	}
	key := strings.ToLower(in.Email)
	p.mu.Lock()
	if p.accounts[key] != nil {
		p.mu.Unlock()
		return p.refusal(http.StatusConflict, "email_already_registered")
	}
	account := &playSmartAccount{
		id:    fmt.Sprintf("usr_%06d", len(p.accounts)+1),
		email: in.Email, password: sha256.Sum256([]byte(in.Password)), deviceID: in.DeviceID,
	}
	p.accounts[key] = account
	p.mu.Unlock()
	return p.session(http.StatusCreated, account)
}

func (p *playSmart) login(c *call) reply {
	var in playSmartCredentials
	if err := json.Unmarshal(c.body, &in); err != nil {
		return p.invalid(c.operation, violation{"body", err.Error()})
	}
	p.mu.Lock()
	account := p.accounts[strings.ToLower(in.Email)]
	p.mu.Unlock()
	if account == nil || account.password != sha256.Sum256([]byte(in.Password)) {
		return p.refusal(http.StatusUnauthorized, "invalid_credentials")
	}
	return p.session(http.StatusOK, account)
}

// session answers with fresh tokens; an account never changes once made, so it is read without the
// lock.
func (p *playSmart) session(status int, account *playSmartAccount) reply {
	return reply{status: status, body: map[string]any{"data": map[string]any{
		"access_token":  p.sign(account.deviceID, "", p.nextTokenID(), p.options.tokenTTL),
		"refresh_token": p.sign(account.deviceID, "refresh", p.nextTokenID(), playSmartRefreshTTL),
		"user":          map[string]any{"id": account.id, "email": account.email, "pseudo": nil, "total_games_completed": 0},
	}}}
}
