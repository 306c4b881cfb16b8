package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answer is a reply as a test looks at it.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any // nil where the reply is not a JSON object
}

// at returns the value that a path of names and places leads to.
func (a answer) at(path ...any) any {
	var value any = a.body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			array, _ := value.([]any)
			if step >= len(array) {
				return nil
			}
			value = array[step]
		}
	}
	return value
}

// request builds a request for the in-process transport, with headers given as "Name: value".
func request(t testing.TB, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
	require.NoError(t, err)
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// send sends a request through a transport and reads the whole answer.
func send(t testing.TB, transport http.RoundTripper, r *http.Request) answer {
	t.Helper()
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.body)
	return a
}

// fails sends a request that must get no answer, and returns why.
func fails(t testing.TB, transport http.RoundTripper, r *http.Request) error {
	t.Helper()
	resp, err := transport.RoundTrip(r)
	if err == nil {
		resp.Body.Close()
	}
	assert.Error(t, err)
	return err
}

const smoovenAuth = "Authorization: Bearer " + SmoovenKey

// register registers a player of Smooven, which is the shortest call that stores something.
func register(t testing.TB, externalID string) *http.Request {
	t.Helper()
	return request(t, "POST", "/smooven/v1/players/register",
		fmt.Sprintf(`{"external_id":%q,"channels":{"sms":"+61400000000"}}`, externalID), smoovenAuth)
}

func TestUnknownPaths(t *testing.T) {
	e := New()
	tests := []struct {
		name, method, path string
		status             int
		allow, says        string
	}{
		{"no service", "GET", "/nothing/v1/players", 404, "", "/smooven/v1"},
		{"the root", "GET", "/", 404, "", "/playsmart"},
		{"a prefix that only begins like a service's", "GET", "/playsmarter/ingest/events", 404, "", "no service"},
		{"a prefix without a path", "GET", "/smooven/v1", 404, "", "no service"},
		{"a path of no operation", "GET", "/smooven/v1/players/ply_1/tags", 404, "", "not_found"},
		{"another method", "PUT", "/smooven/v1/players/ply_1", 405, "DELETE, GET", "method_not_allowed"},
		{"a literal wins over a parameter", "GET", "/smooven/v1/players/register", 405, "POST", "method_not_allowed"},
		{"an empty id", "GET", "/smooven/v1/players/", 404, "", "not_found"},
		{"a dot segment", "GET", "/smooven/v1/players/%2E%2E", 404, "", "not_found"},
		{"PlaySmart's words", "GET", "/playsmart/auth/login", 405, "POST", "METHOD_NOT_ALLOWED"},
		{"Sunshine's words", "GET", "/sunshine/v2/apps", 404, "", `"errors":[{"code":"not_found"`},
		{"HEAD has no operation", "HEAD", "/smooven/v1/players/ply_1", 405, "DELETE, GET", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := send(t, e, request(t, tt.method, tt.path, ""))
			assert.Equal(t, tt.status, a.status)
			assert.Equal(t, tt.allow, a.header.Get("Allow"))
			assert.Contains(t, a.text, tt.says)
			assert.Empty(t, e.Requests()[len(e.Requests())-1].Operation)
		})
	}
}

func TestRequestsAreHeldAgainstTheContract(t *testing.T) {
	e := New()
	const register = "/smooven/v1/players/register"
	tests := []struct {
		name, method, path, body, violation string
		status                              int
	}{
		{"an additional field", "POST", register, `{"external_id":"ace","channels":{},"rank":1}`, "body.rank is not a field of this request", 400},
		{"a missing field", "POST", register, `{"channels":{}}`, "body.external_id is required", 400},
		{"no body", "POST", register, "", "body is required", 400},
		{"a body where none belongs", "GET", "/smooven/v1/players/ply_1", "{}", "body must be absent", 400},
		{"a query where none belongs", "POST", register + "?force=1", `{"external_id":"ace","channels":{}}`, "query.force is not a parameter of this request", 400},
		{"a malformed query", "POST", register + "?a=%zz", `{"external_id":"ace","channels":{}}`, `query must be well-formed: invalid URL escape "%zz"`, 400},
		{
			"bad quiet hours", "POST", register, `{"external_id":"ace","channels":{},"preferences":{"quiet_hours":{"start":"7:00","end":"22:00","timezone":"UTC"}}}`,
			"body.preferences.quiet_hours.start must match ^([01][0-9]|2[0-3]):[0-5][0-9]$", 400,
		},
		{"a valid request", "POST", register, `{"external_id":"ace","channels":{}}`, "", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e.ResetRecord()
			a := send(t, e, request(t, tt.method, tt.path, tt.body, smoovenAuth))
			assert.Equal(t, tt.status, a.status, a.text)
			assert.Equal(t, tt.violation, e.Requests()[0].Violation)
			if tt.violation != "" {
				assert.Equal(t, tt.violation, a.at("error", "message"))
			}
		})
	}
}

func TestBodyLimits(t *testing.T) {
	e := New()
	pad := strings.Repeat(" ", 100_000)
	client := `{"matchCriteria":{"type":"mailgun","integrationId":"i","address":"ace@example.com"},"confirmation":{"type":"prompt"},"target":{"conversationId":"c"}}`
	r := request(t, "POST", sunshineUser, client+pad[:100_000-len(client)])
	r.SetBasicAuth(SunshineKeyID, SunshineSecret)
	assert.Equal(t, 201, send(t, e, r).status)

	r = request(t, "POST", sunshineUser, client+pad[:100_001-len(client)])
	r.SetBasicAuth(SunshineKeyID, SunshineSecret)
	a := send(t, e, r)
	assert.Equal(t, 413, a.status)
	assert.Equal(t, "body must be at most 100000 bytes", a.at("errors", 0, "title"))
	assert.Equal(t, "body must be at most 100000 bytes", e.Requests()[1].Violation)
	assert.Len(t, e.Clients("ace"), 1)

	assert.Equal(t, 10_000_000, bodyLimit(Fyno, "fireEventBulk"))
	assert.Equal(t, 16<<20, bodyLimit(Smooven, "importPlayers"))
}
