package emulator

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests as the vendors' own clients send them, and others that the services take although a
// client of this library sends none like them.

const (
	fynoAuth        = "Authorization: Bearer " + FynoKey
	smartSenderAuth = "Authorization: Bearer " + SmartSenderToken
	fynoLive        = FynoPath + "/" + FynoWorkspace + "/live"
)

// Fyno's SDK for Node, version 1.2.0: it makes each of these requests once.
func TestTheSDKForNodeOfFyno(t *testing.T) {
	e := New()
	do := func(method, path, body string, status int) answer {
		t.Helper()
		a := send(t, e, request(t, method, fynoLive+path, body, fynoAuth, "Accept: application/json, text/plain, */*", "User-Agent: axios/1.9.0"))
		require.Equal(t, status, a.status, a.text)
		return a
	}
	do("POST", "/profiles/", `{"distinct_id":"ace","name":"Ace"}`, 201)
	do("GET", "/profiles/ace", "", 200)
	do("PUT", "/profiles/ace", `{"distinct_id":"ace","status":0}`, 200)
	do("PATCH", "/profiles/ace/channel", `{"channel":{"push":[{"token":"t-1","status":1}]}}`, 200)
	do("PATCH", "/profiles/ace/channel", `{"channel":{"slack":"ace@example.com"}}`, 200)
	do("POST", "/profiles/ace/channel/delete", `{"push":["t-1"]}`, 200)
	do("POST", "/event", `{"event":"welcome","to":{"sms":"+61400000000"}}`, 202)
	do("POST", "/event/bulk", `{"event":"welcome","batch":[{"to":{"sms":"+61400000000"}}]}`, 202)

	do("GET", "/profiles/", "", 405)
	do("POST", "/profiles//", `{"distinct_id":"blitz"}`, 404)
	do("GET", "/profiles/ace/", "", 200)
	a := send(t, e, request(t, "GET", SmoovenPath+"/players/register/", "", smoovenAuth))
	assert.Equal(t, 404, a.status, "of the other services nobody knows that they take a slash at the end")
}

// SmartSender's SDK for PHP sends the paging of a contact's gates as the JSON body of a GET, and []
// for none.
func TestTheSDKForPHPOfSmartSender(t *testing.T) {
	e := New()
	a := send(t, e, request(t, "POST", SmartSenderPath+"/channels/1/gates", `{"identifier":"61400000000","firstName":"Ace"}`, smartSenderAuth))
	require.Equal(t, 200, a.status, a.text)
	for _, name := range []string{"blitz", "nova"} {
		e.AddContact(Contact{FirstName: name})
	}
	const gates = "/contacts/1/gates"
	tests := []struct {
		name, path, body string
		headers          []string
		status, items    int
		says             string
	}{
		{"paging", gates, `{"page":1,"limitation":20}`, nil, 200, 1, ""},
		{"numbers as text", gates, `{"page":"1","limitation":"20"}`, nil, 200, 1, ""},
		{"the second page", gates, `{"page":2}`, nil, 200, 0, ""},
		{"no paging", gates, `[]`, nil, 200, 1, ""},
		{"an empty object", gates, `{}`, nil, 200, 1, ""},
		{"null is none", gates, `{"page":null}`, nil, 200, 1, ""},
		{"contacts", "/contacts", `{"page":1,"limitation":2}`, nil, 200, 2, ""},
		{"a search, half in the query", "/contacts/search?term=blitz", `{"limitation":2}`, nil, 200, 1, ""},
		{"a search in the body", "/contacts/search", `{"term":"nova"}`, nil, 200, 1, ""},
		{"too large a page", gates, `{"limitation":21}`, nil, 400, 0, "query.limitation must be at most 20"},
		{"page 0", gates, `{"page":0}`, nil, 400, 0, "query.page must be at least 1"},
		{"something else", gates, `{"pages":1}`, nil, 400, 0, "body.pages is not a parameter of this request"},
		{"in both", gates + "?page=1", `{"page":1}`, nil, 400, 0, "query.page must be given once"},
		{"a list", gates, `[1]`, nil, 400, 0, "body must be an object"},
		{"a list as a value", gates, `{"page":[1]}`, nil, 400, 0, "body.page must be a text or a number"},
		{"no JSON", gates, `page=1`, nil, 400, 0, "body must be one JSON value"},
		{"another media type", gates, `{"page":1}`, []string{"Content-Type: text/plain"}, 400, 0, "header.Content-Type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, "GET", SmartSenderPath+tt.path, tt.body, append(tt.headers, smartSenderAuth)...))
			require.Equal(t, tt.status, a.status, a.text)
			assert.Contains(t, a.text, tt.says)
			if tt.status == 200 {
				assert.Len(t, a.at("collection"), tt.items)
			}
		})
	}
	a = send(t, e, request(t, "DELETE", SmartSenderPath+"/contacts/1", `{}`, smartSenderAuth))
	assert.Equal(t, 400, a.status, "no other method takes a body that its contract has not")
	a = send(t, e, request(t, "GET", fynoLive+"/profiles/ace", `{}`, fynoAuth))
	assert.Equal(t, 400, a.status)
	assert.Contains(t, a.text, "body must be absent")
}

func TestWhatTheServicesTake(t *testing.T) {
	e := New()
	token := "Authorization: Bearer " + e.Token("device-1", 1<<40)
	const smooven, ingest = SmoovenPath + "/players", PlaySmartPath + "/ingest/events"
	event := func(at string) string {
		return `{"user_id":"device-1","game_id":"com.example.stackblaster","events":[{"type":"AppOpen","timestamp":"` + at + `"}]}`
	}
	tests := []struct {
		name, method, path, body, auth string
		status                         int
	}{
		{"a time with Z", "POST", ingest, event("2026-04-22T14:30:00Z"), token, 202},
		{"a time with Z and a fraction", "POST", ingest, event("2026-04-22T14:30:00.123Z"), token, 202},
		{"a time with an offset", "POST", ingest, event("2026-04-22T14:30:00+10:00"), token, 202},
		{"a time without a zone", "POST", ingest, event("2026-04-22T14:30:00"), token, 400},
		{"a profile whose status is null", "POST", fynoLive + "/profiles", `{"distinct_id":"ace","status":null}`, fynoAuth, 201},
		{"a token whose status is null", "PATCH", fynoLive + "/profiles/ace/channel", `{"channel":{"push":[{"token":"t","status":null}]}}`, fynoAuth, 200},
		{"an inactive profile", "PUT", fynoLive + "/profiles/ace", `{"status":0}`, fynoAuth, 200},
		{"a name that is null", "PUT", fynoLive + "/profiles/ace", `{"name":null}`, fynoAuth, 400},
		{"a status of 2", "PUT", fynoLive + "/profiles/ace", `{"status":2}`, fynoAuth, 400},
		{"another channel is preferred", "POST", smooven + "/register", `{"external_id":"ace","channels":{},"preferences":{"preferred_channel":"whatsapp"}}`, smoovenAuth, 200},
		{"another platform", "POST", smooven + "/register", `{"external_id":"ace","channels":{"push":{"platform":"huawei","device_token":"t"}}}`, smoovenAuth, 200},
		{"a platform that is no text", "POST", smooven + "/register", `{"external_id":"ace","channels":{"push":{"platform":7,"device_token":"t"}}}`, smoovenAuth, 400},
		{"an id twice in one import", "POST", smooven + "/batch", `{"players":[{"external_id":"nova","channels":{}},{"external_id":"nova","channels":{"email":"nova@example.com"}}]}`, smoovenAuth, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, tt.method, tt.path, tt.body, tt.auth))
			assert.Equal(t, tt.status, a.status, a.text)
		})
	}
	nova, ok := e.Player("nova")
	require.True(t, ok)
	assert.Equal(t, "nova@example.com", nova.Channels.Email, "of an id that is there twice, what comes later counts")
	shown := send(t, e, request(t, "GET", fynoLive+"/profiles/ace", "", fynoAuth))
	assert.EqualValues(t, 0, shown.at("status"))
	send(t, e, request(t, "PUT", fynoLive+"/profiles/ace", `{"status":null}`, fynoAuth))
	shown = send(t, e, request(t, "GET", fynoLive+"/profiles/ace", "", fynoAuth))
	assert.EqualValues(t, 1, shown.at("status"), "null is the default, and not nothing")
}

func TestBothKeysOfAnOTP(t *testing.T) {
	e := New()
	a := send(t, e, request(t, "POST", fynoLive+"/event", `{"event":"login_otp","to":{"sms":"+61400000000"}}`, fynoAuth))
	require.Equal(t, 202, a.status, a.text)
	otp := e.Messages()[0].OTP
	validate := func(query string) answer {
		return send(t, e, request(t, "POST", fynoLive+"/verify/validate?"+query, "", fynoAuth))
	}
	id := a.at("request_id").(string)
	a = validate("request_id=unknown&destination=%2B61400000000&otp=" + otp)
	assert.Equal(t, 400, a.status, "the request id counts")
	a = validate("request_id=" + id + "&destination=%2B61400000000&otp=" + otp)
	assert.Equal(t, 200, a.status, a.text)
}

// The messages of the reference, letter by letter.
func TestFynoSaysNoAsItsReferenceDoes(t *testing.T) {
	const base = FynoPath + "/" + FynoWorkspace
	e := New(WithFynoEvents("login_otp", "welcome"))
	for _, id := range []string{"ace", "blitz"} {
		send(t, e, request(t, "POST", base+"/live/profiles", `{"distinct_id":"`+id+`","channel":{"sms":"+61400000000"}}`, fynoAuth))
	}
	a := send(t, e, request(t, "POST", base+"/live/event", `{"event":"login_otp","distinct_id":"ace"}`, fynoAuth))
	require.Equal(t, 202, a.status, a.text)
	id := a.at("request_id").(string)
	tests := []struct{ name, method, path, body, says string }{
		{"an event that is not there", "POST", "/live/event", `{"event":"welcom","distinct_id":"ace"}`, "The notification event name 'welcom' is invalid or does not exists on prod"},
		{"it in another case", "POST", "/live/event", `{"event":"Welcome","distinct_id":"ace"}`, "The notification event name 'Welcome' is invalid or does not exists on prod"},
		{"it in bulk", "POST", "/live/event/bulk", `{"event":"nothing","batch":[{"distinct_id":"ace"}]}`, "The notification event name 'nothing' is invalid or does not exists on prod"},
		{"it on test", "POST", "/test/event", `{"event":"nothing","to":{"sms":"+61400000000"}}`, "The notification event name 'nothing' is invalid or does not exists on test"},
		{"an event for nobody", "POST", "/live/event", `{"event":"welcome","distinct_id":"nobody"}`, "incorrect/non existing distinct_id provided"},
		{"a profile twice", "POST", "/live/profiles", `{"distinct_id":"ace"}`, "Distinct ID 'ace' already exists in the 'live' version of your workspace"},
		{"no profile", "GET", "/live/profiles/nobody", "", "incorrect/non existing distinct_id provided"},
		{"no profile to update", "PUT", "/live/profiles/nobody", `{"name":"x"}`, "Unable to update the record since the record does not exist"},
		{"no profile to merge", "PATCH", "/live/profiles/nobody/merge/ace", "", "merge from id does not exist"},
		{"no profile to delete", "POST", "/live/profiles/delete", `{"distinct_id":["nobody"]}`, "Cannot delete non existing user"},
		{"no profile for a channel", "PATCH", "/live/profiles/nobody/channel", `{"channel":{"email":"x@example.com"}}`, "incorrect/non existing distinct_id provided"},
		{"no channel to delete", "POST", "/live/profiles/ace/channel/delete", `{"channel":["slack"]}`, "Unable to delete channel since the channel does not exist"},
		{"no token to delete", "POST", "/live/profiles/ace/channel/delete", `{"push":["t"]}`, "Unable to delete channel since the channel does not exist"},
		{"preferences of nobody in particular", "GET", "/live/subscriptions/preference", "", "distinct_id is required to list preference!"},
		{"preferences of an empty id", "GET", "/live/subscriptions/preference?distinct_id=", "", "distinct_id is required to list preference!"},
		{"preferences for nobody in particular", "PUT", "/live/subscriptions/preference", `{"user_preference":{"all":{"sms":"opted-in"}}}`, "distinct_id is required!"},
		{"a topic for nobody in particular", "POST", "/live/subscriptions/list/all/user", `{"channel":"sms","status":"opted-in"}`, "distinct_id is required!"},
		{"a topic without a channel", "POST", "/live/subscriptions/list/all/user", `{"distinct_id":"ace","status":"opted-in"}`, "channel is required!"},
		{"a topic without a status", "POST", "/live/subscriptions/list/all/user", `{"distinct_id":"ace","channel":"sms"}`, "status is required!"},
		{"a wrong code", "POST", "/live/verify/validate?otp=x&request_id=" + id, "", "user entered the wrong OTP"},
		{"$set is empty", "POST", "/live/profiles/properties/set", `{"distinct_id":"ace","$set":{}}`, "$set has object/keys that is not allowed"},
		{"an object in $set", "POST", "/live/profiles/properties/set", `{"distinct_id":"ace","$set":{"clan":{}}}`, "$set has object/keys that is not allowed"},
		{"$once is empty", "POST", "/live/profiles/properties/set-once", `{"distinct_id":"ace","$once":{}}`, "$once has object/keys that is not allowed"},
		{"$add is empty", "POST", "/live/profiles/properties/numerical-add", `{"distinct_id":"ace","$add":{}}`, "$add has object/keys that is not allowed"},
		{"a text in $add", "POST", "/live/profiles/properties/numerical-add", `{"distinct_id":"ace","$add":{"coins":"7"}}`, "$add has object/keys that is not allowed"},
		{"$append is empty", "POST", "/live/profiles/properties/list-append", `{"distinct_id":"ace","$append":{}}`, "$append has object/keys that is not allowed"},
		{"$remove is empty", "POST", "/live/profiles/properties/list-remove", `{"distinct_id":"ace","$remove":{}}`, "$remove has object/keys that is not allowed"},
		{"$unset is empty", "POST", "/live/profiles/properties/unset", `{"distinct_id":"ace","$unset":[]}`, "$unset channel should have atleast one item in array"},
		{"$set in a batch is empty", "POST", "/live/profiles/properties/batch", `{"batch":[{"distinct_id":"ace","action":{"$set":{}}}]}`, "$set has object/keys that is not allowed"},
		{"$unset in a batch is empty", "POST", "/live/profiles/properties/batch", `{"batch":[{"distinct_id":"ace","action":{"$unset":[]}}]}`, "$unset channel should have atleast one item in array"},
		{"a number that is none", "POST", "/suppressions", `{"destination":"0400","channel":"sms"}`, "Invalid destination for channel sms"},
		{"an address that is none", "POST", "/suppressions", `{"destination":"ace","channel":"email"}`, "Invalid destination for channel email"},
		{"nothing that is suppressed", "DELETE", "/suppressions?distinct_id=ace", "", "Unable to delete non existing data!"},
		// what the reference has no words for
		{"a field that is not known", "POST", "/live/profiles", `{"distinct_id":"nova","nickname":"x"}`, "body.nickname is not a field of this request"},
		{"a property's player is missing", "POST", "/live/profiles/properties/set", `{"$set":{"clan":"owls"}}`, "body.distinct_id is required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, tt.method, base+tt.path, tt.body, fynoAuth))
			assert.Equal(t, 400, a.status)
			assert.Equal(t, tt.says, a.at("_message"))
			assert.Equal(t, "error", a.at("status"))
		})
	}
	requests := e.Requests()
	for _, r := range requests {
		if strings.Contains(string(r.Body), `"$set":{}`) && r.Operation == "setProperties" {
			assert.Equal(t, "body.$set must have at least 1 field", r.Violation, "the record has the rule")
		}
	}
	assert.Empty(t, e.Messages()[1:], "an event that is not there leads to no message")

	none := New(WithFynoEvents())
	a = send(t, none, request(t, "POST", base+"/live/event", `{"event":"welcome","to":{"sms":"+61400000000"}}`, fynoAuth))
	assert.Equal(t, 400, a.status)
	every := New()
	a = send(t, every, request(t, "POST", base+"/live/event", `{"event":"welcome","to":{"sms":"+61400000000"}}`, fynoAuth))
	assert.Equal(t, 202, a.status, "where no event is declared, every event is there")
}
