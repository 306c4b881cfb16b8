package emulator

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Preferences of one topic, of all and of many.

func optOut(st serviceTest, distinctID, subscription, channel, status string) map[string]any {
	st.Helper()
	body := map[string]string{"distinct_id": distinctID, "channel": channel, "status": status}
	return st.want(http.StatusOK, "updatePreference", body, "subscription_id", subscription)
}

func preferencesOf(st serviceTest, distinctID string) map[string]any {
	st.Helper()
	return st.wantQuery(http.StatusOK, "getPreferences", url.Values{"distinct_id": {distinctID}}, nil)
}

func topicOf(st serviceTest, distinctID, section, subscription string) map[string]any {
	st.Helper()
	for _, topic := range preferencesOf(st, distinctID)["result"].(map[string]any)[section].([]any) {
		if topic := topic.(map[string]any); topic["subscription_id"] == subscription {
			return topic
		}
	}
	require.Failf(st.T, "no such topic", "%s in section %s", subscription, section)
	return nil
}

func TestFynoPreferencesStartWithWhatTheTopicsSay(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
	all := preferencesOf(st, "ace")
	assert.Equal(t, map[string]any{"all": map[string]any{"preference": map[string]any{}, "updated_at": map[string]any{}}}, all["meta"])
	sections := all["result"].(map[string]any)
	assert.Len(t, sections, 2)
	assert.Len(t, sections["Game"], 2)
	assert.Len(t, sections["Account"], 2)
	tournament := topicOf(st, "ace", "Game", "STOURNAMENT")
	assert.Equal(t, map[string]any{"push": "on", "email": "on", "sms": "off"}, tournament["channel_config"])
	assert.Equal(t, map[string]any{"push": optedIn, "email": optedIn, "sms": optedOut}, tournament["preference"])
	assert.Equal(t, map[string]any{}, tournament["is_global_opted_out"])
	assert.Equal(t, []any{}, tournament["notification_events"], "events are shown where they are asked for")

	shown := st.wantQuery(http.StatusOK, "getPreferences", url.Values{"distinct_id": {"ace"}, "event_list": {"true"}}, nil)
	news := shown["result"].(map[string]any)["Account"].([]any)[1].(map[string]any)
	assert.Equal(t, []any{map[string]any{"event_id": "E-newsletter", "event_name": "newsletter"}}, news["notification_events"])
}

func TestFynoPreferenceOfOneTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := newFynoTest(t)
		st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
		time.Sleep(time.Hour)
		answer := optOut(st, "ace", "SNEWS", "webpush", optedOut)
		assert.Equal(t, map[string]any{"SNEWS": map[string]any{"email": optedIn, "push": optedIn, "webpush": optedOut}}, answer)
		news := topicOf(st, "ace", "Account", "SNEWS")
		assert.Equal(t, optedOut, news["preference"].(map[string]any)["webpush"])
		assert.Equal(t, map[string]any{"webpush": fynoMoment(time.Now())}, news["updated_at"])
		optOut(st, "ace", "SNEWS", "webpush", optedIn)
		assert.Equal(t, optedIn, topicOf(st, "ace", "Account", "SNEWS")["preference"].(map[string]any)["webpush"])
		assert.Empty(t, preferencesOf(st, "ace")["meta"].(map[string]any)["all"].(map[string]any)["preference"])
	})
}

func TestFynoPreferenceOfAllTopics(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
	answer := optOut(st, "ace", "all", "email", optedOut)
	assert.Len(t, answer, 4)
	assert.Equal(t, optedOut, answer["SNEWS"].(map[string]any)["email"])
	assert.Equal(t, optedIn, answer["SSECURITY"].(map[string]any)["email"], "what is required stays")

	global := preferencesOf(st, "ace")["meta"].(map[string]any)["all"].(map[string]any)
	assert.Equal(t, map[string]any{"email": optedOut}, global["preference"])
	assert.Contains(t, global["updated_at"], "email")
	assert.Equal(t, map[string]any{"email": true}, topicOf(st, "ace", "Account", "SNEWS")["is_global_opted_out"])
	assert.Equal(t, map[string]any{}, topicOf(st, "ace", "Account", "SSECURITY")["is_global_opted_out"])

	optOut(st, "ace", "all", "email", optedIn)
	assert.Empty(t, preferencesOf(st, "ace")["meta"].(map[string]any)["all"].(map[string]any)["preference"])
	assert.Equal(t, map[string]any{}, topicOf(st, "ace", "Account", "SNEWS")["is_global_opted_out"])
	assert.Equal(t, optedIn, topicOf(st, "ace", "Account", "SNEWS")["preference"].(map[string]any)["email"])
}

func TestFynoPreferencesOfManyTopics(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
	ace := url.Values{"distinct_id": {"ace"}}
	answer := st.wantQuery(http.StatusOK, "updatePreferences", ace, `{"user_preference":{
		"all":{"push":"opted-out"},"SNEWS":{"push":"opted-in","email":"opted-out"}}}`)
	assert.Len(t, answer, 4)
	assert.Equal(t, map[string]any{"push": optedIn, "email": optedOut}, answer["SNEWS"], "a topic's own choice is applied after all")
	assert.Equal(t, optedOut, answer["STOURNAMENT"].(map[string]any)["push"])
}

func TestFynoPreferenceRefusals(t *testing.T) {
	ace, nobody := url.Values{"distinct_id": {"ace"}}, url.Values{"distinct_id": {"nobody"}}
	for _, tc := range []struct {
		name, operation, body, message string
		query                          url.Values
	}{
		{"get of an unknown profile", "getPreferences", "", "non existing distinct_id", nobody},
		{"update of an unknown profile", "updatePreferences", `{"user_preference":{"SNEWS":{"email":"opted-out"}}}`, "non existing distinct_id", nobody},
		{"unknown topic", "updatePreferences", `{"user_preference":{"SNEWS":{"email":"opted-out"},"SNONE":{"sms":"opted-in"}}}`, "'SNONE' does not exist", ace},
		{"required channel", "updatePreferences", `{"user_preference":{"SNEWS":{"email":"opted-out"},"SSECURITY":{"sms":"opted-out"}}}`, "cannot be updated", ace},
		{"one of an unknown profile", "updatePreference", `{"channel":"sms","distinct_id":"nobody","status":"opted-out"}`, "non existing distinct_id", nil},
		{"one of an unknown topic", "updatePreference", `{"channel":"sms","distinct_id":"ace","status":"opted-out"}`, "subscription 'SNONE' does not exist", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, _ := newFynoTest(t)
			st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
			before := preferencesOf(st, "ace")
			refusal := st.wantQuery(http.StatusBadRequest, tc.operation, tc.query, tc.body, "subscription_id", "SNONE")
			assert.Contains(t, refusal["_message"], tc.message)
			assert.Equal(t, before, preferencesOf(st, "ace"), "all of a request or none")
		})
	}
}

func TestFynoTopicsCanBeReplaced(t *testing.T) {
	st, _ := newFynoTest(t, WithFynoTopics(Topic{ID: "S1", Section: "Only", Name: "One"}))
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
	one := topicOf(st, "ace", "Only", "S1")
	assert.Equal(t, map[string]any{}, one["channel_config"])
	assert.Equal(t, map[string]any{}, one["preference"])
	assert.Len(t, preferencesOf(st, "ace")["result"], 1)
}
