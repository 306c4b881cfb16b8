package emulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serviceTest speaks to one service as the core does: with calls that its contract allows.
type serviceTest struct {
	*testing.T
	service service
}

// want sends a call, wants the status, and returns the answer as a client would read it. The path
// is the value of the operation's parameters in pairs.
func (st serviceTest) want(status int, operation string, body any, pathPairs ...string) map[string]any {
	st.Helper()
	return st.wantCall(status, &call{operation: operation, path: pathOf(pathPairs), body: jsonOf(st.T, body)})
}

func (st serviceTest) wantQuery(status int, operation string, query url.Values, body any, pathPairs ...string) map[string]any {
	st.Helper()
	return st.wantCall(status, &call{operation: operation, path: pathOf(pathPairs), query: query, body: jsonOf(st.T, body)})
}

func (st serviceTest) wantCall(status int, c *call) map[string]any {
	st.Helper()
	answer := st.service.handle(c)
	var object map[string]any
	require.NoError(st.T, json.Unmarshal(jsonOf(st.T, answer.body), &object))
	require.Equal(st.T, status, answer.status, "%s answered %v", c.operation, object)
	return object
}

// pathOf makes path parameters of pairs; a version that is not given is live.
func pathOf(pairs []string) map[string]string {
	path := map[string]string{"WSID": FynoWorkspace, "version": "live"}
	for i := 0; i < len(pairs); i += 2 {
		path[pairs[i]] = pairs[i+1]
	}
	return path
}

// jsonOf encodes a body; a string is JSON already, and nil is no body.
func jsonOf(t *testing.T, body any) json.RawMessage {
	t.Helper()
	switch body := body.(type) {
	case nil:
		return nil
	case string:
		return json.RawMessage(body)
	}
	encoded, err := json.Marshal(body)
	require.NoError(t, err)
	return encoded
}

func newFynoTest(t *testing.T, with ...Option) (serviceTest, *fyno) {
	var o options
	for _, option := range with {
		option(&o)
	}
	f := newFyno(&o)
	return serviceTest{T: t, service: f}, f
}

// profile is what getProfile shows.
func (st serviceTest) profile(distinctID string) map[string]any {
	st.Helper()
	return st.want(http.StatusOK, "getProfile", nil, "distinct_id", distinctID)
}

func TestFynoAuthorizesTheKeyOfTheWorkspace(t *testing.T) {
	for _, tc := range []struct {
		name, workspace, authorization string
		refused                        bool
	}{
		{"key and workspace", FynoWorkspace, "Bearer " + FynoKey, false},
		{"no key", FynoWorkspace, "", true},
		{"another key", FynoWorkspace, "Bearer another", true},
		{"key without its scheme", FynoWorkspace, FynoKey, true},
		{"another workspace", "FYOTHER", "Bearer " + FynoKey, true},
		{"workspace with a slash in it", FynoWorkspace + "/x", "Bearer " + FynoKey, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, f := newFynoTest(t)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.SetPathValue("WSID", tc.workspace)
			r.Header.Set("Authorization", tc.authorization)
			principal, refusal := f.authorize(r, "createProfile")
			if !tc.refused {
				assert.Nil(t, refusal)
				assert.Equal(t, FynoWorkspace, principal)
				return
			}
			require.NotNil(t, refusal)
			assert.Equal(t, http.StatusUnauthorized, refusal.status)
			assert.JSONEq(t, `{"status":"error","_message":"Invalid API details"}`, string(jsonOf(t, refusal.body)))
		})
	}
}

func TestFynoSaysNoInItsOwnWords(t *testing.T) {
	_, f := newFynoTest(t)
	invalid := f.invalid("createProfile", violation{field: "body.channel.sms", rule: "must be a string"})
	assert.Equal(t, http.StatusBadRequest, invalid.status)
	assert.JSONEq(t, `{"status":"error","_message":"body.channel.sms must be a string"}`, string(jsonOf(t, invalid.body)))
	refusal := f.refusal(http.StatusMethodNotAllowed, "100% no")
	assert.Equal(t, http.StatusMethodNotAllowed, refusal.status)
	assert.JSONEq(t, `{"status":"error","_message":"100% no"}`, string(jsonOf(t, refusal.body)))
	assert.Equal(t, http.StatusNotFound, f.handle(&call{operation: "nothingLikeIt"}).status)
	st, _ := newFynoTest(t)
	st.want(http.StatusBadRequest, "deleteProfiles", `{"distinct_id":7}`)
}

func TestFynoRepeatsARunWithTheSameSeed(t *testing.T) {
	run := func(with ...Option) []Message {
		st, f := newFynoTest(t, with...)
		st.want(http.StatusAccepted, "fireEvent", `{"event":"login_otp","to":{"sms":"+61400000000"}}`)
		return f.messages()
	}
	first, again, other := run(), run(), run(WithFynoSeed(2))
	assert.Equal(t, first[0].OTP, again[0].OTP)
	assert.Equal(t, first[0].ID, again[0].ID)
	assert.NotEqual(t, first[0].ID, other[0].ID)
	assert.Regexp(t, `^[0-9]{6}$`, first[0].OTP)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, first[0].RequestID)
}
