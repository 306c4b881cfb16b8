package emulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// SmartSender: tokens, gates, pages, and its own way to say no.

func newSmartSenderTest(t *testing.T, with ...Option) (serviceTest, *smartSender) {
	var o options
	for _, option := range with {
		option(&o)
	}
	s := newSmartSender(&o)
	return serviceTest{T: t, service: s}, s
}

// createContact makes a contact through a WhatsApp gate and returns the contact's id, as text for a
// path.
func createContact(st serviceTest, s *smartSender, body string) string {
	st.Helper()
	gate := st.want(http.StatusOK, "createContactGate", body, "channelId", "1")
	return fmt.Sprint(s.gateContact(int64(gate["id"].(float64))))
}

func (st serviceTest) contact(id string) map[string]any {
	st.Helper()
	return st.want(http.StatusOK, "getContact", nil, "contactId", id)
}

func TestSmartSenderAuthorizesTheToken(t *testing.T) {
	for _, tc := range []struct {
		name, authorization string
		refused             bool
	}{
		{"token", "Bearer " + SmartSenderToken, false},
		{"none", "", true},
		{"another", "Bearer x" + SmartSenderToken, true},
		{"another scheme", "Basic " + SmartSenderToken, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, s := newSmartSenderTest(t)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/smartsender/v1/contacts", nil)
			r.Header.Set("Authorization", tc.authorization)
			_, refusal := s.authorize(r, "listContacts")
			if !tc.refused {
				assert.Nil(t, refusal)
				return
			}
			require.NotNil(t, refusal)
			assert.Equal(t, http.StatusUnauthorized, refusal.status)
			assert.JSONEq(t, `{"error":{"code":401,"message":"Unauthenticated"}}`, string(jsonOf(t, refusal.body)))
		})
	}
}

func TestSmartSenderSaysNoInItsOwnWords(t *testing.T) {
	st, s := newSmartSenderTest(t)
	invalid := s.invalid("listContacts", violation{field: "query.limitation", rule: "must be at most 20"})
	assert.Equal(t, http.StatusBadRequest, invalid.status)
	assert.JSONEq(t, `{"error":{"code":400,"message":"query.limitation must be at most 20"}}`, string(jsonOf(t, invalid.body)))
	refusal := s.refusal(http.StatusMethodNotAllowed, "100% no")
	assert.Equal(t, http.StatusMethodNotAllowed, refusal.status)
	assert.JSONEq(t, `{"error":{"code":405,"message":"100% no"}}`, string(jsonOf(t, refusal.body)))
	assert.Equal(t, http.StatusNotFound, s.handle(&call{operation: "nothingLikeIt"}).status)
	assert.Nil(t, invalid.header, "without a quota none is announced")

	for _, operation := range []string{"getContact", "getContactInfo", "getContactChat", "listContactGates", "deleteContact", "uniteContacts"} {
		for _, id := range []string{"7", "-1", "99999999999999999999"} {
			refusal := st.want(http.StatusNotFound, operation, nil, "contactId", id, "targetContactId", id)
			assert.Equal(t, map[string]any{"code": 404.0, "message": "contact " + id + " does not exist"}, refusal["error"], operation)
		}
	}
	st.want(http.StatusNotFound, "updateContact", `{"values":{"x":"y"}}`, "contactId", "7")
	st.want(http.StatusNotFound, "fireContactEvent", `{"name":"x"}`, "contactId", "7")
}

func TestSmartSenderCreatesContactsThroughGates(t *testing.T) {
	st, s := newSmartSenderTest(t)
	gate := st.want(http.StatusOK, "createContactGate", `{"identifier":"61400000000","firstName":"Ace","lastName":"Blitz","email":"ace@example.com",
		"phone":"+61400000000","parameters":{"level":7,"vip":true,"pets":["owl",3],"note":null,"clan":"owls","odd":{"a":1}}}`, "channelId", "1")
	assert.Equal(t, true, gate["subscribed"])
	assert.Equal(t, "whatsapp", gate["channel"].(map[string]any)["type"])
	id := fmt.Sprint(s.gateContact(int64(gate["id"].(float64))))

	p := st.contact(id)
	assert.Equal(t, "Ace Blitz", p["fullName"])
	assert.Equal(t, "Ace", p["firstName"])
	assert.Equal(t, "Blitz", p["lastName"])
	assert.Equal(t, "ace@example.com", p["email"])
	assert.Equal(t, "+61400000000", p["phone"])
	assert.Nil(t, p["photo"])
	assert.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`, p["createdAt"])
	assert.Equal(t, []any{}, p["tags"])
	values, contents := map[string]any{}, map[string]any{}
	for _, v := range p["variables"].([]any) {
		v := v.(map[string]any)
		values[v["name"].(string)], contents[v["name"].(string)] = v["value"], v["content"]
	}
	assert.Equal(t, map[string]any{"level": "7", "vip": "true", "pets": nil, "note": nil, "clan": "owls"}, values)
	assert.Equal(t, map[string]any{"level": []any{7.0}, "vip": []any{true}, "pets": []any{"owl", 3.0}, "note": []any{}, "clan": []any{"owls"}}, contents)

	info := st.want(http.StatusOK, "getContactInfo", nil, "contactId", id)
	assert.Equal(t, map[string]any{"level": 7.0, "vip": true, "pets": []any{"owl", 3.0}, "note": nil, "clan": "owls"}, info["variables"])
	assert.Equal(t, p["id"], info["id"])

	chat := st.want(http.StatusOK, "getContactChat", nil, "contactId", id)
	assert.Equal(t, "Ace Blitz", chat["name"])
	assert.Equal(t, map[string]any{"id": 61400000000.0, "originalId": p["id"]}, chat["contact"])
	assert.Equal(t, []any{gate}, chat["gates"])
	gates := st.want(http.StatusOK, "listContactGates", nil, "contactId", id)
	assert.Equal(t, []any{gate}, gates["collection"])

	again := st.want(http.StatusOK, "createContactGate", `{"identifier":"61400000000","firstName":"Other"}`, "channelId", "1")
	assert.Equal(t, gate, again, "an identifier that has a gate gets that gate back")
	assert.Equal(t, p, st.contact(id), "and its contact stays as it is")
	assert.Zero(t, s.gateContact(12345))
}

func TestSmartSenderGateRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, channel, body, message string
		status                       int
	}{
		{"telegram", "2", `{"identifier":"x","firstName":"Ace"}`, "WhatsApp channels only", http.StatusBadRequest},
		{"unknown channel", "3", `{"identifier":"x","firstName":"Ace"}`, "channel 3 does not exist", http.StatusNotFound},
		{"channel beyond 64 bits", "99999999999999999999", `{"identifier":"x","firstName":"Ace"}`, "does not exist", http.StatusNotFound},
		{"phone without plus", "1", `{"identifier":"x","firstName":"Ace","phone":"61400000000"}`, "body.phone", http.StatusBadRequest},
		{"bad email", "1", `{"identifier":"x","firstName":"Ace","email":"Ace <ace@example.com>"}`, "body.email", http.StatusBadRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, _ := newSmartSenderTest(t)
			refusal := st.want(tc.status, "createContactGate", tc.body, "channelId", tc.channel)["error"].(map[string]any)
			assert.EqualValues(t, tc.status, refusal["code"])
			assert.Contains(t, refusal["message"], tc.message)
			assert.Empty(t, st.want(http.StatusOK, "listContacts", nil)["collection"])
		})
	}
}

func TestSmartSenderPages(t *testing.T) {
	st, s := newSmartSenderTest(t)
	var ids []float64
	for i := range 45 {
		ids = append(ids, float64(s.addContact(Contact{FirstName: fmt.Sprintf("ace-%02d", i)})))
	}
	for _, tc := range []struct {
		name, page, limitation string
		first, length          int
		at, ofPage             int64
	}{
		{"defaults", "", "", 0, 20, 1, 3},
		{"second", "2", "", 20, 20, 2, 3},
		{"last", "3", "", 40, 5, 3, 3},
		{"beyond the end", "4", "", 0, 0, 4, 3},
		{"far beyond the end", "9223372036854775807", "20", 0, 0, 9223372036854775807, 3},
		{"small pages", "5", "7", 28, 7, 5, 7},
		{"pages that fit exactly", "3", "15", 30, 15, 3, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := serviceTest{T: t, service: s}
			query := url.Values{}
			if tc.page != "" {
				query.Set("page", tc.page)
			}
			if tc.limitation != "" {
				query.Set("limitation", tc.limitation)
			}
			page := st.wantQuery(http.StatusOK, "listContacts", query, nil)
			got := []float64{}
			for _, p := range page["collection"].([]any) {
				got = append(got, p.(map[string]any)["id"].(float64))
			}
			assert.Equal(t, append([]float64{}, ids[tc.first:tc.first+tc.length]...), got)
			assert.Equal(t, map[string]any{"page": float64(tc.at), "pages": float64(tc.ofPage)}, page["cursor"])
		})
	}
	st.wantQuery(http.StatusBadRequest, "listContacts", url.Values{"page": {"99999999999999999999"}}, nil)
	empty, _ := newSmartSenderTest(t)
	none := empty.want(http.StatusOK, "listContacts", nil)
	assert.Equal(t, map[string]any{"page": 1.0, "pages": 1.0}, none["cursor"])
	assert.Equal(t, []any{}, none["collection"])
}
