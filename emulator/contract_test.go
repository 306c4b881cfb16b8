package emulator

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Routing and checking by the contracts.

func TestContractsHoldAllOperations(t *testing.T) {
	var ids []string
	for _, c := range contracts() {
		for _, r := range c.routes {
			for _, op := range r.methods {
				ids = append(ids, op.id)
			}
		}
	}
	slices.Sort(ids)
	require.NotEmpty(t, ids)
	assert.Len(t, slices.Compact(slices.Clone(ids)), len(ids), "an operation is known by its id alone")
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name, service, method, path string
		operation                   string
		params                      map[string]string
		status                      int
	}{
		{"a literal path", Smooven, "POST", "/players/batch", "importPlayers", map[string]string{}, 200},
		{"a parameter", Smooven, "GET", "/players/ply_1", "getPlayer", map[string]string{"player_id": "ply_1"}, 200},
		{"an escaped slash stays in its segment", Smooven, "GET", "/players/a%2Fb%20c", "getPlayer", map[string]string{"player_id": "a/b c"}, 200},
		{"a percent sign", Smooven, "GET", "/players/100%25", "getPlayer", map[string]string{"player_id": "100%"}, 200},
		{"search is not a contact", SmartSender, "GET", "/contacts/search", "searchContacts", map[string]string{}, 200},
		{"a contact", SmartSender, "GET", "/contacts/7", "getContact", map[string]string{"contactId": "7"}, 200},
		{"two parameters", SmartSender, "POST", "/contacts/7/unite/8", "uniteContacts", map[string]string{"contactId": "7", "targetContactId": "8"}, 200},
		{"no version in suppressions", Fyno, "GET", "/W/suppressions", "listSuppressions", map[string]string{"WSID": "W"}, 200},
		{"delete is not a profile", Fyno, "POST", "/W/live/profiles/delete", "deleteProfiles", map[string]string{"WSID": "W", "version": "live"}, 200},
		{
			"a profile called delete", Fyno, "PATCH", "/W/live/profiles/delete/channel", "updateChannels",
			map[string]string{"WSID": "W", "version": "live", "distinct_id": "delete"},
			200,
		},
		{"no POST on a profile", Fyno, "POST", "/W/live/profiles/ace", "", nil, 405},
		{"no GET on delete", Fyno, "GET", "/W/live/profiles/delete", "", nil, 405},
		{"a path too long", Smooven, "GET", "/players/a/b", "", nil, 404},
		{"a trailing slash", Smooven, "GET", "/players/a/", "", nil, 404},
		{"a doubled slash", Smooven, "GET", "//players/a", "", nil, 404},
		{"no path", Smooven, "GET", "", "", nil, 404},
		{"a broken escape", Smooven, "GET", "/players/%4", "", nil, 404},
		{"case counts", Smooven, "GET", "/Players/a", "", nil, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op, params, status, allow := contracts()[tt.service].match(tt.method, tt.path)
			assert.Equal(t, tt.status, status)
			assert.Equal(t, status == http.StatusMethodNotAllowed, len(allow) > 0)
			if tt.operation == "" {
				assert.Nil(t, op)
				return
			}
			require.NotNil(t, op)
			assert.Equal(t, tt.operation, op.id)
			assert.Equal(t, tt.params, params)
		})
	}
}

func TestReadContractRefuses(t *testing.T) {
	tests := map[string]string{
		"no JSON":              `{`,
		"a dangling parameter": `{"paths":{"/a":{"get":{"operationId":"a","parameters":[{"$ref":"#/components/parameters/none"}]}}}}`,
		"a dangling schema":    `{"paths":{"/a":{"get":{"operationId":"a","parameters":[{"name":"q","in":"query","schema":{"$ref":"#/components/schemas/none"}}]}}}}`,
		"a body in XML":        `{"paths":{"/a":{"post":{"operationId":"a","requestBody":{"content":{"application/xml":{"schema":{}}}}}}}}`,
		"a dangling body":      `{"paths":{"/a":{"post":{"operationId":"a","requestBody":{"content":{"application/json":{"schema":{"items":{"$ref":"#/components/schemas/none"}}}}}}}}}`,
		"an unknown format":    `{"paths":{"/a":{"post":{"operationId":"a","requestBody":{"content":{"application/json":{"schema":{"format":"duration"}}}}}}}}`,
		"a broken pattern":     `{"paths":{"/a":{"post":{"operationId":"a","requestBody":{"content":{"application/json":{"schema":{"pattern":"("}}}}}}}}`,
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			_, err := readContract([]byte(tests[name]))
			assert.Error(t, err)
		})
	}
}

func TestCheckParameters(t *testing.T) {
	tests := []struct {
		name, service, method, path, query string
		violation                          string
	}{
		{"an integer in the path", SmartSender, "GET", "/contacts/7", "", ""},
		{"no integer in the path", SmartSender, "GET", "/contacts/seven", "", "path.contactId must be an integer"},
		{"a signed integer", SmartSender, "GET", "/contacts/+7", "", "path.contactId must be an integer"},
		{"an enum in the path", Fyno, "GET", "/W/beta/profiles/ace", "", `path.version must be one of "live", "test"`},
		{"bytes that are no text", Fyno, "GET", "/W/live/profiles/%ff", "", "path.distinct_id must be valid UTF-8"},
		{"a page", SmartSender, "GET", "/contacts", "page=2&limitation=20", ""},
		{"a page too large", SmartSender, "GET", "/contacts", "limitation=21", "query.limitation must be at most 20"},
		{"a page too small", SmartSender, "GET", "/contacts", "page=0", "query.page must be at least 1"},
		{"twice", SmartSender, "GET", "/contacts", "page=1&page=2", "query.page must be given once"},
		{"a missing parameter", SmartSender, "GET", "/contacts/search", "", "query.term is required"},
		{"an empty parameter", SmartSender, "GET", "/contacts/search", "term=", "query.term must not be empty"},
		{"an unknown parameter", SmartSender, "GET", "/contacts", "limit=5", "query.limit is not a parameter of this request"},
		{"a semicolon", SmartSender, "GET", "/contacts", "page=1;limitation=2", "query must be well-formed: invalid semicolon separator in query"},
		{"a boolean", Fyno, "GET", "/W/live/subscriptions/preference", "distinct_id=a&event_list=true", ""},
		{"no boolean", Fyno, "GET", "/W/live/subscriptions/preference", "distinct_id=a&event_list=1", "query.event_list must be true or false"},
		{"a deep object", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page%5Bsize%5D=100&page[after]=012345678901234567890123", ""},
		{"a deep object out of range", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page[size]=101", "query.page[size] must be at most 100"},
		{"a short cursor", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page[before]=1", "query.page[before] must have at least 24 characters"},
		{"an unknown member", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page[offset]=1", "query.page[offset] is not a parameter of this request"},
		{"a member twice", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page[size]=1&page[size]=2", "query.page[size] must be given once"},
		{"an open bracket", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page[size=1", "query.page[size is not a parameter of this request"},
		{"the object itself", Sunshine, "GET", "/v2/apps/a/users/u/clients", "page=1", "query.page is not a parameter of this request"},
		{"a parameter of the path", Sunshine, "GET", "/v2/apps/a/users/u/clients", "brandId=b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			op, params, _, _ := contracts()[tt.service].match(tt.method, tt.path)
			require.NotNil(t, op)
			_, v := op.check(params, tt.query, http.Header{}, nil)
			if tt.violation == "" {
				assert.Nil(t, v)
				return
			}
			require.NotNil(t, v)
			assert.Equal(t, tt.violation, v.String())
		})
	}
}

func TestCheckHeaders(t *testing.T) {
	op, params, _, _ := contracts()[Fyno].match("POST", "/W/live/event")
	require.NotNil(t, op)
	body := []byte(`{"event":"level_up","distinct_id":"ace"}`)
	tests := []struct {
		name      string
		header    http.Header
		violation string
	}{
		{"JSON", http.Header{"Content-Type": {"application/json"}}, ""},
		{"JSON with its charset", http.Header{"Content-Type": {"Application/JSON; charset=UTF-8"}}, ""},
		{"a header parameter", http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"k"}}, ""},
		{"a header parameter twice", http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"k", "l"}}, "header.Idempotency-Key must be given once"},
		{"no type", http.Header{}, "header.Content-Type must be application/json"},
		{"a form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "header.Content-Type must be application/json"},
		{"another charset", http.Header{"Content-Type": {"application/json; charset=latin1"}}, "header.Content-Type must be application/json"},
		{"compressed", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, "header.Content-Encoding must be absent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, v := op.check(params, "", tt.header, body)
			if tt.violation == "" {
				assert.Nil(t, v)
				return
			}
			require.NotNil(t, v)
			assert.Equal(t, tt.violation, v.String())
		})
	}
}
