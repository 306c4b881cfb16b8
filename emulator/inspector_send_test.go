package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests from the page, and answers for scripts.

// sendFrom posts to the inspector's form, and returns its answer.
func sendFrom(t *testing.T, e *Emulator, in map[string]any) (a answer) {
	t.Helper()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	w := visit(t, e, "POST", InspectorPath+"/send", string(body))
	a = answer{status: w.Code, text: w.Body.String()}
	if w.Code == 200 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.body))
	}
	return a
}

func TestEveryOperationCanBeSentAsItsContractFillsIt(t *testing.T) {
	e := New()
	w := visit(t, e, "GET", InspectorPath+"/operations", "")
	require.Equal(t, 200, w.Code)
	var views []operationView
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &views))
	require.Len(t, views, len(namedOperations))
	for _, view := range views {
		t.Run(view.ID, func(t *testing.T) {
			bodies := []string{view.Body}
			for _, event := range view.Events {
				bodies = append(bodies, event.Body)
			}
			fields := map[string]string{}
			for _, field := range view.Fields {
				fields[field.Name] = field.Value
				assert.Equal(t, field.Required, field.Value != "", field.Name)
			}
			for _, body := range bodies {
				a := sendFrom(t, e, map[string]any{"operation": view.ID, "fields": fields, "body": body})
				require.Equal(t, 200, a.status, a.text)
				requests := e.Requests()
				last := requests[len(requests)-1]
				assert.Equal(t, view.ID, last.Operation)
				assert.Empty(t, last.Violation, string(last.Body))
				assert.NotContains(t, []int{0, 401, 403, 405}, last.Status, string(last.ResponseBody))
				assert.EqualValues(t, last.Status, a.at("status"))
				assert.EqualValues(t, last.Number, a.at("number"))
			}
		})
	}
	assert.Len(t, e.Events("device-1"), 7, "one from the operation's own sample, and one of each type")
}

func TestSendRefusesAndReports(t *testing.T) {
	e := New()
	for name, tt := range map[string]struct {
		in   map[string]any
		says string
	}{
		"no operation":          {map[string]any{"operation": "registerPlayers"}, "use one of"},
		"an empty path":         {map[string]any{"operation": "getPlayer"}, "player_id: a part of the path must not be empty"},
		"no request any more":   {map[string]any{"number": 7}, "the record has no request 7 any more"},
		"a number that is none": {map[string]any{"number": "x"}, "send: "},
	} {
		t.Run(name, func(t *testing.T) {
			a := sendFrom(t, e, tt.in)
			assert.Equal(t, 400, a.status)
			assert.Contains(t, a.text, tt.says)
		})
	}
	a := sendFrom(t, e, map[string]any{"operation": "registerPlayer", "body": "{"})
	assert.EqualValues(t, 400, a.at("status"), "a body that is no JSON is sent as it is")
	assert.Contains(t, a.at("body"), "must be one JSON value")
	a = sendFrom(t, e, map[string]any{"operation": "getPlayer", "fields": map[string]string{"player_id": "a/../b?x=1#y"}})
	assert.EqualValues(t, 404, a.at("status"))
	assert.Equal(t, "/smooven/v1/players/a%2F..%2Fb%3Fx=1%23y", e.Requests()[1].Path)

	synctest.Test(t, func(t *testing.T) {
		e := New()
		for mode, says := range map[Mode]string{ResetAfter: "reset", HangAfter: "no reply within 10s", HalfBody: "broke off"} {
			remove := e.Inject(Fault{Mode: mode})
			a := sendFrom(t, e, map[string]any{"operation": "registerPlayer", "body": `{"external_id":"ace","channels":{}}`})
			assert.Contains(t, a.at("error"), says)
			remove()
		}
	})
}

func TestARequestIsSentAgain(t *testing.T) {
	e := New()
	const password = "correct-horse-9"
	body := `{"email":"ace@example.com","password":"` + password + `","deviceId":"device-1"}`
	require.Equal(t, 201, send(t, e, request(t, "POST", "/playsmart/auth/register", body)).status)
	detail := func(number int) (d requestDetail) {
		t.Helper()
		w := visit(t, e, "GET", fmt.Sprintf("%s/request/%d", InspectorPath, number), "")
		require.Equal(t, 200, w.Code)
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &d))
		return d
	}
	shown := detail(1)
	assert.NotContains(t, shown.Body, password)
	assert.Contains(t, shown.ReplyBody, `"access_token": "[hidden]"`)
	assert.Contains(t, shown.ReplyBody, `"id": "usr_000001"`)
	assert.Contains(t, shown.ReplyHeader, namedValue{"X-Request-Id", "emu-1"})
	assert.Equal(t, []string{"Accounts.Register"}, shown.Methods)

	a := sendFrom(t, e, map[string]any{"number": 1})
	assert.EqualValues(t, 409, a.at("status"), "as it was")
	edited := strings.Replace(shown.Body, "ace@", "blitz@", 1)
	a = sendFrom(t, e, map[string]any{"number": 1, "body": edited})
	assert.EqualValues(t, 201, a.at("status"), a.text)
	assert.Contains(t, string(e.Requests()[2].Body), password, "what the page did not show is still what it was")
	assert.NotContains(t, a.text, "eyJ")
	a = sendFrom(t, e, map[string]any{"operation": "login", "body": `{"email":"blitz@example.com","password":"` + password + `"}`})
	assert.EqualValues(t, 200, a.at("status"))
	edited = strings.Replace(shown.Body, "[hidden]", "another-horse-9", 1)
	sendFrom(t, e, map[string]any{"number": 1, "body": edited})
	assert.Contains(t, string(e.Requests()[4].Body), "another-horse-9", "a value that was typed over what is hidden counts")
	a = sendFrom(t, e, map[string]any{"number": 1, "body": "{"})
	assert.EqualValues(t, 400, a.at("status"))

	// the credentials are those that the request had
	send(t, e, request(t, "GET", "/smooven/v1/players/ply_1?x=1", "", "Authorization: Bearer wrong"))
	number := e.TotalCalls()
	sendFrom(t, e, map[string]any{"number": number})
	last := e.Requests()[number]
	assert.Equal(t, 401, last.Status)
	assert.Equal(t, url.Values{"x": {"1"}}, last.Query)

	tests := []struct{ name, original, edited, want string }{
		{"nothing was edited", `{"token":"abc","level":7}`, `{"token":"[hidden]","level":7}`, `{"token":"abc","level":7}`},
		{"a field is new", `{"token":"abc"}`, `{"token":"[hidden]","secret":"[hidden]"}`, `{"token":"abc","secret":"[hidden]"}`},
		{"a field is gone", `{"token":"abc","level":7}`, `{"level":8}`, `{"level":8}`},
		{"in a list", `{"push":[{"token":"a"},{"token":"b"}]}`, `{"push":[{"token":"[hidden]"},{"token":"c"},{"token":"[hidden]"}]}`, `{"push":[{"token":"a"},{"token":"c"},{"token":"[hidden]"}]}`},
		{"a number", `{"otp":123456}`, `{"otp":"[hidden]"}`, `{"otp":123456}`},
		{"what looks like a token", `{"note":"key sk_live_abcdef"}`, `{"note":"key [hidden]"}`, `{"note":"key sk_live_abcdef"}`},
		{"large numbers", `{"id":76561197960287931}`, `{"id":76561197960287931}`, `{"id":76561197960287931}`},
		{"another shape", `[1]`, `{"a":1}`, `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.JSONEq(t, tt.want, restored(tt.edited, []byte(tt.original)))
		})
	}
}

func TestScriptsGetCountsEventsAndTokens(t *testing.T) {
	e := New()
	get := func(path string, into any) {
		t.Helper()
		w := visit(t, e, "GET", InspectorPath+path, "")
		require.Equal(t, 200, w.Code, w.Body)
		assert.Contains(t, w.Header().Get("Content-Type"), "application/json")
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), into))
	}
	for _, user := range []string{"device-1", "device-1", "device 2"} {
		w := visit(t, e, "GET", InspectorPath+"/token?user="+url.QueryEscape(user), "")
		require.Equal(t, 200, w.Code)
		assert.Contains(t, w.Header().Get("Content-Type"), "text/plain")
		a := ingest(t, e, strings.TrimSpace(w.Body.String()), user,
			`{"type":"Custom","customEventName":"Won","timestamp":"2026-04-22T14:30:00+00:00","customdata":{"level":76561197960287931,"password":"planted"}}`)
		require.Equal(t, 202, a.status, a.text)
	}
	expired := strings.TrimSpace(visit(t, e, "GET", InspectorPath+"/token?user=device-1&ttl=-1s", "").Body.String())
	assert.Equal(t, "expired_token", ingest(t, e, expired, "device-1", appOpen).at("error", "message"))
	var counts countsView
	get("/counts", &counts)
	assert.Equal(t, countsView{
		Requests: 4, Refused: 1, Events: 3, Players: 2, Calls: map[string]int{"ingestEvents": 4}, Users: map[string]int{"device-1": 2, "device 2": 1},
	}, counts)
	var events []map[string]any
	get("/events?user=device%202", &events)
	require.Len(t, events, 1)
	assert.Equal(t, "Won", events[0]["customEventName"])
	assert.Equal(t, "2026-04-22T14:30:00+00:00", events[0]["timestamp"])
	assert.Equal(t, hidden, events[0]["customdata"].(map[string]any)["password"])
	assert.Contains(t, visit(t, e, "GET", InspectorPath+"/events?user=device-1", "").Body.String(), "76561197960287931", "large numbers stay exact")
	get("/events?user=nobody", &events)
	assert.Empty(t, events)
	for _, path := range []string{"/events", "/token", "/token?user=x&ttl=soon"} {
		assert.Equal(t, 400, visit(t, e, "GET", InspectorPath+path, "").Code, path)
	}
	for _, path := range []string{"/counts", "/events?user=x", "/token?user=x", "/operations"} {
		assert.Equal(t, 403, visit(t, e, "GET", InspectorPath+path, "", "Sec-Fetch-Site: same-site", "Origin: http://localhost:3000").Code, path)
	}
	for _, path := range []string{"/send", "/clear"} {
		assert.Equal(t, 403, visit(t, e, "POST", InspectorPath+path, `{"operation":"listContacts"}`, "Origin: http://localhost:3000").Code, path)
	}
	assert.Equal(t, 3, e.EventCount())
}

func TestClearEmptiesTheListsAndKeepsThePlayers(t *testing.T) {
	e := New()
	next := watch(t, e, "view=events")
	require.Equal(t, 202, ingest(t, e, e.Token("device-1", time.Hour), "device-1", appOpen).status)
	send(t, e, register(t, "ace"))
	send(t, e, request(t, "POST", fynoLive+"/event", `{"event":"login_otp","to":{"sms":"+61400000000"}}`, fynoAuth))
	code := e.Messages()[0]
	next()
	assert.Equal(t, 200, visit(t, e, "POST", InspectorPath+"/clear", "").Code)
	a := next()
	assert.Equal(t, true, a.at("reset"))
	for _, name := range []string{"requests", "refused", "events", "messages"} {
		assert.EqualValues(t, 0, a.at(name), name)
	}
	assert.Empty(t, a.at("seconds"))
	assert.EqualValues(t, 1, a.at("players"), "who has only sent events is not known any more")
	_, ok := e.Player("ace")
	assert.True(t, ok)
	require.Equal(t, 202, ingest(t, e, e.Token("device-1", time.Hour), "device-1", appOpen).status)
	assert.Len(t, shownIn(next()), 1)
	validated := send(t, e, request(t, "POST", fynoLive+"/verify/validate?request_id="+code.RequestID+"&otp="+code.OTP, "", fynoAuth))
	assert.Equal(t, 200, validated.status, "a code that was sent is still good")
}

func TestRefusalsAreGroupedByTheirRule(t *testing.T) {
	e := New()
	for i := range 3 {
		send(t, e, request(t, "POST", "/smooven/v1/players/register", fmt.Sprintf(`{"external_id":"p%d","channels":{"sms":7}}`, i), smoovenAuth))
		send(t, e, request(t, "GET", fmt.Sprintf("/smooven/v1/players/ply_%d", i), "", smoovenAuth))
		send(t, e, request(t, "GET", fmt.Sprintf("/smartsender/v1/contacts/%d", 100+i), "", smartSenderAuth))
		ingest(t, e, e.Token("ace", time.Hour), "ace", strings.Repeat(appOpen+",", i)+`{"type":"AppShut","timestamp":"2026-04-22T14:30:00+00:00"}`)
	}
	send(t, e, register(t, "ace"))
	ingest(t, e, e.Token("blitz", time.Hour), "ace", appOpen)
	ingest(t, e, "", "ace", appOpen)
	send(t, e, request(t, "GET", "/elsewhere", ""))
	send(t, e, request(t, "PUT", "/smooven/v1/players/ply_1", "", smoovenAuth))
	send(t, e, request(t, "GET", fynoLive+"/profiles/nobody", "", fynoAuth))
	e.Inject(Fault{Operation: "login", Status: http.StatusServiceUnavailable})
	send(t, e, request(t, "POST", "/playsmart/auth/login", "{}"))

	a := watch(t, e, "view=refusals")()
	assert.EqualValues(t, 18, a.at("refused"))
	type group struct{ operation, rule, mend string }
	found := map[group]float64{}
	for _, row := range shownIn(a) {
		row := row.(map[string]any)
		found[group{row["operation"].(string), row["rule"].(string), row["mend"].(string)}] = row["count"].(float64)
		example := visit(t, e, "GET", fmt.Sprintf("%s/request/%.0f", InspectorPath, row["example"]), "")
		assert.Equal(t, 200, example.Code)
	}
	want := []struct {
		operation, rule, mend string
		count                 float64
	}{
		{"registerPlayer", "body.channels.sms must be a string", "Change channels.sms in the body: it must be a string.", 3},
		{"getPlayer", "no player \u2026", "Create it first, and use the id that the service gave it.", 3},
		{"getContact", "contact \u2026 does not exist", "Create it first, and use the id that the service gave it.", 3},
		{"ingestEvents", `body.events[` + "\u2026" + `].type must be one of "AppOpen", "LevelCompleted", "GameEnd", "AdImpression", "IAPPurchase", "Custom"`, "Change events[2].type in the body: it must be one of", 3},
		{"ingestEvents", "user_id_mismatch", "Send each player's events with that player's own token", 1},
		{"ingestEvents", "missing_bearer_token", "/_inspector/token?user=ID", 1},
		{"GET", "no service under this path", "/_inspector/env", 1},
		{"PUT", "no such path or method", "Use another method", 1},
		{"getProfile", "incorrect/non existing distinct_id provided", "Create the profile or the channel first", 1},
		{"login", "fault: status 503", "A switch or a script of the emulator did this", 1},
	}
	for _, w := range want {
		ok := false
		for g, count := range found {
			ok = ok || g.operation == w.operation && g.rule == w.rule && strings.Contains(g.mend, w.mend) && count == w.count
		}
		assert.True(t, ok, "%+v is not among %+v", w, found)
	}
	assert.Len(t, found, len(want))
	assert.EqualValues(t, 3, a.at("rows", 0, "count"), "the largest group comes first")
	assert.Len(t, shownIn(watch(t, e, "view=refusals&q=user_id")()), 1)
	assert.Empty(t, shownIn(watch(t, New(), "view=refusals")()))
}

func TestPlayersByTheirLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		for _, id := range []string{"blitz", "ace", "nova", "ace"} {
			require.Equal(t, 202, ingest(t, e, e.Token(id, time.Hour), id, appOpen).status)
			time.Sleep(time.Second)
		}
		send(t, e, register(t, "rook"))
		ids := func(query string) (ids []any) {
			for i := range shownIn(watch(t, e, query)()) {
				ids = append(ids, watch(t, e, query)().at("rows", i, "id"))
			}
			return ids
		}
		assert.Equal(t, []any{"ace", "blitz", "nova", "rook"}, ids("view=players"))
		assert.Equal(t, []any{"ace", "nova", "blitz", "rook"}, ids("view=players&only=recent"), "who has sent none comes last")
	})
}
