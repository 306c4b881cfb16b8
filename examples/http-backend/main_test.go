package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// The API's answers, its limits, and the facts that it must not reveal.

func TestDemonstration(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out), out.String())
	assert.Contains(t, out.String(), "messages to ace 1, to blitz 1, to the stranger 0; codes checked 4")
	assert.Contains(t, out.String(), "429 Too Many Requests")
}

// api is a backend on an emulator without sockets, so that it works inside of a synctest bubble.
type api struct {
	*backend
	fyno    *emulator.Emulator
	handler http.Handler
	log     bytes.Buffer
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{fyno: emulator.New()}
	client, err := playline.New(a.fyno.Options()...)
	require.NoError(t, err)
	a.backend = newBackend(client, slog.New(slog.NewTextHandler(&a.log, nil)), ace, blitz)
	a.handler = a.routes()
	return a
}

func (a *api) post(t *testing.T, path, body string) (*httptest.ResponseRecorder, reply) {
	t.Helper()
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body)))
	return recorder, decode(t, recorder)
}

func decode(t *testing.T, recorder *httptest.ResponseRecorder) reply {
	t.Helper()
	var out reply
	if recorder.Header().Get("Content-Type") == "application/json" {
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &out))
	}
	return out
}

func TestRequestsThatAreRefused(t *testing.T) {
	tests := []struct {
		name, path, body string
		status           int
	}{
		{"no JSON", "/otp", "phone", 400},
		{"no number", "/otp", "{}", 400},
		{"a national number", "/otp", `{"phone":"0400000000"}`, 400},
		{"a body too long", "/otp", `{"phone":"` + strings.Repeat("6", 2000) + `"}`, 400},
		{"no code", "/otp/verify", `{"login":"a"}`, 400},
		{"no login", "/otp/verify", `{"code":"123456"}`, 400},
		{"a login that never was", "/otp/verify", `{"login":"a","code":"123456"}`, 401},
		{"another path", "/", "{}", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAPI(t)
			recorder, _ := a.post(t, tt.path, tt.body)
			assert.Equal(t, tt.status, recorder.Code)
			a.sending.Wait()
			assert.Empty(t, a.fyno.Messages(), "nobody is written to")
		})
	}
}

func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	a := newAPI(t)
	var headers []http.Header
	var replies []reply
	for _, phone := range []string{ace, stranger} {
		sent, begun := a.post(t, "/otp", `{"phone":"`+phone+`"}`)
		a.sending.Wait()
		checked, refused := a.post(t, "/otp/verify", `{"login":"`+begun.Login+`","code":"000000"}`)
		require.Equal(t, []int{202, 401}, []int{sent.Code, checked.Code})
		assert.Len(t, begun.Login, 26)
		headers, replies = append(headers, sent.Header(), checked.Header()), append(replies, refused)
	}
	assert.Equal(t, headers[:2], headers[2:])
	assert.Equal(t, replies[0], replies[1])
	assert.Equal(t, 2, a.fyno.Calls("validateOTP"), "the check takes its time for both")
	assert.Len(t, a.fyno.Messages(), 1)
}

// TestNobodyIsLetInByAStranger: only the service's documented success starts a session.
func TestNobodyIsLetInByAStranger(t *testing.T) {
	for _, body := range []string{
		"{}", `{"status":"failed"}`, `{"status":"pending","_message":"wait"}`, `{"status":"expired","_message":"too late"}`,
		`{"status":"ERROR","_message":"no"}`, `{"status":"ok"}`, "<html>welcome</html>", "null", " ",
	} {
		a := newAPI(t)
		_, begun := a.post(t, "/otp", `{"phone":"`+ace+`"}`)
		a.sending.Wait()
		a.fyno.Inject(emulator.Fault{Operation: "validateOTP", Status: http.StatusOK, Body: body})
		recorder, answered := a.post(t, "/otp/verify", `{"login":"`+begun.Login+`","code":"`+a.fyno.Messages()[0].OTP+`"}`)
		assert.Equal(t, 503, recorder.Code, body)
		assert.Empty(t, answered.Session, body)
	}
}

// TestACodeThatIsFasterThanTheAnswer: the answer to fire is lost, so in the pause before the second
// attempt the message is on the phone and the backend does not know of it. The idempotency key
// makes the second attempt find the first.
func TestACodeThatIsFasterThanTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		a.fyno.Inject(emulator.Fault{Operation: "fireEvent", Mode: emulator.ResetAfter, Times: 1})
		_, begun := a.post(t, "/otp", `{"phone":"`+ace+`"}`)
		synctest.Wait()
		body := `{"login":"` + begun.Login + `","code":"` + a.fyno.Messages()[0].OTP + `"}`
		recorder, _ := a.post(t, "/otp/verify", body)
		assert.Equal(t, 401, recorder.Code)
		a.sending.Wait()
		recorder, _ = a.post(t, "/otp/verify", body)
		assert.Equal(t, 200, recorder.Code, "typed again")
		assert.Len(t, a.fyno.Messages(), 1, "one message all the same")
	})
}

func TestAServiceThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t)
		_, begun := a.post(t, "/otp", `{"phone":"`+ace+`"}`)
		a.sending.Wait()
		code := a.fyno.Messages()[0].OTP
		a.fyno.Inject(emulator.Fault{Service: emulator.Fyno, Status: 503})
		recorder, _ := a.post(t, "/otp/verify", `{"login":"`+begun.Login+`","code":"`+code+`"}`)
		assert.Equal(t, 503, recorder.Code)
		recorder, _ = a.post(t, "/otp", `{"phone":"`+blitz+`"}`)
		assert.Equal(t, 202, recorder.Code, "the same answer as always")
		a.sending.Wait()
		assert.Contains(t, a.log.String(), "the code was not sent")
		for _, secret := range []string{code, ace, blitz} {
			assert.NotContains(t, a.log.String(), secret)
		}
	})
}
