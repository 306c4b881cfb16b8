package playline

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Answers that are odd, and what is read from them all the same.

func TestContactInfoReadsVariablesWhereverTheyStand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body      string
		values    map[string]any
		variables int
	}{
		"under variables":  {`{"id":7,"variables":{"level":3,"clan":null}}`, map[string]any{"level": json.Number("3"), "clan": nil}, 0},
		"beside the rest":  {`{"id":7,"level":3,"clan":"red"}`, map[string]any{"level": json.Number("3"), "clan": "red"}, 0},
		"at both places":   {`{"id":7,"variables":{"level":3},"clan":"red"}`, map[string]any{"level": json.Number("3"), "clan": "red"}, 0},
		"as in a contact":  {`{"id":7,"variables":[{"id":1,"name":"level","value":"3"}]}`, map[string]any{}, 1},
		"of no known kind": {`{"id":7,"variables":"none"}`, map[string]any{}, 0},
		"null":             {`{"id":7,"variables":null,"clan":"red"}`, map[string]any{"clan": "red"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info, err := newClient(t, script(step{body: test.body})).Contacts.Info(t.Context(), 7)
			require.NoError(t, err)
			assert.Equal(t, int64(7), info.ID)
			assert.Equal(t, test.values, info.Values)
			assert.Len(t, info.Variables, test.variables)
			assert.JSONEq(t, test.body, string(info.Raw))
		})
	}
	_, err := newClient(t, script(step{body: `[]`})).Contacts.Info(t.Context(), 7, Retry(RetryPolicy{MaxAttempts: 1}))
	require.ErrorContains(t, err, "it is a list instead of an object")
}

func TestContactInfoReadsAFieldOfAnotherType(t *testing.T) {
	t.Parallel()
	info, err := newClient(t, script(step{body: `{"id":"7","firstName":"Ace","tags":"none"}`})).Contacts.Info(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, int64(7), info.ID)
	assert.Equal(t, "Ace", info.FirstName)
	assert.Empty(t, info.Tags)
	assert.Contains(t, string(info.Raw), `"tags":"none"`)
}

func TestPlayerRecordMustBeAnObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[]`, `"ply_1"`, `7`, `true`} {
		_, err := newClient(t, script(step{body: body})).Players.Get(t.Context(), "ply_1", Retry(RetryPolicy{MaxAttempts: 1}))
		require.ErrorContains(t, err, "instead of an object", body)
	}
}

func TestIngestResultReadsTheNumbersOfItsMessage(t *testing.T) {
	t.Parallel()
	for message, want := range map[string][2]int{
		"accepted:3 buffered:12": {3, 12}, "accepted:200 buffered:0": {200, 0}, "accepted:3": {3, 0}, "thank you": {}, "": {},
	} {
		body, err := json.Marshal(map[string]any{"success": true, "message": message})
		require.NoError(t, err)
		result, err := newClient(t, script(step{status: 202, body: string(body)})).Ingest.Send(t.Context(), tokenPlayer, gameplayBatch())
		require.NoError(t, err)
		assert.Equal(t, &IngestResult{true, message, want[0], want[1]}, result)
	}
	for _, body := range []string{`[]`, `{"success":"yes"}`, `{"message":1}`} {
		_, err := newClient(t, script(step{status: 202, body: body})).Ingest.Send(t.Context(), tokenPlayer, gameplayBatch())
		require.ErrorIs(t, err, ErrOutcomeUnknown, "%s: the events may be in the buffer", body)
	}
}

func TestAnswersWithoutTheirHeartAreUnreadable(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"data":null}`, `{"data":{"refresh_token":"x"}}`} {
		c := newClient(t, script(step{body: body}), WithRetryPolicy(RetryPolicy{MaxAttempts: 1}))
		session, err := c.Accounts.Login(t.Context(), Credentials{Email: "ace@example.com", Password: "x"})
		assert.Nil(t, session)
		require.ErrorContains(t, err, "data", body)
		assert.NotErrorIs(t, err, ErrOutcomeUnknown, "to log in again does no harm")
		_, err = c.Accounts.Register(t.Context(), AccountCreate{Email: "ace@example.com", Password: "12345678", DeviceID: "d"})
		require.ErrorIs(t, err, ErrOutcomeUnknown)
	}
	for _, body := range []string{`{}`, `{"client":null}`} {
		_, err := newClient(t, script(step{status: 201, body: body})).Messaging.CreateClient(t.Context(), "ace", smallClient)
		require.ErrorContains(t, err, "client")
		require.ErrorIs(t, err, ErrOutcomeUnknown)
	}
}

func TestUnknownFieldsAndNullsDoNotCostTheAnswer(t *testing.T) {
	t.Parallel()
	contact, err := newClient(t, script(step{body: `{"id":7,"photo":null,"lastName":null,"tags":null,"new":{"deep":[1]}}`})).Contacts.Get(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, &Contact{ID: 7}, contact)
	list, err := newClient(t, script(step{body: `[]`})).Suppressions.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list.Suppressions)
}
