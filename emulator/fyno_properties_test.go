package emulator

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rawProperties are a profile's properties with their numbers as they are written.
func rawProperties(t *testing.T, f *fyno, distinctID string) string {
	t.Helper()
	answer := f.handle(&call{operation: "getProfile", path: pathOf([]string{"distinct_id", distinctID})})
	require.Equal(t, http.StatusOK, answer.status)
	var body struct {
		Properties json.RawMessage `json:"properties"`
	}
	require.NoError(t, json.Unmarshal(jsonOf(t, answer.body), &body))
	return string(body.Properties)
}

func TestFynoPropertyActions(t *testing.T) {
	type step struct{ operation, action string }
	set := func(fields string) step { return step{"setProperties", `"$set":` + fields} }
	once := func(fields string) step { return step{"setPropertiesOnce", `"$once":` + fields} }
	add := func(fields string) step { return step{"addToProperties", `"$add":` + fields} }
	appendTo := func(fields string) step { return step{"appendToProperties", `"$append":` + fields} }
	remove := func(fields string) step { return step{"removeFromProperties", `"$remove":` + fields} }
	unset := func(fields string) step { return step{"unsetProperties", `"$unset":` + fields} }
	for _, tc := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"every type", []step{set(`{"s":"x","n":1.50,"b":false,"d":"2020-10-01","l":["a",1]}`)}, `{"b":false,"d":"2020-10-01","l":["a",1],"n":1.50,"s":"x"}`},
		{"set again", []step{set(`{"n":1}`), set(`{"n":2}`)}, `{"n":2}`},
		{"string to number is ignored", []step{set(`{"n":1}`), set(`{"n":"2","m":3}`)}, `{"m":3,"n":1}`},
		{"number to string is ignored", []step{set(`{"s":"x"}`), set(`{"s":5}`)}, `{"s":"x"}`},
		{"bool to number is ignored", []step{set(`{"b":true}`), set(`{"b":1}`)}, `{"b":true}`},
		{"list to string is ignored", []step{set(`{"l":["a"]}`), set(`{"l":"b"}`)}, `{"l":["a"]}`},
		{"a date takes dates", []step{set(`{"d":"2020-10-01"}`), set(`{"d":"2021-11-01T13:35:00.000+05:30"}`)}, `{"d":"2021-11-01T13:35:00.000+05:30"}`},
		{"a date takes no other string", []step{set(`{"d":"2020-10-01"}`), set(`{"d":"tomorrow"}`)}, `{"d":"2020-10-01"}`},
		{"a string takes what looks like a date", []step{set(`{"s":"soon"}`), set(`{"s":"2020-10-01"}`)}, `{"s":"2020-10-01"}`},
		{"an impossible date is a string", []step{set(`{"s":"2020-13-01"}`), set(`{"s":"x"}`)}, `{"s":"x"}`},
		{"the type outlives the value", []step{set(`{"n":1}`), unset(`["n"]`), set(`{"n":"x"}`)}, `{}`},
		{"big integers survive", []step{set(`{"n":9007199254740993123456789}`)}, `{"n":9007199254740993123456789}`},
		{
			"lists hold unique values",
			[]step{set(`{"l":["a",1,"a",1.0,9007199254740993,9007199254740992,"1"]}`)},
			`{"l":["a",1,9007199254740993,9007199254740992,"1"]}`,
		},
		{"an empty list is a list", []step{set(`{"l":[]}`), set(`{"l":"x"}`)}, `{"l":[]}`},
		{"once sets what is unset", []step{set(`{"a":1}`), once(`{"a":2,"b":"x"}`), once(`{"b":"y"}`)}, `{"a":1,"b":"x"}`},
		{"once respects the type", []step{set(`{"a":1}`), unset(`["a"]`), once(`{"a":"x"}`)}, `{}`},
		{"add creates", []step{add(`{"n":3}`)}, `{"n":3}`},
		{"add and subtract", []step{add(`{"n":3,"m":1}`), add(`{"n":-5,"m":0.5}`)}, `{"m":1.5,"n":-2}`},
		{"add keeps big integers", []step{set(`{"n":9007199254740993}`), add(`{"n":2}`)}, `{"n":9007199254740995}`},
		{"add beyond a float is ignored", []step{set(`{"n":1e308}`), add(`{"n":1e308}`)}, `{"n":1e308}`},
		{"add to a string is ignored", []step{set(`{"s":"x"}`), add(`{"s":1}`)}, `{"s":"x"}`},
		{"append creates", []step{appendTo(`{"l":245}`)}, `{"l":[245]}`},
		{"append what is new", []step{appendTo(`{"l":"a"}`), appendTo(`{"l":"b"}`), appendTo(`{"l":"a"}`)}, `{"l":["a","b"]}`},
		{"append to a number is ignored", []step{set(`{"n":1}`), appendTo(`{"n":2}`)}, `{"n":1}`},
		{"remove", []step{set(`{"l":["a",1,"b"]}`), remove(`{"l":1.0}`)}, `{"l":["a","b"]}`},
		{"remove what is not there", []step{set(`{"l":["1"],"s":"x"}`), remove(`{"l":1,"s":"x","m":2}`)}, `{"l":["1"],"s":"x"}`},
		{"unset", []step{set(`{"a":1,"b":2}`), unset(`["a","nothing"]`)}, `{"b":2}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, f := newFynoTest(t)
			for _, s := range tc.steps {
				accepted := st.want(http.StatusAccepted, s.operation, `{"distinct_id":"ace",`+s.action+`}`)
				assert.NotEmpty(t, accepted["request_id"])
				assert.Len(t, accepted, 1)
			}
			assert.Equal(t, tc.want, rawProperties(t, f, "ace"))
		})
	}
}

func TestFynoPropertiesCreateTheProfileOnlyWhereTheyStore(t *testing.T) {
	for _, tc := range []struct {
		operation, action string
		created           bool
	}{
		{"setProperties", `"$set":{"n":1}`, true},
		{"setPropertiesOnce", `"$once":{"n":1}`, true},
		{"addToProperties", `"$add":{"n":1}`, true},
		{"appendToProperties", `"$append":{"n":1}`, true},
		{"removeFromProperties", `"$remove":{"n":1}`, false},
		{"unsetProperties", `"$unset":["n"]`, false},
	} {
		t.Run(tc.operation, func(t *testing.T) {
			st, _ := newFynoTest(t)
			st.want(http.StatusAccepted, tc.operation, `{"distinct_id":"ace",`+tc.action+`}`)
			status := http.StatusBadRequest
			if tc.created {
				status = http.StatusOK
			}
			st.want(status, "getProfile", nil, "distinct_id", "ace")
		})
	}
}

func TestFynoTypesAPropertyForTheWholeWorkspace(t *testing.T) {
	st, f := newFynoTest(t)
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"ace","$set":{"level":1}}`)
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"blitz","$set":{"level":"one"}}`)
	assert.Equal(t, `{}`, rawProperties(t, f, "blitz"))
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"blitz","$set":{"level":"one"}}`, "version", "test")
	blitz := st.want(http.StatusOK, "getProfile", nil, "distinct_id", "blitz", "version", "test")
	assert.Equal(t, map[string]any{"level": "one"}, blitz["properties"], "each version types its own")
}

func TestFynoPropertyBatch(t *testing.T) {
	st, f := newFynoTest(t)
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"ace","$set":{"old":1,"items":["a","b"],"coins":10}}`)
	answer := st.want(http.StatusAccepted, "batchProperties", `{"batch":[
		{"distinct_id":"ace","action":{"$set":{"level":2,"coins":"many"},"$once":{"coins":0,"joined":"2024-05-01"},"$add":{"coins":5},
			"$append":{"items":"c"},"$remove":{"items":"a"},"$unset":["old"]}},
		{"distinct_id":"blitz","action":{"$unset":["old"]}},
		{"distinct_id":"comet","action":{"$add":{"coins":1}}}]}`)
	assert.NotEmpty(t, answer["request_id"])
	assert.Equal(t, []any{
		map[string]any{"$set": "ok", "$once": "ok", "$add": "ok", "$append": "ok", "$remove": "ok", "$unset": "ok"},
		map[string]any{"$unset": "ok"},
		map[string]any{"$add": "ok"},
	}, answer["batch"])
	assert.JSONEq(t, `{"coins":15,"items":["b","c"],"joined":"2024-05-01","level":2}`, rawProperties(t, f, "ace"))
	assert.Equal(t, `{"coins":1}`, rawProperties(t, f, "comet"))
	st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "blitz")
}

func TestFynoProfileSnapshotsDoNotChange(t *testing.T) {
	st, f := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"push":[{"token":"t1"},{"token":"t2"}]}}`)
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"ace","$set":{"l":["a","b"]}}`)
	answer := f.handle(&call{operation: "getProfile", path: pathOf([]string{"distinct_id", "ace"})})
	before := string(jsonOf(t, answer.body))
	st.want(http.StatusAccepted, "removeFromProperties", `{"distinct_id":"ace","$remove":{"l":"a"}}`)
	st.want(http.StatusOK, "deleteChannels", `{"push":["t1"]}`, "distinct_id", "ace")
	assert.Equal(t, before, string(jsonOf(t, answer.body)), "an answer that is still being written must not see later calls")
}
