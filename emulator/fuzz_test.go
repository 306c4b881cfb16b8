package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzRequest sends any method, path, query and body with valid credentials: the handler never panics, never answers 5xx
// on its own, and refuses in JSON.
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
			Body: httptest.NewRequest("POST", "/", strings.NewReader(body)).Body, ContentLength: int64(len(body)),
		}
		switch {
		case strings.HasPrefix(path, SunshinePath):
			r.SetBasicAuth(SunshineKeyID, SunshineSecret)
		case strings.HasPrefix(path, PlaySmartPath):
			r.Header.Set("Authorization", "Bearer "+token)
		default:
			r.Header.Set("Authorization", "Bearer "+SmoovenKey)
		}
		e := New() // a new one each time, so that the same input takes the same way
		send(t, e, register(t, "ace"))
		e.AddClient("ace", "whatsapp")
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
