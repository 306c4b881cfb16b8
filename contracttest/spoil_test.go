package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The proxy must find each fault, and for the right reason. These tests spoil requests and answers
// on the way.

func TestSpoiledRequestsAreFound(t *testing.T) {
	cs := loaded(t)
	for _, row := range []struct {
		name      string
		send      send
		spoil     func(*http.Request, []byte) []byte
		operation string
		place     string
		rule      string
	}{
		{
			"a required field is missing", register, body(func(b map[string]any) { delete(b, "external_id") }),
			"registerPlayer", "body/external_id", "required",
		},
		{
			"a required field inside is missing", ingest, body(func(b map[string]any) { delete(inside(b, "events"), "timestamp") }),
			"ingestEvents", "body/events/0/timestamp", "required",
		},
		{
			"one of two is required", fire, body(func(b map[string]any) { delete(b, "distinct_id"); delete(b, "to") }),
			"fireEvent", "body", "anyOf",
		},
		{"a wrong type", register, body(func(b map[string]any) { b["tags"] = "beta" }), "registerPlayer", "body/tags", "type"},
		{"null", create, body(func(b map[string]any) { b["name"] = nil }), "createProfile", "body/name", "nullable"},
		{
			"an unknown field", register, body(func(b map[string]any) { b["nick"] = "ace" }),
			"registerPlayer", "body", "additionalProperties",
		},
		{
			"an unknown field inside", fire, body(func(b map[string]any) { inside(b, "to")["fax"] = "1" }),
			"fireEvent", "body/to", "additionalProperties",
		},
		{
			"a wrong enum value", create, body(func(b map[string]any) { b["timezone"] = "Mars/Olympus" }),
			"createProfile", "body/timezone", "enum",
		},
		{
			"an event type that does not exist", ingest, body(func(b map[string]any) { inside(b, "events")["type"] = "LevelUp" }),
			"ingestEvents", "body/events/0/type", "enum",
		},
		{
			"a pattern", register, body(func(b map[string]any) { inside(b, "preferences", "quiet_hours")["start"] = "25:00" }),
			"registerPlayer", "body/preferences/quiet_hours/start", "pattern",
		},
		{
			"no date", ingest, body(func(b map[string]any) { inside(b, "events")["timestamp"] = "yesterday" }),
			"ingestEvents", "body/events/0/timestamp", "format",
		},
		{
			"too long a text", newContact, body(func(b map[string]any) { b["firstName"] = strings.Repeat("x", 256) }),
			"createContactGate", "body/firstName", "maxLength",
		},
		{
			"an empty text", newContact, body(func(b map[string]any) { b["identifier"] = "" }),
			"createContactGate", "body/identifier", "minLength",
		},
		{"201 events", ingest, body(func(b map[string]any) {
			events := b["events"].([]any)
			for len(events) < 201 {
				events = append(events, events[0])
			}
			b["events"] = events
		}), "ingestEvents", "body/events", "maxItems"},
		{"no events", ingest, body(func(b map[string]any) { b["events"] = []any{} }), "ingestEvents", "body/events", "minItems"},
		{
			"none of two forms", link, body(func(b map[string]any) { inside(b, "matchCriteria")["phoneNumber"] = "+61400000000" }),
			"createClient", "body/matchCriteria", "oneOf",
		},
		{"no body", register, func(*http.Request, []byte) []byte { return nil }, "registerPlayer", "body", "required"},
		{"a body that is no JSON", register, func(*http.Request, []byte) []byte { return []byte("{") }, "registerPlayer", "body", "json"},
		{"a body where none is known", search, func(*http.Request, []byte) []byte { return []byte("{}") }, "searchContacts", "", "overlooked"},
		{
			"another content type", register, head(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }),
			"registerPlayer", "header.Content-Type", "content type",
		},
		{
			"a query parameter is missing", search, head(func(r *http.Request) { r.URL.RawQuery = "limitation=20" }),
			"searchContacts", "query.term", "required",
		},
		{
			"a query parameter of the wrong type", search, head(func(r *http.Request) { r.URL.RawQuery = "term=x&limitation=many" }),
			"searchContacts", "query.limitation", "type",
		},
		{
			"a query parameter beyond its maximum", search, head(func(r *http.Request) { r.URL.RawQuery = "term=x&limitation=21" }),
			"searchContacts", "query.limitation", "maximum",
		},
		{
			"an unknown query parameter", search, head(func(r *http.Request) { r.URL.RawQuery = "term=x&size=20" }),
			"searchContacts", "", "overlooked",
		},
		{"a path parameter that is none of its values", create, head(func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/live/", "/prod/", 1)
		}), "createProfile", "path.version", "enum"},
		{"a path that is not there", register, head(func(r *http.Request) { r.URL.Path += "/now" }), "", "", "path"},
		{"a path of no service", register, head(func(r *http.Request) { r.URL.Path = "/players/register" }), "", "", "path"},
		{"a method that the path does not have", register, head(func(r *http.Request) { r.Method = http.MethodPut }), "", "", "method"},
		{"no bearer token", search, head(func(r *http.Request) { r.Header.Del("Authorization") }), "searchContacts", "", "security"},
		{"no basic auth and no JWT", link, head(func(r *http.Request) { r.Header.Del("Authorization") }), "createClient", "", "security"},
		{
			"a token of another scheme", search, head(func(r *http.Request) { r.Header.Set("Authorization", "Token x") }),
			"searchContacts", "", "security",
		},
		{
			"credentials where none are asked for", login, head(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }),
			"login", "", "overlooked",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStage(t, cs)
			s.proxy.spoilRequest = row.spoil
			_ = row.send(t.Context(), s) // what the emulator makes of it is another test's business
			found := s.proxy.found()
			require.NotEmpty(t, found)
			first := found[0]
			assert.Equal(t, "request", first.side)
			assert.Equal(t, row.operation, first.operation)
			assert.Equal(t, row.place, first.place, "%v", first)
			assert.Equal(t, row.rule, first.rule, "%v", first)
		})
	}
}

func TestSpoiledAnswersAreFound(t *testing.T) {
	cs := loaded(t)
	edit := func(edit func(map[string]any)) func(*answer) {
		return func(a *answer) { a.body = edited(a.body, edit) }
	}
	for _, row := range []struct {
		name      string
		send      send
		spoil     func(*answer)
		operation string
		place     string
		rule      string
	}{
		{
			"a required field is missing", register, edit(func(b map[string]any) { delete(b, "created") }),
			"registerPlayer", "body/created", "required",
		},
		{
			"a required field inside is missing", fire, edit(func(b map[string]any) { delete(inside(b, "response", "sms"), "msg_id") }),
			"fireEvent", "body/response/sms/msg_id", "required",
		},
		{"a wrong type", ingest, edit(func(b map[string]any) { b["success"] = "yes" }), "ingestEvents", "body/success", "type"},
		{
			"a wrong type in a list", search, edit(func(b map[string]any) { b["collection"] = []any{map[string]any{"id": "one"}} }),
			"searchContacts", "body/collection/0/id", "type",
		},
		{"null", search, edit(func(b map[string]any) { b["cursor"] = nil }), "searchContacts", "body/cursor", "nullable"},
		{
			"a wrong enum value", link, edit(func(b map[string]any) { inside(b, "client")["status"] = "lost" }),
			"createClient", "body/client/status", "enum",
		},
		{"a success that is none", create, edit(func(b map[string]any) { b["status"] = "fine" }), "createProfile", "body/status", "enum"},
		{"a status that is not known", create, func(a *answer) { a.status = http.StatusAccepted }, "createProfile", "status", "status"},
		{
			"a success with another status' body", create, func(a *answer) { a.status = http.StatusBadRequest },
			"createProfile", "body/status", "enum",
		},
		{"no JSON", create, func(a *answer) { a.body = []byte("<html>") }, "createProfile", "body", "json"},
		{"no body", create, func(a *answer) { a.body = nil }, "createProfile", "body", "json"},
		{
			"another content type", create, func(a *answer) { a.header.Set("Content-Type", "text/html") },
			"createProfile", "header.Content-Type", "content type",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newStage(t, cs)
			s.proxy.spoilAnswer = row.spoil
			_ = row.send(t.Context(), s) // what the SDK makes of it is the root package's business
			found := s.proxy.found()
			require.NotEmpty(t, found)
			first := found[0]
			assert.Equal(t, "response", first.side)
			assert.Equal(t, row.operation, first.operation)
			assert.Equal(t, row.place, first.place, "%v", first)
			assert.Equal(t, row.rule, first.rule, "%v", first)
		})
	}
}

func TestWhatIsNotSpoiledIsNotFound(t *testing.T) {
	cs := loaded(t)
	for name, send := range map[string]send{
		"register": register, "ingest": ingest, "fire": fire, "create": create, "search": search, "contact": newContact, "link": link, "login": login,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, cs)
			_ = send(t.Context(), s) // some are refused by a fresh emulator, in the contract's words
			require.Empty(t, s.proxy.found())
			require.Equal(t, 1, s.proxy.total)
		})
	}
}

// Incomplete coverage must fail, and name the missing items.
func TestMissingCoverageFails(t *testing.T) {
	cs := loaded(t)
	r := &report{coverage: newCoverage(cs), called: map[string]bool{"Players.Get": true, "Players.Lose": false}}
	require.Equal(t, 0, r.coverage.count(operations))
	err := r.err()
	require.ErrorContains(t, err, "missing from operations covered: fireEvent\n")
	require.ErrorContains(t, err, "missing from request fields sent: fireEvent body.to.sms\n")
	require.ErrorContains(t, err, "missing from request forms sent: createClient body.matchCriteria<MailgunMatch>\n")
	require.ErrorContains(t, err, "methods not called: Players.Lose")
}
