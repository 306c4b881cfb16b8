package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Marks of devices separate an account's owner from strangers, who share one limit.

// devices makes and checks marks. A device gets one when somebody logged in with it, sends it along
// from then on, and is counted apart from everybody else. Nothing is kept for them.
type devices struct {
	key []byte // of this process; several processes take one from where their secrets are
}

func newDevices() devices {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return devices{key}
}

// mark returns the mark of a new device of an account.
func (d devices) mark(phone string) string {
	id := rand.Text()
	return id + "." + d.seal(id, phone)
}

// id returns which device of the account it is, "" if the mark is not one of this account.
func (d devices) id(phone, mark string) string {
	id, seal, _ := strings.Cut(mark, ".")
	if id == "" || !hmac.Equal([]byte(seal), []byte(d.seal(id, phone))) {
		return ""
	}
	return id
}

func (d devices) seal(id, phone string) string {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(id + "\x00" + phone))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
