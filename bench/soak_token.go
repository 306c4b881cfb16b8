package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// tokenKey signs the players' tokens, as PlaySmart does with its secret key. The benchmark makes
// one per run and passes it to both sides.
type tokenKey []byte

func newTokenKey() tokenKey {
	key := make(tokenKey, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return key
}

var tokenHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

// issue returns a token of a player, valid until expires, in whole seconds.
func (k tokenKey) issue(user string, expires time.Time) string {
	claims := fmt.Sprintf(`{"sub":%q,"iss":"playsmart","exp":%d}`, user, expires.Unix())
	signed := tokenHeader + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return signed + "." + k.sign(signed)
}

func (k tokenKey) sign(text string) string {
	mac := hmac.New(sha256.New, k)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// check returns the status for a request with this Authorization: 401 if the key did not sign the
// token or the token has expired, 403 if it is another player's, else 202.
func (k tokenKey) check(authorization, user string, now time.Time) int {
	token, _ := strings.CutPrefix(authorization, "Bearer ")
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 || !hmac.Equal([]byte(k.sign(token[:dot])), []byte(token[dot+1:])) {
		return http.StatusUnauthorized
	}
	_, claims, _ := strings.Cut(token[:dot], ".")
	text, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		return http.StatusUnauthorized
	}
	var in struct {
		Sub string `json:"sub"`
		Exp int64  `json:"exp"`
	}
	switch err := json.Unmarshal(text, &in); {
	case err != nil || now.Unix() >= in.Exp:
		return http.StatusUnauthorized
	case in.Sub != user:
		return http.StatusForbidden
	}
	return http.StatusAccepted
}

// garbageMark is in the JSON of an event that the sink rejects: damage is never negative.
var garbageMark = []byte(`"damage":-`)

// admit returns the status with which a strict sink answers a request. It checks the token first,
// then the events.
func (k tokenKey) admit(r *http.Request, body []byte) int {
	rest, found := bytes.CutPrefix(body, []byte(`{"user_id":"`))
	user, _, ended := bytes.Cut(rest, []byte{'"'})
	if !found || !ended {
		return http.StatusBadRequest
	}
	status := k.check(r.Header.Get("Authorization"), string(user), time.Now())
	if status == http.StatusAccepted && bytes.Contains(body, garbageMark) {
		return http.StatusBadRequest
	}
	return status
}
