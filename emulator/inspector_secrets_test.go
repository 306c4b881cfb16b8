package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInspectorShowsNoSecrets plants secrets wherever a request can carry them, and looks for them
// in every view and detail.
func TestInspectorShowsNoSecrets(t *testing.T) {
	e := New()
	token := e.Token("device-abc-123", time.Hour)
	smooven, fyno := "Authorization: Bearer "+SmoovenKey, "Authorization: Bearer "+FynoKey
	workspace := "/fyno/v1/" + FynoWorkspace
	live := workspace + "/live"
	for _, step := range []struct {
		name, method, target, body string
		header                     string
		status                     int
	}{
		{"account", "POST", "/playsmart/auth/register", `{"email":"ace@example.com","password":"planted-password","deviceId":"device-abc-123"}`, "X-Request-Id: 1", 201},
		{"login", "POST", "/playsmart/auth/login", `{"email":"ace@example.com","password":"planted-password"}`, "Cookie: planted-cookie", 200},
		{"player", "POST", "/smooven/v1/players/register", `{"external_id":"device-abc-123","channels":{"push":{"platform":"ios","device_token":"planted-device"}}}`, smooven, 200},
		{"profile", "POST", live + "/profiles", `{"distinct_id":"device-abc-123","channel":{"sms":"+61400000000","push":[{"token":"planted-push"}],"inapp":[{"token":"planted-inapp"}]}}`, fyno, 201},
		{"deletion", "POST", live + "/profiles/device-abc-123/channel/delete", `{"push":["planted-nothing"]}`, fyno, 400},
		{"properties", "POST", live + "/profiles/properties/set", `{"distinct_id":"device-abc-123","$set":{"api_key":"planted-property","gems_tokens":7}}`, fyno, 202},
		{"code", "POST", live + "/event", `{"event":"login_otp","distinct_id":"device-abc-123","to":{"push":"planted-destination"},"data":{"otp":"planted-template","otp_number":918273,"accessToken":"planted-access"}}`, fyno, 202},
		{"wrong code", "POST", live + "/verify/validate?destination=%2B61400000000&otp=planted-typed", "", fyno, 400},
		{"broken body", "POST", live + "/event", `{"password":"planted-broken"`, fyno, 400},
		{"no service", "POST", "/elsewhere?token=planted-query", `{"list":[{"secret":["planted-list"]}]}`, "X-Custom: planted-header", 404},
	} {
		a := send(t, e, request(t, step.method, step.target, step.body, step.header))
		require.Equal(t, step.status, a.status, "%s: %s", step.name, a.text)
	}
	ok := ingest(t, e, token, "device-abc-123", `{"type":"Custom","customEventName":"Bought","timestamp":"2026-04-22T14:30:00+00:00",`+
		`"customdata":{"receiptToken":"planted-receipt","tokens":120,"note":"fine","deep":{"Password":918273,"push":"planted-nested"}}}`)
	require.Equal(t, 202, ok.status, ok.text)

	code := ""
	for _, m := range e.Messages() {
		if m.OTP != "" {
			code = m.OTP
		}
	}
	require.NotEmpty(t, code)
	var shown strings.Builder
	for _, view := range []string{"events", "requests", "players&person=device-abc-123"} {
		text := watch(t, e, "view="+view)().text
		if !strings.HasPrefix(view, "players") {
			assert.NotContains(t, text, code, "the code stands among the notifications only")
		}
		shown.WriteString(text)
	}
	for number := range e.TotalCalls() {
		w := visit(t, e, "GET", fmt.Sprintf("%s/request/%d", InspectorPath, number+1), "")
		require.Equal(t, 200, w.Code)
		assert.NotContains(t, w.Body.String(), `"`+code)
		shown.WriteString(w.Body.String())
	}
	messages := watch(t, e, "view=messages")().text
	assert.Contains(t, messages, `"otp":"`+code+`"`)
	shown.WriteString(messages)
	for _, secret := range []string{"planted", "918273", token, strings.Split(token, ".")[2], SmoovenKey, FynoKey} {
		assert.NotContains(t, shown.String(), secret)
	}
	for _, plain := range []string{"tokens", "120", "note", "fine", "gems_tokens", "ace@example.com"} {
		assert.Contains(t, shown.String(), plain, "what is no secret is shown")
	}
}

func TestHostileTextStaysText(t *testing.T) {
	e := New()
	names := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "\u202egnp.exe", "a\u0000b", "line\nfeed\r\n\r\nevent: x", strings.Repeat("long", 5000),
		"\u2028\u2029", "javascript:alert(1)", "${alert(1)}", "device/../../etc", "\U0001F600\u0301\u0301",
	}
	for _, name := range names {
		id, err := json.Marshal(name)
		require.NoError(t, err)
		a := send(t, e, request(t, "POST", "/playsmart/ingest/events", `{"user_id":`+string(id)+`,"game_id":"g","events":[`+appOpen+`]}`,
			"Authorization: Bearer "+e.Token(name, time.Hour)))
		require.Equal(t, 202, a.status, a.text)
	}
	for _, view := range []string{"events", "players", "requests"} {
		a := watch(t, e, "view="+view)()
		assert.Len(t, shownIn(a), len(names))
		assert.NotContains(t, a.text, "\n")
		assert.Less(t, len(a.text), 30_000, "a name of 20,000 characters is cut")
	}
	a := watch(t, e, "view=players&person="+"%3Cscript%3Ealert(1)%3C%2Fscript%3E")()
	assert.Equal(t, names[0], a.at("person", "id"))
}
