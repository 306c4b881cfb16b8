package emulator

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// SmartSender's contacts: search, update, unite, fire, delete.

func TestSmartSenderSearches(t *testing.T) {
	st, s := newSmartSenderTest(t)
	for i := range 21 {
		s.addContact(Contact{FirstName: "Crowd", Email: fmt.Sprintf("crowd-%d@example.com", i)})
	}
	s.addContact(Contact{FirstName: "Ace", LastName: "Blitz", Phone: "+61400000123"})
	for _, tc := range []struct {
		term  string
		found int
	}{
		{"ace bl", 1}, {"0123", 1}, {"CROWD-20@", 1}, {"comet", 0}, {"%", 0},
	} {
		page := st.wantQuery(http.StatusOK, "searchContacts", url.Values{"term": {tc.term}}, nil)
		assert.Len(t, page["collection"], tc.found, "term %q", tc.term)
	}
	second := st.wantQuery(http.StatusOK, "searchContacts", url.Values{"term": {"crowd"}, "page": {"2"}}, nil)
	assert.Len(t, second["collection"], 1)
	assert.Equal(t, map[string]any{"page": 2.0, "pages": 2.0}, second["cursor"])
}

func TestSmartSenderUpdateSkipsWhatIsInvalid(t *testing.T) {
	for _, tc := range []struct {
		name, values string
		want         map[string]any // fields that differ from before
		variables    map[string]any // variables there are afterwards, besides clan
	}{
		{
			"all system fields", `{"firstName":"Comet","lastName":"Two","email":"c@example.com","phone":"+61400000002"}`,
			map[string]any{"firstName": "Comet", "lastName": "Two", "fullName": "Comet Two", "email": "c@example.com", "phone": "+61400000002"},
			nil,
		},
		{
			"null clears what may be missing", `{"firstName":null,"lastName":null,"email":null,"phone":null}`,
			map[string]any{"lastName": nil, "fullName": "Ace", "email": nil, "phone": nil},
			nil,
		},
		{
			"invalid fields are skipped, the rest applies", `{"firstName":"","lastName":7,"email":"nope","phone":"0400","level":3}`,
			nil,
			map[string]any{"level": 3.0},
		},
		{
			"a name too long", `{"firstName":"` + strings.Repeat("x", 256) + `","lastName":"` + strings.Repeat("é", 255) + `"}`,
			map[string]any{"lastName": strings.Repeat("é", 255), "fullName": "Ace " + strings.Repeat("é", 255)},
			nil,
		},
		{
			"variables", `{"a":"x","b":9007199254740991,"c":[1,"y",true],"d":null}`,
			nil,
			map[string]any{"a": "x", "b": 9007199254740991.0, "c": []any{1.0, "y", true}, "d": nil},
		},
		{
			"no variable holds an object or a nested list", `{"a":{"x":1},"b":[[1]],"c":[null],"d":[{}],"":"x","e":1}`,
			nil,
			map[string]any{"e": 1.0},
		},
		{"what cannot be set is a variable like any other", `{"id":99,"fullName":"x"}`, nil, map[string]any{"id": 99.0, "fullName": "x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, s := newSmartSenderTest(t)
			id := createContact(st, s, `{"identifier":"i","firstName":"Ace","lastName":"Blitz","email":"a@example.com","phone":"+61400000001","parameters":{"clan":"owls"}}`)
			want := st.want(http.StatusOK, "getContactInfo", nil, "contactId", id)
			for field, value := range tc.want {
				want[field] = value
			}
			for name, value := range tc.variables {
				want["variables"].(map[string]any)[name] = value
			}
			assert.Equal(t, map[string]any{"state": true}, st.want(http.StatusOK, "updateContact", `{"values":`+tc.values+`}`, "contactId", id))
			assert.Equal(t, want, st.want(http.StatusOK, "getContactInfo", nil, "contactId", id))
		})
	}
}

func TestSmartSenderVariablesKeepTheirIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, s := newSmartSenderTest(t)
		id := createContact(st, s, `{"identifier":"i","firstName":"Ace","parameters":{"clan":"owls"}}`)
		before := st.contact(id)["variables"].([]any)[0].(map[string]any)
		time.Sleep(time.Minute)
		st.want(http.StatusOK, "updateContact", `{"values":{"clan":"bats"}}`, "contactId", id)
		after := st.contact(id)["variables"].([]any)[0].(map[string]any)
		assert.Equal(t, before["id"], after["id"])
		assert.Equal(t, before["createdAt"], after["createdAt"])
		assert.NotEqual(t, before["updatedAt"], after["updatedAt"])
		assert.Equal(t, "bats", after["value"])
	})
}

func TestSmartSenderFires(t *testing.T) {
	st, s := newSmartSenderTest(t)
	id := s.addContact(Contact{FirstName: "Ace"})
	path := fmt.Sprint(id)
	for _, name := range []string{"Level_Up", "level_up"} {
		assert.Equal(t, map[string]any{"state": true}, st.want(http.StatusOK, "fireContactEvent", map[string]string{"name": name}, "contactId", path))
	}
	st.want(http.StatusOK, "deleteContact", nil, "contactId", path)
	fired := s.firedFor(id)
	assert.Len(t, fired, 2, "also for a contact that is gone")
	assert.Equal(t, "Level_Up", fired[0].Name)
	assert.Equal(t, "level_up", fired[1].Name)
	fired[0].Name = "changed"
	assert.Equal(t, "Level_Up", s.firedFor(id)[0].Name, "what is returned is a copy")
	assert.Empty(t, s.firedFor(id+1))
}

func TestSmartSenderUnites(t *testing.T) {
	st, s := newSmartSenderTest(t)
	kept := createContact(st, s, `{"identifier":"1","firstName":"Ace","email":"a@example.com","parameters":{"clan":"owls","note":null}}`)
	target := createContact(st, s, `{"identifier":"2","firstName":"Blitz","lastName":"Two","email":"b@example.com","phone":"+61400000002","parameters":{"clan":"bats","note":"n","level":3}}`)
	assert.Equal(t, map[string]any{"state": true}, st.want(http.StatusOK, "uniteContacts", nil, "contactId", kept, "targetContactId", target))
	st.want(http.StatusNotFound, "getContact", nil, "contactId", target)
	info := st.want(http.StatusOK, "getContactInfo", nil, "contactId", kept)
	assert.Equal(t, "Ace Two", info["fullName"])
	assert.Equal(t, "a@example.com", info["email"])
	assert.Equal(t, "+61400000002", info["phone"])
	assert.Equal(t, map[string]any{"clan": "owls", "note": "n", "level": 3.0}, info["variables"])
	assert.Len(t, st.want(http.StatusOK, "listContactGates", nil, "contactId", kept)["collection"], 2)
	assert.Equal(t, kept, createContact(st, s, `{"identifier":"2","firstName":"Blitz"}`), "the target's gate belongs to the contact now")

	st.want(http.StatusNotFound, "uniteContacts", nil, "contactId", kept, "targetContactId", target)
	st.want(http.StatusBadRequest, "uniteContacts", nil, "contactId", kept, "targetContactId", kept)
	st.contact(kept)
}

func TestSmartSenderUnitesTagsAndFunnels(t *testing.T) {
	st, s := newSmartSenderTest(t)
	kept := s.addContact(Contact{FirstName: "Ace", Tags: []string{"vip"}, Funnels: []string{"welcome"}, Variables: map[string]string{"clan": "owls"}})
	target := s.addContact(Contact{Tags: []string{"vip", "beta"}, Funnels: []string{"welcome", "sale"}})
	st.want(http.StatusOK, "uniteContacts", nil, "contactId", fmt.Sprint(kept), "targetContactId", fmt.Sprint(target))
	p := st.contact(fmt.Sprint(kept))
	names := func(of any) (all []any) {
		for _, item := range of.([]any) {
			all = append(all, item.(map[string]any)["name"])
		}
		return all
	}
	assert.Equal(t, []any{"vip", "beta"}, names(p["tags"]))
	assert.Equal(t, []any{"welcome", "sale"}, names(p["funnels"]))
	assert.Equal(t, []any{"clan"}, names(p["variables"]))
}

func TestSmartSenderDeletes(t *testing.T) {
	st, s := newSmartSenderTest(t)
	id := createContact(st, s, `{"identifier":"i","firstName":"Ace"}`)
	assert.Equal(t, map[string]any{"state": true}, st.want(http.StatusOK, "deleteContact", nil, "contactId", id))
	st.want(http.StatusNotFound, "getContact", nil, "contactId", id)
	st.want(http.StatusNotFound, "deleteContact", nil, "contactId", id)
	assert.NotEqual(t, id, createContact(st, s, `{"identifier":"i","firstName":"Ace"}`), "the identifier is free again")
}
