package playline

import (
	"context"
	"slices"
	"strings"
)

// VerifyService checks the one-time passwords that Fyno sent with an event.
//
// Vendor: https://fyno.io/docs/api-reference
type VerifyService service

// OTPCheck is a one-time password as a player typed it. It belongs to a request, or, in a workspace that uses the destination as
// id, to a destination: exactly one of the two.
type OTPCheck struct {
	RequestID   string // of the event that sent it, see EventAccepted
	Destination string
	OTP         Secret
}

// otpQuery is how the check travels. The code is in the query, so the URL of this call must appear nowhere.
type otpQuery struct {
	RequestID   string `url:"request_id,omitempty"`
	Destination string `url:"destination,omitempty"`
	OTP         string `url:"otp"`
}

// Validate checks that it says which password, and whose.
func (q otpQuery) Validate() error {
	return firstOf(
		check{"otp", textRule(q.OTP)},
		check{"request_id, destination", ruleIf((q.RequestID == "") == (q.Destination == ""), "must hold exactly one of the two")},
		check{"request_id", optionalText(q.RequestID)},
		check{"destination", optionalText(q.Destination)},
	)
}

// Validate asks whether a one-time password is right. It is only if the error is nil: the service's documented success, with the status
// 200, and nothing else counts. Every refusal matches ErrInvalid, and ErrOTPWrong, ErrOTPUsed, ErrOTPExpired, ErrOTPAttempts or
// ErrOTPUnknown if the service's words say so.
//
// Class never: each attempt counts, so none is made twice. Where no answer came the error matches ErrOutcomeUnknown.
// Vendor: https://fyno.io/docs/api-reference
func (s *VerifyService) Validate(ctx context.Context, check OTPCheck, opts ...RequestOption) (*Status, error) {
	return call[Status](ctx, (*service)(s), opValidateOTP, input{
		query:   otpQuery{check.RequestID, check.Destination, string(check.OTP)},
		secrets: []string{string(check.OTP), check.Destination},
	}, opts)
}

// refusedOTP returns the sentinel of a refusal's message, nil for words that nobody knows. They are not
// promised, so they are matched loosely; what says more comes first.
func refusedOTP(message string) error {
	message = strings.ToLower(message)
	if !containsAny(message, "otp", "code", "request", "destination", "attempt", "retries") {
		return nil
	}
	for _, reason := range []struct {
		words    []string
		sentinel error
	}{
		{[]string{"attempt", "retries"}, ErrOTPAttempts},
		{[]string{"expire", "timed out"}, ErrOTPExpired},
		{[]string{"too many", "exceed"}, ErrOTPAttempts},
		{[]string{"already", "used"}, ErrOTPUsed},
		{[]string{"not exist", "doesn't exist", "non existing", "non-existing", "not found", "no otp"}, ErrOTPUnknown},
		{[]string{"wrong", "mismatch", "not match", "incorrect otp", "invalid otp"}, ErrOTPWrong},
		{[]string{"request_id", "request id"}, ErrOTPUnknown},
		{[]string{"incorrect", "invalid"}, ErrOTPWrong},
	} {
		if containsAny(message, reason.words...) {
			return reason.sentinel
		}
	}
	return nil
}

func containsAny(message string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(message, word) })
}
