package playline

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestImportNamesTheFailedPlayersWhateverTheShape: the shape of an import's errors is not documented.
func TestImportNamesTheFailedPlayersWhateverTheShape(t *testing.T) {
	t.Parallel()
	players := []Player{{ExternalID: "ace"}, {ExternalID: "blitz"}, {ExternalID: "42"}}
	for name, test := range map[string]struct {
		errors string
		want   []ItemError
	}{
		"by index":             {`{"index":1,"code":"bad","message":"no"}`, []ItemError{{Index: 1, Code: "bad", Message: "no"}}},
		"by id":                {`{"external_id":"blitz","message":"no"}`, []ItemError{{Index: 1, Message: "no"}}},
		"by a numeric id":      {`{"external_id":42}`, []ItemError{{Index: 2}}},
		"the id wins":          {`{"index":0,"external_id":"blitz"}`, []ItemError{{Index: 1}}},
		"an unknown id":        {`{"index":0,"external_id":"nobody"}`, []ItemError{{Index: -1}}},
		"index too high":       {`{"index":3}`, []ItemError{{Index: -1}}},
		"index negative":       {`{"index":-1}`, []ItemError{{Index: -1}}},
		"index of text":        {`{"index":"1","message":"no"}`, []ItemError{{Index: 1, Message: "no"}}},
		"index with a point":   {`{"index":1.5,"message":"no"}`, []ItemError{{Index: -1, Message: "no"}}},
		"only text":            {`"ace@example.com is no player"`, []ItemError{{Index: -1, Message: "[REDACTED] is no player"}}},
		"a number":             {`7`, []ItemError{{Index: -1, Message: "7"}}},
		"null":                 {`null`, []ItemError{{Index: -1}}},
		"a list":               {`[1]`, []ItemError{{Index: -1, Message: "[1]"}}},
		"a numeric code":       {`{"index":0,"code":17,"message":{"a":1}}`, []ItemError{{Index: 0, Code: "17", Message: `{"a":1}`}}},
		"a key in the message": {`{"index":0,"message":"key sk_live_canary\u0026Smooven<9>\"\\%+/="}`, []ItemError{{Index: 0, Message: "key [REDACTED]"}}},
		"several, out of order": {
			`{"index":2},"odd",{"index":0},{"index":2,"code":"again"}`,
			[]ItemError{{Index: 0}, {Index: 2}, {Index: 2, Code: "again"}, {Index: -1, Message: "odd"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, success := range []string{"true", "false"} {
				s := script(step{body: `{"success":` + success + `,"imported":2,"errors":[` + test.errors + `]}`})
				result, err := newClient(t, s).Players.Import(t.Context(), players)
				require.NotNil(t, result, "the result comes with a partial error")
				assert.Equal(t, 2, result.Imported)
				var partial *PartialError
				require.ErrorAs(t, err, &partial)
				assert.Equal(t, 3, partial.Total)
				assert.Equal(t, "Players.Import", partial.Operation)
				for i := range partial.Items {
					assert.True(t, json.Valid(partial.Items[i].Raw), "the raw item is kept")
					partial.Items[i].Raw = nil
				}
				assert.Equal(t, test.want, partial.Items)
			}
		})
	}
}

func TestImportThatFailedWithoutItemsIsARefusal(t *testing.T) {
	t.Parallel()
	s := script(step{body: `{"success":false,"imported":0,"errors":[],"error":{"code":"quota","message":"no room"}}`})
	result, err := newClient(t, s).Players.Import(t.Context(), []Player{{ExternalID: "ace"}})
	assert.Nil(t, result)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "quota", e.Code)
}

func TestPropertyBatchNamesEveryActionThatWasNotTaken(t *testing.T) {
	t.Parallel()
	changes := []PropertyChange{
		{DistinctID: "ace", Actions: PropertyActions{Set: Properties{"a": 1}, Append: Properties{"b": "x"}}},
		{DistinctID: "blitz", Actions: PropertyActions{Unset: []string{"c"}}},
	}
	const none = "the service gave no result for it"
	for name, test := range map[string]struct {
		batch string
		want  []ItemError
	}{
		"all taken":         {`[{"$set":"ok","$append":"ok"},{"$unset":"ok"}]`, nil},
		"one refused":       {`[{"$set":"ok","$append":"type mismatch"},{"$unset":"ok"}]`, []ItemError{{Index: 0, Key: "$append", Code: "type mismatch", Raw: []byte(`"type mismatch"`)}}},
		"an item missing":   {`[{"$set":"ok","$append":"ok"}]`, []ItemError{{Index: 1, Key: "$unset", Message: none}}},
		"an action missing": {`[{"$set":"ok"},{"$unset":"ok"}]`, []ItemError{{Index: 0, Key: "$append", Message: none}}},
		"nothing in one":    {`[{},{"$unset":"ok"}]`, []ItemError{{Index: 0, Key: "$set", Message: none}, {Index: 0, Key: "$append", Message: none}}},
		"nothing": {`[]`, []ItemError{
			{Index: 0, Key: "$set", Message: none}, {Index: 0, Key: "$append", Message: none}, {Index: 1, Key: "$unset", Message: none},
		}},
		"more than asked":   {`[{"$set":"ok","$append":"ok","$add":"no"},{"$unset":"ok"},{"$set":"no"}]`, nil},
		"an empty status":   {`[{"$set":"","$append":"ok"},{"$unset":"ok"}]`, []ItemError{{Index: 0, Key: "$set", Raw: []byte(`""`)}}},
		"a private status":  {`[{"$set":"ok","$append":"ok"},{"$unset":"ace@example.com"}]`, []ItemError{{Index: 1, Key: "$unset", Code: "[REDACTED]", Raw: []byte(`"ace@example.com"`)}}},
		"positions, not id": {`[{"$set":"no","$append":"ok"},{"$unset":"ok"}]`, []ItemError{{Index: 0, Key: "$set", Code: "no", Raw: []byte(`"no"`)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(step{status: 202, body: `{"request_id":"p1","batch":` + test.batch + `}`})
			result, err := newClient(t, s).Properties.Batch(t.Context(), changes)
			require.NotNil(t, result)
			assert.Equal(t, "p1", result.RequestID)
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			var partial *PartialError
			require.ErrorAs(t, err, &partial)
			assert.Equal(t, test.want, partial.Items)
			assert.Equal(t, 2, partial.Total)
		})
	}
}

func TestEventNamesTheChannelsThatWereNotTaken(t *testing.T) {
	t.Parallel()
	s := script(step{status: 202, body: `{"event":"x","request_id":"e1","received_time":"","response":{
		"sms":{"destination":"+61400000000","msg_id":"m1","status":"suppressed"},"push":{"destination":"t","msg_id":"m2","status":"ok"},
		"email":{"destination":"ace@example.com","msg_id":"m3","status":""}}}`})
	result, err := newClient(t, s).Events.Fire(t.Context(), "x", Recipient{DistinctID: "ace"})
	require.NotNil(t, result)
	assert.Equal(t, "e1", result.RequestID)
	assert.Len(t, result.Messages, 3)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.Len(t, partial.Items, 2)
	assert.Equal(t, []any{0, "email", "", "the service gave no status"},
		[]any{partial.Items[0].Index, partial.Items[0].Key, partial.Items[0].Code, partial.Items[0].Message})
	assert.Equal(t, []any{0, "sms", "suppressed", ""}, []any{partial.Items[1].Index, partial.Items[1].Key, partial.Items[1].Code, partial.Items[1].Message})
	assert.Contains(t, string(partial.Items[1].Raw), "m1")
	assert.NotContains(t, err.Error(), "+61400000000")
	assert.Equal(t, 1, partial.Total)

	s = script(step{status: 202, body: `{"event":"x","request_id":"e1","received_time":"","response":{}}`})
	_, err = newClient(t, s).Events.Fire(t.Context(), "x", Recipient{DistinctID: "ace"})
	require.NoError(t, err, "no channel is no failure: the service names none")
}
