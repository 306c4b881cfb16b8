package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzRequest sends any method, path, query and body with valid credentials: the handler never
// panics, never answers 5xx on its own, and refuses in JSON.
func FuzzRequest(f *testing.F) {
	token := New().Token("ace", 24*time.Hour)
	seeds := []struct{ method, path, query, body string }{
		{"POST", "/smooven/v1/players/register", "", `{"external_id":"ace","channels":{"sms":"+61400000000","push":{"device_token":"d"}},"tags":["a"]}`},
		{"POST", "/smooven/v1/players/batch", "", `{"players":[{"external_id":"ace","channels":{"email":"ace@example.com"}},{"external_id":"b","channels":{"sms":""}}]}`},
		{"GET", "/smooven/v1/players/ply_000001", "", ""},
		{"DELETE", "/smooven/v1/players/a%2Fb%00", "", ""},
		{"PUT", "/smooven/v1/players/..", "a=%zz;", "null"},
		{"POST", "/playsmart/ingest/events", "", `{"user_id":"ace","game_id":"g","events":[{"type":"Custom","customEventName":"x","timestamp":"2026-04-22T14:30:00+00:00","customdata":{"n":1e308,"\u0000":[{}]}}]}`},
		{"POST", "/playsmart/auth/register", "", `{"email":"ace@example.com","password":"12345678","deviceId":"d"}`},
		{"POST", "/playsmart/auth/login", "", `{"email":"ace@example.com","password":"12345678"}`},
		{"POST", sunshineUser, "brandId=b", `{"matchCriteria":` + twilioMatch + `,"confirmation":{"type":"prompt","message":{"author":{"type":"user"},"content":{"type":"image","mediaUrl":"m"},"metadata":{"a":1}}},"target":{"conversationId":"c"}}`},
		{"GET", sunshineUser, "page[size]=2&page[before]=5f0000000000000000000001", ""},
		{"GET", sunshineUser, "page[after]=ffffffffffffffffffffffff", ""},
		{"DELETE", sunshineUser + "/5f0000000000000000000001", "", ""},
		{"POST", "/playsmart/ingest/events", "", strings.Repeat("[", 600)},
		{"POST", "/playsmart/ingest/events", "", `{"user_id":1,"user_id":2}`},
		{"OPTIONS", "*", "", ""},
		{"POST", "/fyno/v1/FYEMULATOR/live/event", "", `{"event":"login_otp","to":{"sms":"+61400000000","push":"t"},"data":{"a":1},"callback":{"custom_id":"1","allowlist_url":["x"]}}`},
		{"POST", "/fyno/v1/FYEMULATOR/test/event/bulk", "", `{"event":"e","batch":[{"distinct_id":"ace"},{"to":{"email":"ace@example.com"}}]}`},
		{"POST", "/fyno/v1/FYEMULATOR/live/profiles", "", `{"distinct_id":"ace","timezone":"Asia/Kolkata","status":1,"channel":{"sms":"+61400000000","push":[{"token":"t","integration_id":null}]}}`},
		{"POST", "/fyno/v1/FYEMULATOR/live/profiles/properties/batch", "", `{"batch":[{"distinct_id":"ace","action":{"$set":{"a":1,"b":["x"]},"$add":{"a":1e308},"$append":{"b":"y"},"$unset":["a"]}}]}`},
		{"PATCH", "/fyno/v1/FYEMULATOR/live/profiles/ace/merge/blitz", "", ""},
		{"POST", "/fyno/v1/FYEMULATOR/live/verify/validate", "otp=1&destination=x", ""},
		{"PUT", "/fyno/v1/FYEMULATOR/live/subscriptions/preference", "distinct_id=ace", `{"user_preference":{"all":{"sms":"opted-out"}}}`},
		{"DELETE", "/fyno/v1/FYEMULATOR/suppressions", "_id=1", ""},
		{"POST", "/smartsender/v1/channels/1/gates", "", `{"identifier":"1","firstName":"ace","email":"ace@example.com","parameters":{"level":3,"x":[null]}}`},
		{"PUT", "/smartsender/v1/contacts/1", "", `{"values":{"level":{"a":[1]},"email":"no","phone":1e99}}`},
		{"GET", "/smartsender/v1/contacts/search", "term=a&page=9223372036854775807&limitation=20", ""},
		{"POST", "/smartsender/v1/contacts/1/unite/1", "", ""},
	}
	for _, s := range seeds {
		f.Add(s.method, s.path, s.query, s.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		target, err := url.Parse(path)
		if err != nil || strings.ContainsAny(method, " \r\n") || method == "" {
			t.Skip("net/http would not have read it")
		}
		target.RawQuery = query
		r := &http.Request{
			Method: method, URL: target, Host: "emulator.example.com", Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		switch {
		case strings.HasPrefix(path, SunshinePath):
			r.SetBasicAuth(SunshineKeyID, SunshineSecret)
		case strings.HasPrefix(path, PlaySmartPath):
			r.Header.Set("Authorization", "Bearer "+token)
		case strings.HasPrefix(path, FynoPath):
			r.Header.Set("Authorization", "Bearer "+FynoKey)
		case strings.HasPrefix(path, SmartSenderPath):
			r.Header.Set("Authorization", "Bearer "+SmartSenderToken)
		default:
			r.Header.Set("Authorization", "Bearer "+SmoovenKey)
		}
		e := New() // a new one each time, so that the same input takes the same way
		send(t, e, register(t, "ace"))
		e.AddClient("ace", "whatsapp")
		send(t, e, request(t, "POST", "/smartsender/v1/channels/1/gates", `{"identifier":"1","firstName":"ace"}`, "Authorization: Bearer "+SmartSenderToken))
		send(t, e, request(t, "POST", "/fyno/v1/FYEMULATOR/live/profiles", `{"distinct_id":"ace"}`, "Authorization: Bearer "+FynoKey))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code < 200 {
			t.Fatalf("%s %s: status %d: %s", method, path, w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s: status %d: not JSON: %s", method, path, w.Code, w.Body)
		}
	})
}
