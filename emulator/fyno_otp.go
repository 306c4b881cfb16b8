package emulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Fyno's one-time passwords: made when an event asks for one, checked, and used up.

const (
	otpLifetime = 10 * time.Minute
	otpAttempts = 3 // wrong ones, after which even the right code is refused
)

// otp is a code that an event sent. One event sends one code on all its channels.
type otp struct {
	code   string
	issued time.Time
	wrong  int
	used   bool
}

// asksForOTP tells whether an event sends a code: its name says so, in any case.
func asksForOTP(event string) bool { return strings.Contains(strings.ToLower(event), "otp") }

func (f *fyno) newOTP() *otp {
	return &otp{code: fmt.Sprintf("%06d", f.random.IntN(1_000_000)), issued: time.Now()}
}

// validateOTP spends one attempt, unless the code is used, spent or expired already. A setting of
// the real workspace says which of the two keys counts, and the other one is no mistake; here the
// request id counts if both are given.
func (f *fyno) validateOTP(c *call) reply {
	id, destination := c.query.Get("request_id"), c.query.Get("destination")
	if id == "" && destination == "" {
		return fynoBad("one of query.request_id and query.destination is required")
	}
	key := id
	if key == "" {
		key = otpDestination(destination)
	}
	issued := f.version(c).otps[key]
	switch {
	case issued == nil && id != "":
		return fynoBad("no otp was sent: request_id '" + id + "' does not exist")
	case issued == nil:
		return fynoBad("no otp was sent to this destination: it does not exist")
	case issued.used:
		return fynoBad("otp already used")
	case issued.wrong >= otpAttempts:
		return fynoBad("otp attempts exceeded")
	case time.Since(issued.issued) > otpLifetime:
		return fynoBad("otp expired")
	case c.query.Get("otp") != issued.code:
		issued.wrong++
		return fynoBad(fynoWrongOTP)
	}
	issued.used = true
	return fynoDone(http.StatusOK, "OTP successfully validated.")
}

// otpDestination is the key of a destination's latest code, apart from every request id.
func otpDestination(destination string) string {
	return "destination " + strings.TrimPrefix(destination, "+")
}
