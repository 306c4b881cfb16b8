package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Fyno's suppressions: they come and go.

func suppressions(t *testing.T, f *fyno) []fynoSuppression {
	t.Helper()
	answer := f.handle(&call{operation: "listSuppressions", path: map[string]string{"WSID": FynoWorkspace}})
	require.Equal(t, http.StatusOK, answer.status)
	var list []fynoSuppression
	require.NoError(t, json.Unmarshal(jsonOf(t, answer.body), &list))
	require.NotNil(t, list, "an empty list is [], not null")
	return list
}

func TestFynoSuppressionsComeAndGo(t *testing.T) {
	st, f := newFynoTest(t)
	assert.Empty(t, suppressions(t, f))
	st.want(http.StatusOK, "addSuppression", `{"distinct_id":"ace","destination":"+61400000000","channel":"sms","description":"DND"}`)
	st.want(http.StatusOK, "addSuppression", `{"distinct_id":"ace","channel":"email"}`)
	st.want(http.StatusOK, "addSuppression", `{"destination":"+61400000000","channel":"sms"}`)
	st.want(http.StatusOK, "addSuppression", `{"destination":"61400000000","channel":"sms","description":"again"}`)
	st.want(http.StatusOK, "addSuppression", `{"destination":"b@example.com","channel":"email"}`)
	list := suppressions(t, f)
	require.Len(t, list, 4)
	assert.Equal(t, "ace", list[0].DistinctID)
	assert.Empty(t, list[0].Destination, "with both, the distinct id is taken")
	assert.Equal(t, "DND", list[0].Description)
	assert.NotEmpty(t, list[0].CreatedAt)
	assert.Equal(t, "again", list[2].Description, "the same entry is not added twice")

	st.wantQuery(http.StatusOK, "deleteSuppression", url.Values{"_id": {list[0].ID}, "distinct_id": {"ace"}}, nil)
	require.Len(t, suppressions(t, f), 3, "_id is taken first")
	st.wantQuery(http.StatusOK, "deleteSuppression", url.Values{"distinct_id": {"ace"}, "destination": {"b@example.com"}}, nil)
	require.Len(t, suppressions(t, f), 2, "then distinct_id")
	st.wantQuery(http.StatusOK, "deleteSuppression", url.Values{"destination": {"+61400000000"}}, nil)
	assert.Equal(t, "b@example.com", suppressions(t, f)[0].Destination)
	assert.Len(t, suppressions(t, f), 1)
}

func TestFynoSuppressionRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, operation, body, message string
		query                          url.Values
	}{
		{"no channel", "addSuppression", `{"distinct_id":"ace","channel":""}`, "body.channel", nil},
		{"nobody", "addSuppression", `{"distinct_id":"","channel":"sms"}`, "body.distinct_id and body.destination", nil},
		{"bad number", "addSuppression", `{"destination":"x","channel":"sms"}`, "Invalid destination for channel sms", nil},
		{"bad email", "addSuppression", `{"destination":"x","channel":"email"}`, "Invalid destination for channel email", nil},
		{"delete nothing", "deleteSuppression", "", "query._id", url.Values{}},
		{"delete an unknown id", "deleteSuppression", "", "non existing", url.Values{"_id": {"x"}, "distinct_id": {"blitz"}}},
		{"delete an unknown user", "deleteSuppression", "", "non existing", url.Values{"distinct_id": {"x"}}},
		{"delete an unknown destination", "deleteSuppression", "", "non existing", url.Values{"destination": {"x"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, f := newFynoTest(t)
			st.want(http.StatusOK, "addSuppression", `{"distinct_id":"blitz","channel":"sms"}`)
			refusal := st.wantQuery(http.StatusBadRequest, tc.operation, tc.query, tc.body)
			assert.Contains(t, refusal["_message"], tc.message)
			assert.Len(t, suppressions(t, f), 1)
		})
	}
}
