package emulator

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// Fyno's profiles: they come, change, merge and go.

func TestFynoProfileLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := newFynoTest(t)
		st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "ace")
		st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","name":"Ace","timezone":"Asia/Kolkata",
			"channel":{"sms":"+919800000000","push":[{"token":"device-abc-123"}]}}`)
		created := time.Now()

		p := st.profile("ace")
		assert.Equal(t, "ace", p["distinct_id"])
		assert.Equal(t, "Ace", p["name"])
		assert.EqualValues(t, 1, p["status"])
		assert.Equal(t, "live", p["version"])
		assert.Equal(t, "IN", p["country_code"])
		assert.Equal(t, "Asia/Kolkata", p["timezone"])
		assert.Equal(t, "+05:30", p["timezone_offset"])
		assert.Equal(t, fynoMoment(created), p["created_at"])
		assert.Equal(t, []any{}, p["id_list"])
		assert.Equal(t, map[string]any{}, p["properties"])
		assert.Equal(t, map[string]any{"sms": "+919800000000", "push": []any{map[string]any{"token": "device-abc-123", "status": 1.0}}}, p["channel"])
		assert.Equal(t, p["channel"], p["channel_raw"])
		assert.Regexp(t, `^[0-9a-f]{24}$`, p["profile_id"])

		time.Sleep(time.Minute)
		st.want(http.StatusOK, "updateProfile", `{"status":0.0}`, "distinct_id", "ace")
		p = st.profile("ace")
		assert.EqualValues(t, 0, p["status"])
		assert.Equal(t, "Ace", p["name"], "what was not sent stays")
		assert.Equal(t, fynoMoment(created), p["created_at"])
		assert.Equal(t, fynoMoment(created.Add(time.Minute)), p["updated_at"])

		st.want(http.StatusOK, "deleteProfiles", `{"distinct_id":["ace"]}`)
		gone := st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "ace")
		assert.Equal(t, "incorrect/non existing distinct_id provided", gone["_message"])
		assert.Equal(t, "error", gone["status"])
	})
}

func TestFynoProfileRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, operation, body, message string
		path                           []string
	}{
		{"create an existing one", "createProfile", `{"distinct_id":"ace"}`, "Distinct ID 'ace' already exists in the 'live' version", nil},
		{"create with a bad number", "createProfile", `{"distinct_id":"new","channel":{"sms":"0400 000 000"}}`, "Invalid destination for channel sms", nil},
		{"update an unknown one", "updateProfile", `{"name":"x"}`, "does not exist", []string{"distinct_id", "nobody"}},
		{"rename to a taken id", "updateProfile", `{"distinct_id":"blitz"}`, "already exists", []string{"distinct_id", "ace"}},
		{"update with a bad number", "updateProfile", `{"channel":{"voice":"+0"}}`, "Invalid destination for channel voice", []string{"distinct_id", "ace"}},
		{"merge an unknown source", "mergeProfiles", "", "does not exist", []string{"source_distinct_id", "nobody", "target_distinct_id", "ace"}},
		{"merge into itself", "mergeProfiles", "", "itself", []string{"source_distinct_id", "ace", "target_distinct_id", "ace"}},
		{"delete one that does not exist", "deleteProfiles", `{"distinct_id":["ace","nobody"]}`, "Cannot delete non existing user", nil},
		{"channels of an unknown one", "updateChannels", `{"channel":{"email":"x@example.com"}}`, "incorrect/non existing distinct_id provided", []string{"distinct_id", "nobody"}},
		{"bad number in channels", "updateChannels", `{"channel":{"whatsapp":"abc"}}`, "Invalid destination for channel whatsapp", []string{"distinct_id", "ace"}},
		{"delete channels of an unknown one", "deleteChannels", `{"channel":["sms"]}`, "incorrect/non existing distinct_id provided", []string{"distinct_id", "nobody"}},
		{"delete a channel that is not there", "deleteChannels", `{"channel":["sms","slack"]}`, "Unable to delete channel since the channel does not exist", []string{"distinct_id", "ace"}},
		{"delete a token that is not there", "deleteChannels", `{"push":["t1","t9"]}`, "Unable to delete channel since the channel does not exist", []string{"distinct_id", "ace"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, _ := newFynoTest(t)
			st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"sms":"+61400000000","push":[{"token":"t1"}]}}`)
			st.want(http.StatusCreated, "createProfile", `{"distinct_id":"blitz"}`)
			before := st.profile("ace")
			refusal := st.want(http.StatusBadRequest, tc.operation, tc.body, tc.path...)
			assert.Equal(t, "error", refusal["status"])
			assert.Contains(t, refusal["_message"], tc.message)
			assert.Equal(t, before, st.profile("ace"), "a refusal changes nothing")
			st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "new")
		})
	}
}

func TestFynoUpdateReplacesChannelsAsAWhole(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"sms":"+61400000000","email":"ace@example.com"}}`)
	st.want(http.StatusOK, "updateProfile", `{"channel":{"email":"new@example.com"}}`, "distinct_id", "ace")
	assert.Equal(t, map[string]any{"email": "new@example.com"}, st.profile("ace")["channel"])
	st.want(http.StatusOK, "updateProfile", `{"name":"Ace","timezone":"Australia/Sydney"}`, "distinct_id", "ace")
	p := st.profile("ace")
	assert.Equal(t, map[string]any{"email": "new@example.com"}, p["channel"])
	assert.Equal(t, "Australia/Sydney", p["timezone"])
	assert.Empty(t, p["country_code"], "without an sms number the country is unknown")
}

func TestFynoRenamesAProfile(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"guest-1","name":"Ace"}`)
	id := st.profile("guest-1")["profile_id"]
	st.want(http.StatusOK, "updateProfile", `{"distinct_id":"ace"}`, "distinct_id", "guest-1")
	assert.Equal(t, id, st.profile("ace")["profile_id"])
	st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "guest-1")
	st.want(http.StatusOK, "updateProfile", `{"distinct_id":"ace","name":"Ace 2"}`, "distinct_id", "ace")
	assert.Equal(t, "Ace 2", st.profile("ace")["name"])
}

func TestFynoMerges(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"guest-1","name":"Guest",
		"channel":{"sms":"+61400000001","email":"guest@example.com","push":[{"token":"t1"},{"token":"t2"}]}}`)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"sms":"+61400000000","push":[{"token":"t2","status":0}]}}`)
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"guest-1","$set":{"level":3,"clan":"owls"}}`)
	st.want(http.StatusAccepted, "setProperties", `{"distinct_id":"ace","$set":{"level":9}}`)
	optOut(st, "guest-1", "SNEWS", "email", optedOut)
	guest := st.profile("guest-1")

	merged := st.want(http.StatusOK, "mergeProfiles", nil, "source_distinct_id", "guest-1", "target_distinct_id", "ace")
	assert.Equal(t, "1 Record(s) updated and 1 Records(s) deleted", merged["_message"])
	st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "guest-1")
	p := st.profile("ace")
	assert.Equal(t, []any{guest["profile_id"]}, p["id_list"])
	assert.Equal(t, "Guest", p["name"], "what the target lacks comes from the source")
	assert.Equal(t, map[string]any{"level": 9.0, "clan": "owls"}, p["properties"], "where both have a value the target's stays")
	assert.Equal(t, map[string]any{
		"sms": "+61400000000", "email": "guest@example.com",
		"push": []any{map[string]any{"token": "t2", "status": 0.0}, map[string]any{"token": "t1", "status": 1.0}},
	}, p["channel"])
	assert.Equal(t, optedOut, topicOf(st, "ace", "Account", "SNEWS")["preference"].(map[string]any)["email"])

	st.want(http.StatusBadRequest, "mergeProfiles", nil, "source_distinct_id", "guest-1", "target_distinct_id", "ace")
	st.want(http.StatusOK, "mergeProfiles", nil, "source_distinct_id", "ace", "target_distinct_id", "ace-2")
	st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "ace")
	assert.Equal(t, p["profile_id"], st.profile("ace-2")["profile_id"], "where no target exists the source is renamed")
	assert.Equal(t, []any{guest["profile_id"]}, st.profile("ace-2")["id_list"])
}

func TestFynoVersionsAreApart(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`, "version", "test")
	st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "ace")
	assert.Equal(t, "test", st.want(http.StatusOK, "getProfile", nil, "distinct_id", "ace", "version", "test")["version"])
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace"}`)
}

func TestFynoDeletesManyProfilesOrNone(t *testing.T) {
	st, _ := newFynoTest(t)
	for _, id := range []string{"ace", "blitz", "comet"} {
		st.want(http.StatusCreated, "createProfile", map[string]string{"distinct_id": id})
	}
	st.want(http.StatusBadRequest, "deleteProfiles", `{"distinct_id":["ace","nobody"]}`)
	st.profile("ace")
	done := st.want(http.StatusOK, "deleteProfiles", `{"distinct_id":["ace","blitz","ace"]}`)
	assert.Equal(t, "2 User(s) deleted successfully", done["_message"])
	st.want(http.StatusBadRequest, "getProfile", nil, "distinct_id", "blitz")
	st.profile("comet")
}

func TestFynoChannelsAddAndGo(t *testing.T) {
	st, _ := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"sms":"61400000000","push":[{"token":"t1"},{"token":"t1","status":0}]}}`)
	st.want(http.StatusOK, "updateChannels", `{"channel":{"email":"ace@example.com",
		"push":[{"token":"t2","integration_id":"I1","status":1},{"token":"t1","integration_id":null}],"inapp":[{"token":"ace"}]}}`, "distinct_id", "ace")
	assert.Equal(t, map[string]any{
		"sms": "61400000000", "email": "ace@example.com",
		"push":  []any{map[string]any{"token": "t1", "status": 1.0}, map[string]any{"token": "t2", "integration_id": "I1", "status": 1.0}},
		"inapp": []any{map[string]any{"token": "ace", "status": 1.0}},
	}, st.profile("ace")["channel"], "a token that is there is updated, not added twice")

	st.want(http.StatusOK, "deleteChannels", `{"push":["t1"],"inapp":["ace"]}`, "distinct_id", "ace")
	assert.Equal(t, map[string]any{
		"sms": "61400000000", "email": "ace@example.com",
		"push": []any{map[string]any{"token": "t2", "integration_id": "I1", "status": 1.0}},
	}, st.profile("ace")["channel"])
	st.want(http.StatusOK, "deleteChannels", `{"channel":["sms","push"]}`, "distinct_id", "ace")
	assert.Equal(t, map[string]any{"email": "ace@example.com"}, st.profile("ace")["channel"])
}

func TestFynoKnowsCountriesByTheirCallingCode(t *testing.T) {
	for _, tc := range []struct{ number, country string }{
		{"+61400000000", "AU"},
		{"919800000000", "IN"},
		{"+3539000000", "IE"},
		{"+15550000000", "US"},
		{"+99800000000", "UZ"},
		{"", ""},
		{"+", ""},
		{"+999123456", ""},
	} {
		assert.Equal(t, tc.country, countryOf(tc.number), "number %q", tc.number)
	}
}
