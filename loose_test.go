package playline

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Answers whose types the vendor does not document.

func TestOneOddContactCostsNothingBesideIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		item string
		want []Contact // of the item; the one beside it is always there
	}{
		"a number in place of a text":   {`{"id":7,"phone":61400000000,"firstName":7,"photo":1.50}`, []Contact{{ID: 7, Phone: "61400000000", FirstName: "7", Photo: "1.50"}}},
		"a text in place of a number":   {`{"id":"76561197960287931","tags":[{"id":"3","name":4}]}`, []Contact{{ID: 76561197960287931, Tags: []ContactTag{{ID: 3, Name: "4"}}}}},
		"a float in place of a number":  {`{"id":7.0}`, []Contact{{ID: 7}}},
		"a number that is not whole":    {`{"id":7.5,"email":"ace@example.com"}`, []Contact{{Email: "ace@example.com"}}},
		"a number beyond 64 bits":       {`{"id":99999999999999999999,"state":"active"}`, []Contact{{State: "active"}}},
		"a bool and an object as texts": {`{"id":7,"email":false,"lastName":{"a":1},"phone":[]}`, []Contact{{ID: 7}}},
		"lists of other things":         {`{"id":7,"tags":{"0":{"id":1}},"funnels":"none","variables":[]}`, []Contact{{ID: 7, Variables: []ContactVariable{}}}},
		"odd items of lists":            {`{"id":7,"tags":[null,"vip",{},{"id":1},[]],"variables":[{"name":"level","value":3,"content":[3,null]}]}`, []Contact{{ID: 7, Tags: []ContactTag{{ID: 1}}, Variables: []ContactVariable{{Name: "level", Value: "3", Content: []json.RawMessage{json.RawMessage("3")}}}}}},
		"variables as an object":        {`{"id":7,"variables":{"level":3}}`, []Contact{{ID: 7}}},
		"a null":                        {`null`, nil},
		"a text":                        {`"ace"`, nil},
		"an empty object":               {`{}`, nil},
		"a list":                        {`[{"id":7}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"cursor":{"page":1,"pages":1},"collection":[` + tt.item + `,{"id":8,"firstName":"blitz"}]}`
			want := slices.Concat(tt.want, []Contact{{ID: 8, FirstName: "blitz"}})
			c := newClient(t, script(step{body: body}))
			page, err := c.Contacts.List(t.Context(), PageOptions{})
			require.NoError(t, err)
			assert.Equal(t, want, page.Contacts)
			page, err = c.Contacts.Search(t.Context(), "a", PageOptions{})
			require.NoError(t, err)
			assert.Equal(t, want, page.Contacts)
			var all []Contact
			for contact, err := range c.Contacts.All(t.Context(), PageOptions{}) {
				require.NoError(t, err)
				all = append(all, contact)
			}
			assert.Equal(t, want, all)
		})
	}
}

// TestAPageThatDoesNotSayWhetherMoreFollows is an error: the walk would end as if the list were whole.
func TestAPageThatDoesNotSayWhetherMoreFollows(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"cursor":{"page":1},"collection":[{"id":7}]}`:                  "pages",
		`{"cursor":{"page":1,"pages":"many"},"collection":[{"id":7}]}`:   "pages",
		`{"cursor":{"page":1,"pages":null},"collection":[{"id":7}]}`:     "pages",
		`{"cursor":{"pages":1},"collection":[{"id":7}]}`:                 "page",
		`{"cursor":[],"collection":[{"id":7}]}`:                          "cursor",
		`{"collection":[{"id":7}]}`:                                      "cursor",
		`{"cursor":{"page":1,"pages":1}}`:                                "collection",
		`{"cursor":{"page":1,"pages":1},"collection":null}`:              "collection",
		`{"cursor":{"page":1,"pages":1},"collection":{"0":{"id":7}}}`:    "collection",
		`{"cursor":{"page":1,"pages":1},"collection":"none","id":"x"}`:   "collection",
		`{"cursor":{"page":1,"pages":1.5},"collection":[{"id":7},null]}`: "pages",
	} {
		c := newClient(t, script(step{body: body}))
		page, err := c.Contacts.List(t.Context(), PageOptions{}, Retry(RetryPolicy{MaxAttempts: 1}))
		require.ErrorContains(t, err, says, body)
		assert.Nil(t, page)
		gates, err := c.Contacts.Gates(t.Context(), 7, PageOptions{}, Retry(RetryPolicy{MaxAttempts: 1}))
		require.ErrorContains(t, err, says, body)
		assert.Nil(t, gates)
	}
	page, err := newClient(t, script(step{body: `{"cursor":{"page":"1","pages":"3"},"collection":[]}`})).Contacts.List(t.Context(), PageOptions{})
	require.NoError(t, err)
	assert.Equal(t, &ContactPage{Cursor{1, 3}, []Contact{}}, page)
}

func TestChatsAndGatesAreReadLoosely(t *testing.T) {
	t.Parallel()
	gate := `{"id":"5","subscribed":1,"unreadMessages":"2","channel":{"id":6,"active":"true","occupied":false,"name":7,"referrer":null}}`
	want := Gate{ID: 5, Subscribed: true, UnreadMessages: 2, Channel: ContactChannel{ID: 6, Active: true, Name: "7"}}
	chat, err := newClient(t, script(step{body: `{"id":"9","name":4,"contact":{"id":"77","originalId":101},"gates":[null,` + gate + `,"x"]}`})).
		Contacts.Chat(t.Context(), 101)
	require.NoError(t, err)
	assert.Equal(t, &Chat{ID: 9, Name: "4", Contact: ChatContact{77, 101}, Gates: []Gate{want}}, chat)
	page, err := newClient(t, script(step{body: `{"cursor":{"page":1,"pages":1},"collection":[{},` + gate + `]}`})).Contacts.Gates(t.Context(), 101, PageOptions{})
	require.NoError(t, err)
	assert.Equal(t, []Gate{want}, page.Gates)
	made, err := newClient(t, script(step{body: gate})).Contacts.Create(t.Context(), 6, ContactCreate{Identifier: "61400000000", FirstName: "ace"})
	require.NoError(t, err)
	assert.Equal(t, &want, made)
}

func TestAPlayerRecordWithoutEmptyItems(t *testing.T) {
	t.Parallel()
	body := `{"player_id":7,"external_id":"ace","tags":["vip",null,5,{"a":1},""],"channels_registered":["sms",{}],"channels":{"sms":61400000000,"push":{"device_token":"t"}}}`
	record, err := newClient(t, script(step{body: body})).Players.Get(t.Context(), "7")
	require.NoError(t, err)
	assert.Equal(t, &PlayerRecord{
		Player: Player{
			ExternalID: "ace", Tags: []string{"vip", "5", ""}, Channels: PlayerChannels{SMS: "61400000000", Push: &PushChannel{DeviceToken: "t"}},
		},
		PlayerID: "7", ChannelsRegistered: []Channel{ChannelSMS}, Raw: json.RawMessage(body),
	}, record)
}

// TestResultsWithRawAsJSON: what Raw holds is there once, and is read back the same.
func TestResultsWithRawAsJSON(t *testing.T) {
	t.Parallel()
	record := &PlayerRecord{Player: Player{ExternalID: "ace", Tags: []string{"vip"}}, PlayerID: "ply_1", ChannelsRegistered: []Channel{ChannelSMS}, Raw: json.RawMessage(`{"more":1}`)}
	encoded, err := json.Marshal(record)
	require.NoError(t, err)
	assert.JSONEq(t, `{"player_id":"ply_1","external_id":"ace","channels":{},"tags":["vip"],"channels_registered":["sms"]}`, string(encoded))
	again := &PlayerRecord{}
	require.NoError(t, json.Unmarshal(encoded, again))
	record.Raw = nil
	assert.Equal(t, record, again)

	for _, variables := range []string{`{"steam":76561197960287931}`, `[{"id":1,"name":"level","content":null,"value":"3","description":"","createdAt":"","updatedAt":""}]`} {
		info := &ContactInfo{}
		require.NoError(t, json.Unmarshal([]byte(`{"id":7,"variables":`+variables+`}`), info))
		info.Raw = json.RawMessage(`{"more":1}`)
		encoded, err := json.Marshal(info)
		require.NoError(t, err)
		assert.JSONEq(t, `{"id":7,"photo":"","state":"","fullName":"","firstName":"","lastName":"","email":"","phone":"","createdAt":"","tags":null,"funnels":null,"variables":`+
			variables+`}`, string(encoded))
		again := &ContactInfo{}
		require.NoError(t, json.Unmarshal(encoded, again))
		info.Raw = nil
		assert.Equal(t, info, again)
	}
}

// TestWhatInfoReturnsCanBeWrittenBack: a whole number above 2^53 is the same on its way back.
func TestWhatInfoReturnsCanBeWrittenBack(t *testing.T) {
	t.Parallel()
	s := script(step{body: `{"id":7,"variables":{"steam":76561197960287931,"deep":{"a":[9007199254740993]}},"beside":-9007199254740993}`}, step{body: `{"state":true}`})
	c := newClient(t, s)
	info, err := c.Contacts.Info(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, json.Number("76561197960287931"), info.Values["steam"])
	_, err = c.Contacts.Update(t.Context(), 7, info.Values)
	require.NoError(t, err)
	assert.JSONEq(t, `{"values":{"steam":76561197960287931,"deep":{"a":[9007199254740993]},"beside":-9007199254740993}}`, string(s.last(t).body))
	assert.Contains(t, string(s.last(t).body), "76561197960287931")
}

func TestNumbersAndBoolsReadLoosely(t *testing.T) {
	t.Parallel()
	var out struct {
		N int64 `json:"n"`
		B bool  `json:"b"`
	}
	for raw, want := range map[string]int64{`7`: 7, `"7"`: 7, `7e0`: 7, `" 7"`: 0, `""`: 0, `true`: 0, `9007199254740993`: 9007199254740993, `1e400`: 0, `1e18`: 0} {
		out.N = 0
		require.NoError(t, decodeLoosely([]byte(`{"n":`+raw+`}`), &out))
		assert.Equal(t, want, out.N, raw)
	}
	for raw, want := range map[string]bool{`true`: true, `1`: true, `"true"`: true, `"1"`: true, `0`: false, `"yes"`: false, `2`: false, `null`: false} {
		out.B = false
		require.NoError(t, decodeLoosely([]byte(`{"b":`+raw+`}`), &out))
		assert.Equal(t, want, out.B, raw)
	}
	require.Error(t, decodeLoosely([]byte(`[]`), &out))
}

// TestVariablesWithTheNamesOfRefusals: a contact may have variables that are called as a refusal's members are.
func TestVariablesWithTheNamesOfRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]map[string]any{
		`{"id":7,"error":"timeout"}`:                   {"error": "timeout"},
		`{"id":7,"error":5,"clan":"red"}`:              {"error": json.Number("5"), "clan": "red"},
		`{"id":7,"error":null}`:                        {"error": nil},
		`{"id":7,"error":{"note":"none"}}`:             {"error": map[string]any{"note": "none"}},
		`{"id":7,"variables":{"error":"x","state":1}}`: {"error": "x", "state": json.Number("1")},
		`{"id":7,"state":false,"clan":"red"}`:          {"clan": "red"},
	} {
		info, err := newClient(t, script(step{body: body})).Contacts.Info(t.Context(), 7)
		require.NoError(t, err, body)
		assert.Equal(t, want, info.Values, body)
	}
	for _, body := range []string{`{"error":{"code":404,"message":"no such contact"}}`, `{"state":false}`} {
		_, err := newClient(t, script(step{body: body})).Contacts.Info(t.Context(), 7, Retry(RetryPolicy{MaxAttempts: 1}))
		require.Error(t, err, body)
	}
}
