package emulator

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One-time passwords: by request, by destination, late, wrong and too often.

func (st serviceTest) validate(status int, key, value, otp string) string {
	st.Helper()
	message, _ := st.wantQuery(status, "validateOTP", url.Values{key: {value}, "otp": {otp}}, nil)["_message"].(string)
	return message
}

func TestFynoOTPByRequest(t *testing.T) {
	st, f := newFynoTest(t)
	answer := st.want(http.StatusAccepted, "fireEvent", `{"event":"Login_OTP","to":{"sms":"+61400000000","email":"ace@example.com"}}`)
	id, messages := answer["request_id"].(string), f.messages()
	require.Len(t, messages, 2)
	code := messages[0].OTP
	assert.Regexp(t, `^[0-9]{6}$`, code)
	assert.Equal(t, code, messages[1].OTP, "one event sends one code on all its channels")

	assert.Contains(t, st.validate(http.StatusBadRequest, "request_id", id, "000"), "user entered the wrong OTP")
	assert.Contains(t, st.validate(http.StatusBadRequest, "request_id", id, code+"0"), "user entered the wrong OTP")
	assert.Equal(t, "OTP successfully validated.", st.validate(http.StatusOK, "request_id", id, code))
	assert.Contains(t, st.validate(http.StatusBadRequest, "request_id", id, code), "already used")
	assert.Contains(t, st.validate(http.StatusBadRequest, "destination", "ace@example.com", code), "already used")
}

func TestFynoOTPAttemptsRunOut(t *testing.T) {
	st, f := newFynoTest(t)
	answer := st.want(http.StatusAccepted, "fireEvent", `{"event":"otp","to":{"sms":"+61400000000"}}`)
	id := answer["request_id"].(string)
	for range 3 {
		assert.Contains(t, st.validate(http.StatusBadRequest, "request_id", id, "wrong"), "user entered the wrong OTP")
	}
	assert.Contains(t, st.validate(http.StatusBadRequest, "request_id", id, f.messages()[0].OTP), "attempts exceeded")
}

func TestFynoOTPExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, f := newFynoTest(t)
		for range 2 {
			st.want(http.StatusAccepted, "fireEvent", `{"event":"otp","to":{"sms":"+61400000000"}}`)
		}
		first, second := f.messages()[0], f.messages()[1]
		time.Sleep(10 * time.Minute)
		st.validate(http.StatusOK, "request_id", first.RequestID, first.OTP)
		time.Sleep(time.Nanosecond)
		assert.Contains(t, st.validate(http.StatusBadRequest, "request_id", second.RequestID, second.OTP), "expired")
	})
}

func TestFynoOTPByDestinationIsTheLatest(t *testing.T) {
	st, f := newFynoTest(t)
	for range 2 {
		st.want(http.StatusAccepted, "fireEvent", `{"event":"otp","to":{"sms":"+61400000000"}}`)
	}
	first, second := f.messages()[0].OTP, f.messages()[1].OTP
	require.NotEqual(t, first, second)
	assert.Contains(t, st.validate(http.StatusBadRequest, "destination", "+61400000000", first), "user entered the wrong OTP")
	st.validate(http.StatusOK, "destination", "61400000000", second)
	st.validate(http.StatusOK, "request_id", f.messages()[0].RequestID, first)
}

func TestFynoOTPRefusals(t *testing.T) {
	st, f := newFynoTest(t)
	st.want(http.StatusOK, "addSuppression", `{"destination":"+61400000001","channel":"sms"}`)
	st.want(http.StatusAccepted, "fireEvent", `{"event":"otp","to":{"sms":"+61400000001"}}`)
	st.want(http.StatusAccepted, "fireEvent", `{"event":"otp","to":{"sms":"+61400000002"}}`, "version", "test")
	st.want(http.StatusAccepted, "fireEvent", `{"event":"welcome","to":{"sms":"+61400000003"}}`)
	assert.Empty(t, f.messages()[0].OTP, "what is not sent holds no code")
	for _, tc := range []struct {
		name, message string
		query         url.Values
	}{
		{"neither", "one of query.request_id and query.destination", url.Values{}},
		{"both, and the request is unknown", "'x' does not exist", url.Values{"request_id": {"x"}, "destination": {"+61400000003"}}},
		{"both are empty", "one of query.request_id and query.destination", url.Values{"request_id": {""}, "destination": {""}}},
		{"unknown request", "'x' does not exist", url.Values{"request_id": {"x"}}},
		{"suppressed", "no otp was sent", url.Values{"destination": {"+61400000001"}}},
		{"sent on the other version", "no otp was sent", url.Values{"destination": {"+61400000002"}}},
		{"an event without a code", "no otp was sent", url.Values{"request_id": {f.messages()[2].RequestID}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.query.Set("otp", "123456")
			st := serviceTest{T: t, service: f}
			assert.Contains(t, st.wantQuery(http.StatusBadRequest, "validateOTP", tc.query, nil)["_message"], tc.message)
		})
	}
}
