package emulator

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// sunshine is the clients API. Users are not created here in the real service either, so any user
// id is taken as one that exists, without clients.
type sunshine struct {
	options sunshineOptions

	mu     sync.Mutex
	users  map[string][]*Client // in the order of creation, which is the order of the ids
	lastID int
}

func newSunshine(o sunshineOptions) *sunshine {
	return &sunshine{options: o, users: make(map[string][]*Client)}
}

// authorize takes basic auth and HS256 JWTs, and wants the app of the path to be the one that the
// key is for.
func (s *sunshine) authorize(r *http.Request, _ string) (string, *reply) {
	if user, password, ok := r.BasicAuth(); ok {
		if user != SunshineKeyID || password != SunshineSecret {
			return "", new(s.refuse(http.StatusUnauthorized, "unauthorized", "The key id or the secret is wrong"))
		}
	} else {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		scope, err := sunshineScope(bearer)
		switch {
		case err != nil:
			return "", new(s.refuse(http.StatusUnauthorized, "unauthorized", "Basic auth or a valid JWT is required: "+err.Error()))
		case scope != "app" && scope != "account":
			return "", new(s.refuse(http.StatusForbidden, "forbidden", "The JWT's scope must be app or account"))
		}
	}
	if r.PathValue("appId") != SunshineAppID {
		return "", new(s.refuse(http.StatusNotFound, "app_not_found", "App not found"))
	}
	return SunshineKeyID, nil
}

// sunshineScope verifies a JWT and returns its scope. Its exp is honoured where it has one.
func sunshineScope(bearer string) (string, error) {
	if bearer == "" {
		return "", errors.New("none was sent")
	}
	var claims struct {
		Scope string `json:"scope"`
		jwt.RegisteredClaims
	}
	_, err := jwt.ParseWithClaims(bearer, &claims, func(token *jwt.Token) (any, error) {
		if token.Header["kid"] != SunshineKeyID {
			return nil, errors.New("the header's kid is not a key id of this app")
		}
		return []byte(SunshineSecret), nil
	}, jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}))
	return claims.Scope, err
}

func (s *sunshine) refuse(status int, code, title string) reply {
	return reply{status: status, body: map[string]any{"errors": []map[string]any{{"code": code, "title": title}}}}
}

func (s *sunshine) refusal(status int, message string) reply {
	return s.refuse(status, codeOf(status), message)
}

func (s *sunshine) invalid(_ string, v violation) reply {
	return s.refuse(http.StatusBadRequest, "bad_request", v.String())
}

func (s *sunshine) handle(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c.operation {
	case "createClient":
		return s.createClient(c)
	case "listClients":
		return s.listClients(c)
	case "removeClient":
		return s.removeClient(c)
	}
	return s.refusal(http.StatusNotFound, "no operation "+c.operation)
}
