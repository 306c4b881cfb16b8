package emulator

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Sunshine's clients: linked, listed in pages, removed.

const (
	sunshineUser = "/sunshine/v2/apps/" + SunshineAppID + "/users/ace/clients"
	mailgunMatch = `{"type":"mailgun","integrationId":"int_1","address":"ace@example.com","primary":false}`
	twilioMatch  = `{"type":"twilio","integrationId":"int_2","phoneNumber":"+1 212-555-2368"}`
)

// sunshineDo calls Sunshine with basic auth.
func sunshineDo(t testing.TB, e *Emulator, method, path, body string) answer {
	t.Helper()
	r := request(t, method, path, body)
	r.SetBasicAuth(SunshineKeyID, SunshineSecret)
	return send(t, e, r)
}

// linkClient asks for a client and returns its id.
func linkClient(t testing.TB, e *Emulator, match, confirmation string) string {
	t.Helper()
	a := sunshineDo(t, e, "POST", sunshineUser,
		fmt.Sprintf(`{"matchCriteria":%s,"confirmation":{"type":%q},"target":{"conversationId":"conv_1"}}`, match, confirmation))
	require.Equal(t, 201, a.status, a.text)
	assert.Equal(t, "pending", a.at("client", "status"))
	assert.Nil(t, a.at("client", "linkedAt"))
	return a.at("client", "id").(string)
}

func TestSunshineLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(WithLinkDelay(time.Second))
		start := time.Now()
		mail := linkClient(t, e, mailgunMatch, "immediate")
		phone := linkClient(t, e, twilioMatch, "prompt")
		assert.Len(t, mail, 24)

		time.Sleep(time.Second - time.Nanosecond)
		assert.Equal(t, "pending", sunshineDo(t, e, "GET", sunshineUser, "").at("clients", 0, "status"))
		time.Sleep(time.Nanosecond)
		a := sunshineDo(t, e, "GET", sunshineUser+"?brandId=b", "")
		assert.Equal(t, map[string]any{
			"id": mail, "type": "mailgun", "status": "active", "integrationId": "int_1", "externalId": "ace@example.com",
			"linkedAt": "2000-01-01T00:00:01.000Z", "lastSeen": "2000-01-01T00:00:01.000Z",
			"displayName": nil, "avatarUrl": nil, "info": nil, "raw": nil,
		}, a.at("clients", 0))
		assert.Equal(t, map[string]any{"hasMore": false}, a.at("meta"))

		time.Sleep(time.Hour)
		assert.Equal(t, "pending", e.Clients("ace")[1].Status, "a prompt waits for the user")
		require.NoError(t, e.ConfirmClient("ace", phone))
		time.Sleep(time.Minute)
		require.NoError(t, e.ConfirmClient("ace", phone))
		assert.Equal(t, []Client{
			{mail, "mailgun", "active", "int_1", "ace@example.com", "immediate", false, "conv_1", start, start.Add(time.Second)},
			{phone, "twilio", "active", "int_2", "+1 212-555-2368", "prompt", true, "conv_1", start, start.Add(time.Hour + time.Second)},
		}, e.Clients("ace"), "confirming twice changes nothing")
		assert.Error(t, e.ConfirmClient("ace", "nobody"))
		assert.Error(t, e.ConfirmClient("blitz", phone))
		assert.Empty(t, sunshineDo(t, e, "GET", strings.Replace(sunshineUser, "ace", "blitz", 1), "").at("clients"))
	})
}

func TestSunshineRemoves(t *testing.T) {
	e := New(WithLinkDelay(0))
	id := linkClient(t, e, mailgunMatch, "immediate")
	sdk := e.AddClient("ace", "sdk")
	assert.Equal(t, "active", e.Clients("ace")[1].Status)
	assert.Nil(t, sunshineDo(t, e, "GET", sunshineUser, "").at("clients", 1, "integrationId"))

	a := sunshineDo(t, e, "DELETE", strings.Replace(sunshineUser, "ace", "blitz", 1)+"/"+id, "")
	assert.Equal(t, 404, a.status, "another user's client")
	a = sunshineDo(t, e, "DELETE", sunshineUser+"/"+id, "")
	assert.Equal(t, 200, a.status)
	assert.Equal(t, map[string]any{}, a.body)
	a = sunshineDo(t, e, "DELETE", sunshineUser+"/"+id, "")
	assert.Equal(t, 404, a.status)
	assert.Equal(t, "client_not_found", a.at("errors", 0, "code"))
	a = sunshineDo(t, e, "DELETE", sunshineUser+"/"+sdk, "")
	assert.Equal(t, 400, a.status)
	assert.Equal(t, "Cannot remove a client of type 'sdk'", a.at("errors", 0, "title"))
	assert.Len(t, e.Clients("ace"), 1)
}

func TestSunshinePages(t *testing.T) {
	e := New()
	var ids []any
	for range 60 {
		ids = append(ids, e.AddClient("ace", "whatsapp"))
	}
	removed := ids[9].(string)
	require.Equal(t, 200, sunshineDo(t, e, "DELETE", sunshineUser+"/"+removed, "").status)
	ids = append(ids[:9:9], ids[10:]...)

	pages := []struct {
		name, query   string
		from, to      int
		after, before bool
		more          bool
	}{
		{"the first", "", 0, 25, true, false, true},
		{"the next", "page[after]=" + ids[24].(string), 25, 50, true, true, true},
		{"the last", "page[after]=" + ids[49].(string), 50, 59, false, true, false},
		{"beyond the last", "page[after]=" + ids[58].(string), 59, 59, false, false, false},
		{"all at once", "page[size]=100", 0, 59, false, false, false},
		{"backwards", "page[size]=10&page[before]=" + ids[25].(string), 15, 25, true, true, true},
		{"backwards to the first", "page[before]=" + ids[5].(string), 0, 5, true, false, false},
		{"after a client that is gone", "page[size]=3&page[after]=" + removed, 9, 12, true, true, true},
	}
	for _, tt := range pages {
		t.Run(tt.name, func(t *testing.T) {
			a := sunshineDo(t, e, "GET", sunshineUser+"?"+tt.query, "")
			require.Equal(t, 200, a.status, a.text)
			var got []any
			for _, client := range a.at("clients").([]any) {
				got = append(got, client.(map[string]any)["id"])
			}
			assert.Equal(t, ids[tt.from:tt.to], append([]any{}, got...))
			meta := map[string]any{"hasMore": tt.more}
			if tt.after {
				meta["afterCursor"] = ids[tt.to-1]
			}
			if tt.before {
				meta["beforeCursor"] = ids[tt.from]
			}
			assert.Equal(t, meta, a.at("meta"))
		})
	}
	for _, query := range []string{
		"page[after]=" + ids[1].(string) + "&page[before]=" + ids[5].(string),
		"page[after]=" + strings.Repeat("z", 24),
		"page[size]=0",
	} {
		t.Run(query, func(t *testing.T) {
			a := sunshineDo(t, e, "GET", sunshineUser+"?"+query, "")
			assert.Equal(t, 400, a.status)
			assert.Equal(t, "bad_request", a.at("errors", 0, "code"))
		})
	}
}

func TestSunshineRefusesBodies(t *testing.T) {
	e := New()
	tests := []struct {
		name, match, confirmation, says string
	}{
		{"an address missing", `{"type":"mailgun","integrationId":"i"}`, `{"type":"prompt"}`, "body.matchCriteria.address is required"},
		{"two forms mixed", `{"type":"twilio","integrationId":"i","phoneNumber":"+12125552368","address":"a"}`, `{"type":"prompt"}`, "body.matchCriteria must have one of 2 forms"},
		{"a number without its country", `{"type":"twilio","integrationId":"i","phoneNumber":"0212 555 2368"}`, `{"type":"prompt"}`, "body.matchCriteria.phoneNumber must start with +"},
		{"an unknown confirmation", mailgunMatch, `{"type":"later"}`, "body.confirmation.type must be one of"},
		{
			"metadata too large", mailgunMatch,
			`{"type":"prompt","message":{"author":{"type":"business"},"content":{"type":"text"},"metadata":{"a":"` + strings.Repeat("x", 4096) + `"}}}`,
			"body.confirmation.message.metadata must be at most 4 kB",
		},
		{
			"metadata that nests", mailgunMatch, `{"type":"prompt","message":{"author":{"type":"business"},"content":{"type":"text"},"metadata":{"a":{}}}}`,
			"body.confirmation.message.metadata.a must have one of 3 forms",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := sunshineDo(t, e, "POST", sunshineUser, `{"matchCriteria":`+tt.match+`,"confirmation":`+tt.confirmation+`,"target":{"conversationId":"c"}}`)
			assert.Equal(t, 400, a.status)
			assert.Equal(t, "bad_request", a.at("errors", 0, "code"))
			assert.Contains(t, a.at("errors", 0, "title"), tt.says)
		})
	}
	assert.Empty(t, e.Clients("ace"))
	a := sunshineDo(t, e, "POST", sunshineUser, `{"matchCriteria":`+twilioMatch+`,"confirmation":{"type":"userActivity","message":{
		"author":{"type":"business","subtypes":["bot"],"displayName":"ace"},"content":{"type":"image","mediaUrl":"https://example.com/a.png",
		"actions":[{"type":"link","uri":"https://example.com","text":"go"}]},"metadata":{"level":3,"vip":true,"name":"ace"}}},"target":{"conversationId":"c"}}`)
	assert.Equal(t, 201, a.status, a.text)
}

func TestSunshineAuth(t *testing.T) {
	e := New()
	now := time.Now()
	sign := func(method jwt.SigningMethod, key any, kid any, claims jwt.MapClaims) string {
		token := jwt.NewWithClaims(method, claims)
		if kid != nil {
			token.Header["kid"] = kid
		}
		signed, err := token.SignedString(key)
		require.NoError(t, err)
		return "Authorization: Bearer " + signed
	}
	secret := []byte(SunshineSecret)
	app := jwt.MapClaims{"scope": "app"}
	basic := func(user, password string) string {
		r := request(t, "GET", "/", "")
		r.SetBasicAuth(user, password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	tests := []struct {
		name, header string
		status       int
		code         any
	}{
		{"basic", basic(SunshineKeyID, SunshineSecret), 200, nil},
		{"a wrong secret", basic(SunshineKeyID, "no"), 401, "unauthorized"},
		{"a wrong key id", basic("no", SunshineSecret), 401, "unauthorized"},
		{"none", "X-None: 1", 401, "unauthorized"},
		{"a JWT of scope app", sign(jwt.SigningMethodHS256, secret, SunshineKeyID, app), 200, nil},
		{"a JWT of scope account", sign(jwt.SigningMethodHS256, secret, SunshineKeyID, jwt.MapClaims{"scope": "account", "exp": now.Add(time.Minute).Unix()}), 200, nil},
		{"another scope", sign(jwt.SigningMethodHS256, secret, SunshineKeyID, jwt.MapClaims{"scope": "appUser"}), 403, "forbidden"},
		{"no scope", sign(jwt.SigningMethodHS256, secret, SunshineKeyID, jwt.MapClaims{}), 403, "forbidden"},
		{"an expired JWT", sign(jwt.SigningMethodHS256, secret, SunshineKeyID, jwt.MapClaims{"scope": "app", "exp": now.Add(-time.Second).Unix()}), 401, "unauthorized"},
		{"no kid", sign(jwt.SigningMethodHS256, secret, nil, app), 401, "unauthorized"},
		{"another kid", sign(jwt.SigningMethodHS256, secret, "app_other", app), 401, "unauthorized"},
		{"a kid that is no text", sign(jwt.SigningMethodHS256, secret, []string{SunshineKeyID}, app), 401, "unauthorized"},
		{"another secret", sign(jwt.SigningMethodHS256, []byte(strings.Repeat("k", 32)), SunshineKeyID, app), 401, "unauthorized"},
		{"another method", sign(jwt.SigningMethodHS384, secret, SunshineKeyID, app), 401, "unauthorized"},
		{"unsigned", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, SunshineKeyID, app), 401, "unauthorized"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, "GET", sunshineUser, "", tt.header))
			assert.Equal(t, tt.status, a.status, a.text)
			assert.Equal(t, tt.code, a.at("errors", 0, "code"))
		})
	}
	a := sunshineDo(t, e, "GET", strings.Replace(sunshineUser, SunshineAppID, "other", 1), "")
	assert.Equal(t, 404, a.status)
	assert.Equal(t, "app_not_found", a.at("errors", 0, "code"))
}

func TestSunshineUserIDsMayHoldAnything(t *testing.T) {
	e := New()
	path := strings.Replace(sunshineUser, "ace", url.PathEscape("a/b?c %2F"), 1)
	a := sunshineDo(t, e, "POST", path, `{"matchCriteria":`+twilioMatch+`,"confirmation":{"type":"prompt"},"target":{"conversationId":"c"}}`)
	require.Equal(t, 201, a.status)
	assert.Len(t, e.Clients("a/b?c %2F"), 1)
}
