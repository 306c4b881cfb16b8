package emulator

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statusesOf are an event's statuses by channel.
func statusesOf(response any) map[string]string {
	out := map[string]string{}
	for channel, status := range response.(map[string]any) {
		if status, ok := status.(map[string]any); ok {
			out[channel] = status["status"].(string)
		}
	}
	return out
}

func TestFynoEventReachesWhomItNames(t *testing.T) {
	const profile = `{"distinct_id":"ace","channel":{"sms":"+61400000000","email":"ace@example.com"}}`
	for _, tc := range []struct {
		name, recipient string
		want            map[string]string // destination by channel
	}{
		{"the profile's channels", `"distinct_id":"ace"`, map[string]string{"sms": "+61400000000", "email": "ace@example.com"}},
		{"destinations alone", `"to":{"sms":"+61400000009","push":"fcm_token:t9"}`, map[string]string{"sms": "+61400000009", "push": "fcm_token:t9"}},
		{
			"both: to wins channel by channel", `"distinct_id":"ace","to":{"sms":"+61400000009","slack":"C1"}`,
			map[string]string{"sms": "+61400000009", "email": "ace@example.com", "slack": "C1"},
		},
		{"an unknown profile with destinations", `"distinct_id":"nobody","to":{"sms":"+61400000009"}`, map[string]string{"sms": "+61400000009"}},
		{"a profile with an empty to", `"distinct_id":"ace","to":{}`, map[string]string{"sms": "+61400000000", "email": "ace@example.com"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, f := newFynoTest(t)
			st.want(http.StatusCreated, "createProfile", profile)
			answer := st.want(http.StatusAccepted, "fireEvent", `{"event":"level_up",`+tc.recipient+`,"data":{"n":9007199254740993},"callback":{"custom_id":"c1"}}`)
			assert.Equal(t, "level_up", answer["event"])
			received, err := time.Parse(time.RFC3339, answer["received_time"].(string))
			require.NoError(t, err)
			assert.False(t, received.IsZero())
			got := map[string]string{}
			for _, m := range f.messages() {
				got[m.Channel] = m.Destination
				assert.Equal(t, answer["request_id"], m.RequestID)
				assert.Equal(t, map[string]any{"destination": m.Destination, "msg_id": m.ID, "status": "ok"}, answer["response"].(map[string]any)[m.Channel])
				assert.True(t, m.Sent)
				assert.Empty(t, m.Reason)
				assert.Empty(t, m.OTP)
				assert.Equal(t, "live", m.Version)
				assert.JSONEq(t, `{"custom_id":"c1"}`, string(m.Callback))
				assert.Equal(t, `{"n":9007199254740993}`, string(m.Data))
			}
			assert.Equal(t, tc.want, got)
			assert.Len(t, answer["response"], len(tc.want))
		})
	}
}

func TestFynoEventRefusals(t *testing.T) {
	for _, tc := range []struct{ name, operation, body, message string }{
		{"unknown profile", "fireEvent", `{"event":"x","distinct_id":"nobody"}`, "incorrect/non existing distinct_id provided"},
		{"unknown profile and an empty to", "fireEvent", `{"event":"x","distinct_id":"nobody","to":{}}`, "incorrect/non existing distinct_id provided"},
		{"no destination", "fireEvent", `{"event":"x","to":{}}`, "body.to must name a channel"},
		{"no destination in a batch", "fireEventBulk", `{"event":"x","batch":[{"to":{"sms":"+61400000000"}},{"to":{}}]}`, "body.batch[1].to"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, f := newFynoTest(t)
			assert.Contains(t, st.want(http.StatusBadRequest, tc.operation, tc.body)["_message"], tc.message)
			assert.Empty(t, f.messages())
		})
	}
}

func TestFynoEventSaysWhatWasNotSent(t *testing.T) {
	setUp := func(steps ...func(serviceTest)) []func(serviceTest) { return steps }
	do := func(operation, body string, path ...string) func(serviceTest) {
		return func(st serviceTest) { st.want(http.StatusOK, operation, body, path...) }
	}
	optedOutOf := func(subscription, channel string) func(serviceTest) {
		return func(st serviceTest) { optOut(st, "ace", subscription, channel, optedOut) }
	}
	for _, tc := range []struct {
		name, event, to string
		before          []func(serviceTest)
		want            map[string]string
	}{
		{"nothing in the way", "newsletter", "", nil, map[string]string{"sms": "ok", "email": "ok", "push": "ok"}},
		{
			"suppressed by user", "newsletter", "", setUp(do("addSuppression", `{"distinct_id":"ace","channel":"sms"}`)),
			map[string]string{"sms": reasonSuppressed, "email": "ok", "push": "ok"},
		},
		{
			"suppressed by number, written without plus", "newsletter", "", setUp(do("addSuppression", `{"destination":"61400000000","channel":"sms"}`)),
			map[string]string{"sms": reasonSuppressed, "email": "ok", "push": "ok"},
		},
		{
			"another user suppressed", "newsletter", "", setUp(do("addSuppression", `{"distinct_id":"blitz","channel":"sms"}`)),
			map[string]string{"sms": "ok", "email": "ok", "push": "ok"},
		},
		{
			"suppressed by the id before a merge", "newsletter", "",
			setUp(do("addSuppression", `{"distinct_id":"guest-1","channel":"email"}`),
				do("mergeProfiles", "", "source_distinct_id", "guest-1", "target_distinct_id", "ace")),
			map[string]string{"sms": "ok", "email": reasonSuppressed, "push": "ok"},
		},
		{"opted out of the topic", "newsletter", "", setUp(optedOutOf("SNEWS", "email")), map[string]string{"sms": "ok", "email": reasonOptedOut, "push": "ok"}},
		{"opted out of another topic", "newsletter", "", setUp(optedOutOf("STOURNAMENT", "email")), map[string]string{"sms": "ok", "email": "ok", "push": "ok"}},
		{"a topic whose channel is off at first", "tournament_start", "", nil, map[string]string{"sms": reasonOptedOut, "email": "ok", "push": "ok"}},
		{"opted out of all", "an event of no topic", "", setUp(optedOutOf("all", "push")), map[string]string{"sms": "ok", "email": "ok", "push": reasonOptedOut}},
		{
			"what is required is sent", "new_device", "", setUp(optedOutOf("all", "sms"), optedOutOf("all", "email")),
			map[string]string{"sms": "ok", "email": "ok", "push": "ok"},
		},
		{"empty destination", "newsletter", `,"to":{"sms":""}`, nil, map[string]string{"sms": reasonNoDestination, "email": "ok", "push": "ok"}},
		{
			"inactive profile", "newsletter", "", setUp(do("updateProfile", `{"status":0}`, "distinct_id", "ace")),
			map[string]string{"sms": reasonInactive, "email": reasonInactive, "push": reasonInactive},
		},
		{
			"inactive token", "newsletter", "", setUp(do("updateChannels", `{"channel":{"push":[{"token":"t1","status":0}]}}`, "distinct_id", "ace")),
			map[string]string{"sms": "ok", "email": "ok", "push": reasonInactive},
		},
		{
			"one of two tokens inactive", "newsletter", "", setUp(do("updateChannels", `{"channel":{"push":[{"token":"t1","status":0},{"token":"t2"}]}}`, "distinct_id", "ace")),
			map[string]string{"sms": "ok", "email": "ok", "push": "ok"},
		},
		{
			"no channel at all", "newsletter", "", setUp(do("deleteChannels", `{"channel":["sms","email","push"]}`, "distinct_id", "ace")),
			map[string]string{"inapp": reasonNoDestination},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st, f := newFynoTest(t)
			st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"sms":"+61400000000","email":"ace@example.com","push":[{"token":"t1"}]}}`)
			st.want(http.StatusCreated, "createProfile", `{"distinct_id":"guest-1"}`)
			for _, step := range tc.before {
				step(st)
			}
			answer := st.want(http.StatusAccepted, "fireEvent", fmt.Sprintf(`{"event":%q,"distinct_id":"ace"%s}`, tc.event, tc.to))
			assert.Equal(t, tc.want, statusesOf(answer["response"]))
			for _, m := range f.messages() {
				assert.Equal(t, m.Sent, m.Reason == "", "message on %s", m.Channel)
			}
		})
	}
}

func TestFynoBulkEventAnswersItemByItem(t *testing.T) {
	st, f := newFynoTest(t)
	st.want(http.StatusCreated, "createProfile", `{"distinct_id":"ace","channel":{"sms":"+61400000000"}}`)
	answer := st.want(http.StatusAccepted, "fireEventBulk", `{"event":"level_up","batch":[
		{"distinct_id":"ace","data":{"level":1}},{"distinct_id":"nobody"},{"to":{"email":"b@example.com"}}]}`)
	assert.Equal(t, "level_up", answer["event"])
	assert.InDelta(t, time.Now().UnixMilli(), answer["received_time"], float64(time.Minute.Milliseconds()))
	assert.NotEmpty(t, answer["request_id"])
	items := answer["response"].([]any)
	require.Len(t, items, 3)
	seen := map[any]bool{answer["request_id"]: true}
	for i, item := range items {
		item := item.(map[string]any)
		assert.EqualValues(t, i+1, item["seq"])
		assert.False(t, seen[item["request_id"]], "every item has a request id of its own")
		seen[item["request_id"]] = true
	}
	assert.Equal(t, map[string]string{"sms": "ok"}, statusesOf(items[0]))
	assert.Equal(t, map[string]string{"inapp": reasonUnknownProfile}, statusesOf(items[1]))
	assert.Equal(t, map[string]string{"email": "ok"}, statusesOf(items[2]))
	messages := f.messages()
	require.Len(t, messages, 3)
	assert.Equal(t, `{"level":1}`, string(messages[0].Data))
	messages[0].Data[2] = 'X'
	assert.Equal(t, `{"level":1}`, string(f.messages()[0].Data), "messages are copies")
}

func TestFynoIdempotencyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, f := newFynoTest(t)
		fire := func(operation, version, key, event string) any {
			body := fmt.Sprintf(`{"event":%q,"to":{"sms":"+61400000000"}}`, event)
			if operation == "fireEventBulk" {
				body = fmt.Sprintf(`{"event":%q,"batch":[{"to":{"sms":"+61400000000"}}]}`, event)
			}
			c := &call{operation: operation, path: pathOf([]string{"version", version}), header: http.Header{}, body: jsonOf(t, body)}
			if key != "" {
				c.header.Set("Idempotency-Key", key)
			}
			return st.wantCall(http.StatusAccepted, c)["request_id"]
		}
		first := fire("fireEvent", "live", "k1", "one")
		assert.Equal(t, first, fire("fireEvent", "live", "k1", "one"))
		assert.Equal(t, first, fire("fireEvent", "live", "k1", "two"), "whatever the body")
		assert.Len(t, f.messages(), 1)
		assert.NotEqual(t, first, fire("fireEvent", "live", "k2", "one"))
		assert.NotEqual(t, first, fire("fireEvent", "live", "", "one"))
		assert.Len(t, f.messages(), 3)

		bulk := fire("fireEventBulk", "live", "k1", "one")
		assert.NotEqual(t, first, bulk, "each operation has its own keys")
		assert.Equal(t, bulk, fire("fireEventBulk", "live", "k1", "one"))
		assert.Len(t, f.messages(), 4)

		onTest := fire("fireEvent", "test", "k1", "one")
		assert.NotEqual(t, onTest, fire("fireEvent", "test", "k1", "one"), "keys count on live only")
		assert.Len(t, f.messages(), 6)

		time.Sleep(24*time.Hour - time.Second)
		assert.Equal(t, first, fire("fireEvent", "live", "k1", "one"))
		time.Sleep(time.Second)
		assert.NotEqual(t, first, fire("fireEvent", "live", "k1", "one"), "a key is remembered for 24 hours")
		assert.Len(t, f.versions["live"].replayed.answers, 1, "what is too old is forgotten")
	})
}

func TestFynoIdempotencyKeyHoldsInARace(t *testing.T) {
	st, f := newFynoTest(t)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			f.handle(&call{
				operation: "fireEvent", path: pathOf(nil), header: http.Header{"Idempotency-Key": {"k1"}},
				body: jsonOf(st.T, `{"event":"x","to":{"sms":"+61400000000"}}`),
			})
		})
	}
	wait.Wait()
	assert.Len(t, f.messages(), 1)
}
