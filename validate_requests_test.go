package playline

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bad input of each service is refused before any network.

func jsonNumber(s string) json.Number { return json.Number(s) }

func TestSubscriptionsAndSuppressionsValidate(t *testing.T) {
	t.Parallel()
	update := func(c TopicConsents) preferencesUpdate { return preferencesUpdate{c} }
	assertValid(t, map[string]validator{
		"a topic without channels": update(TopicConsents{"t": {}}), "all": update(TopicConsents{AllTopics: {"new-channel": OptedIn}}),
		"by destination": SuppressionCreate{Destination: "x", Channel: ChannelSMS}, "by id": SuppressionKey{ID: "s1"},
	})
	assertInvalid(t, []invalid{
		{"no id", preferencesQuery{}, "distinct_id", "empty"},
		{"no consents", update(nil), "user_preference", "must not be empty"},
		{"nil for a topic's consents", update(TopicConsents{"t": {}, "news": nil}), "user_preference.news", "must not be nil"},
		{"an empty topic", update(TopicConsents{"": {ChannelSMS: OptedIn}}), "user_preference", "must not be empty"},
		{"an empty channel", update(TopicConsents{"t": {"": OptedIn}}), "user_preference.t", "must not be empty"},
		{"a wrong consent", update(TopicConsents{"t": {ChannelSMS: "yes"}}), "user_preference.t.sms", "opted-in or opted-out"},
		{"nobody", TopicConsent{Channel: ChannelSMS, Consent: OptedIn}, "distinct_id", "empty"},
		{"no channel", TopicConsent{DistinctID: "a", Consent: OptedIn}, "channel", "empty"},
		{"no consent", TopicConsent{DistinctID: "a", Channel: ChannelSMS}, "status", "opted-in or opted-out"},
		{"nobody to suppress", SuppressionCreate{Channel: ChannelSMS}, "distinct_id, destination", "must not both be empty"},
		{"an id of bytes", SuppressionCreate{DistinctID: "\xff", Channel: ChannelSMS}, "distinct_id", "UTF-8"},
		{"a destination of bytes", SuppressionCreate{Destination: "\xff", Channel: ChannelSMS}, "destination", "UTF-8"},
		{"no channel to suppress", SuppressionCreate{DistinctID: "a"}, "channel", "empty"},
		{"a description of bytes", SuppressionCreate{DistinctID: "a", Channel: "x", Description: "\xff"}, "description", "UTF-8"},
		{"no key", SuppressionKey{}, "_id, distinct_id, destination", "must not all be empty"},
		{"a key of bytes", SuppressionKey{ID: "\xff"}, "_id", "UTF-8"},
		{"a user of bytes", SuppressionKey{DistinctID: "\xff"}, "distinct_id", "UTF-8"},
		{"a place of bytes", SuppressionKey{Destination: "\xff"}, "destination", "UTF-8"},
	})
}

func TestEventAndOTPValidate(t *testing.T) {
	t.Parallel()
	to := func(d Destinations) Recipient { return Recipient{To: d} }
	data := func(v any) Recipient { return Recipient{DistinctID: "a", Data: map[string]any{"v": v}} }
	call := func(c Callback) Recipient { return Recipient{DistinctID: "a", Callback: &c} }
	deep := any("end")
	for range 200 {
		deep = map[string]any{"a": deep}
	}
	loop := map[string]any{}
	loop["self"] = loop
	assertValid(t, map[string]validator{
		"to only": to(Destinations{Push: "t"}), "everything": anyRecipient, "a callback": call(Callback{CustomID: "x"}),
		"data of a struct": data(struct{ A int }{1}), "the replacement character": data([]string{"\ufffd", `\ufffd`}), "an OTP": otpQuery{RequestID: "r", OTP: "1"},
		"a number of one's own": data(jsonNumber("-7.5e3")), "numbers": data([]any{map[string]json.Number{"a": "1"}, []json.Number{"0"}}),
		"a number as the vendor shows it": to(Destinations{SMS: "+61 40000 00000"}), "without +": to(Destinations{Voice: "61400000000"}),
		"with hyphens and parentheses": to(Destinations{WhatsApp: "(+61) 400-000.000"}),
	})
	assertInvalid(t, []invalid{
		{"no name", eventRequest{"", anyRecipient}, "event", "empty"},
		{"nobody", eventRequest{"x", Recipient{}}, "distinct_id, to", "must not both be empty"},
		{"an id of bytes", Recipient{DistinctID: "\xff"}, "distinct_id", "UTF-8"},
		{"discord", to(Destinations{Discord: "\xff"}), "to.discord", "UTF-8"},
		{"email", to(Destinations{Email: "x"}), "to.email", "e-mail"},
		{"inapp", to(Destinations{InApp: "\xff"}), "to.inapp", "UTF-8"},
		{"push", to(Destinations{Push: "\xff"}), "to.push", "UTF-8"},
		{"slack", to(Destinations{Slack: "\xff"}), "to.slack", "UTF-8"},
		{"sms", to(Destinations{SMS: "1"}), "to.sms", "E.164"},
		{"teams", to(Destinations{Teams: "\xff"}), "to.teams", "UTF-8"},
		{"voice", to(Destinations{Voice: "1"}), "to.voice", "E.164"},
		{"whatsapp", to(Destinations{WhatsApp: "1"}), "to.whatsapp", "E.164"},
		{"a national number", to(Destinations{SMS: "0400 000 000"}), "to.sms", "country code"},
		{"a number of other digits", to(Destinations{SMS: "+61\u0664\u0660\u0660000000"}), "to.sms", "country code"},
		{"a number and a word", to(Destinations{WhatsApp: "+61400000000 home"}), "to.whatsapp", "country code"},
		{"a long number", to(Destinations{Voice: "+6140000000000000"}), "to.voice", "country code"},
		{"two numbers", to(Destinations{SMS: "+6140000 +6140000"}), "to.sms", "country code"},
		{"an empty number", data(jsonNumber("")), "data.v", "number"},
		{"an empty number, deep", data(map[string]any{"a": []any{jsonNumber("")}}), "data.v.a[0]", "number"},
		{"an empty number in a list", data([]json.Number{"1", ""}), "data.v[1]", "number"},
		{"an empty number in a map", data(map[string]json.Number{"a": ""}), "data.v.a", "number"},
		{"a number that is none", data(jsonNumber("0x7")), "data.v", "number"},
		{"a number with a space", data(jsonNumber(" 7 ")), "data.v", "number"},
		{"a word as a number", data(jsonNumber("true")), "data.v", "number"},
		{"NaN", data(math.NaN()), "data.v", "finite"},
		{"NaN in a list", data([]any{1, math.Inf(1)}), "data.v[1]", "finite"},
		{"NaN in a struct", data(struct{ A float64 }{math.NaN()}), "data.v", "cannot be encoded"},
		{"a channel", data(make(chan int)), "data.v", "cannot be encoded"},
		{"bytes", data("\xff"), "data.v", "UTF-8"},
		{"bytes in a key", data(map[string]any{"\xff": 1}), "data.v", "keys of valid UTF-8"},
		{"bytes in a list of texts", data([]string{"a", "\\\xff"}), "data.v", "UTF-8"},
		{"too deep", data(deep), "data.v" + strings.Repeat(".a", 100), "100 levels"},
		{"a loop", Recipient{DistinctID: "a", Data: loop}, "data" + strings.Repeat(".self", 101), "100 levels"},
		{"no callback id", call(Callback{}), "callback.custom_id", "empty"},
		{"custom1", call(Callback{CustomID: "x", Custom1: "\xff"}), "callback.custom1", "UTF-8"},
		{"custom2", call(Callback{CustomID: "x", Custom2: "\xff"}), "callback.custom2", "UTF-8"},
		{"custom3", call(Callback{CustomID: "x", Custom3: "\xff"}), "callback.custom3", "UTF-8"},
		{"an empty URL", call(Callback{CustomID: "x", AllowlistURL: []string{""}}), "callback.allowlist_url[0]", "empty"},
		{"no OTP", otpQuery{RequestID: "r"}, "otp", "empty"},
		{"no one's OTP", otpQuery{OTP: "1"}, "request_id, destination", "exactly one"},
		{"two owners", otpQuery{RequestID: "r", Destination: "d", OTP: "1"}, "request_id, destination", "exactly one"},
		{"a request of bytes", otpQuery{RequestID: "\xff", OTP: "1"}, "request_id", "UTF-8"},
		{"a destination of bytes", otpQuery{Destination: "\xff", OTP: "1"}, "destination", "UTF-8"},
	})
}

func TestContactsValidate(t *testing.T) {
	t.Parallel()
	contact := func(change func(*ContactCreate)) ContactCreate {
		c := ContactCreate{Identifier: "1", FirstName: "Ace"}
		change(&c)
		return c
	}
	assertValid(t, map[string]validator{
		"first page": PageOptions{}, "largest page": PageOptions{Page: 1000, Size: 20}, "least": contact(func(*ContactCreate) {}),
		"longest name": contact(func(c *ContactCreate) { c.FirstName = strings.Repeat("\u00fc", 255) }),
	})
	assertInvalid(t, []invalid{
		{"page -1", PageOptions{Page: -1}, "page", "at least 1"},
		{"size -1", PageOptions{Size: -1}, "limitation", "1 to 20"},
		{"size 21", PageOptions{Size: 21}, "limitation", "1 to 20"},
		{"no term", searchQuery{}, "term", "empty"},
		{"a page of a search", searchQuery{PageOptions{Size: 21}, "a"}, "limitation", "1 to 20"},
		{"no identifier", contact(func(c *ContactCreate) { c.Identifier = "" }), "identifier", "empty"},
		{"no name", contact(func(c *ContactCreate) { c.FirstName = "" }), "firstName", "empty"},
		{"a long name", contact(func(c *ContactCreate) { c.FirstName = strings.Repeat("x", 256) }), "firstName", "255"},
		{"a long last name", contact(func(c *ContactCreate) { c.LastName = strings.Repeat("x", 256) }), "lastName", "255"},
		{"an address", contact(func(c *ContactCreate) { c.Email = "x" }), "email", "e-mail"},
		{"a number", contact(func(c *ContactCreate) { c.Phone = "0400 000 000" }), "phone", "+"},
		{"NaN", contact(func(c *ContactCreate) { c.Parameters = map[string]any{"a": math.NaN()} }), "parameters.a", "finite"},
		{"no values", contactValues{}, "values", "must not be empty"},
		{"a wrong value", contactValues{map[string]any{"a": "\xff"}}, "values.a", "UTF-8"},
		{"no event", contactEvent{}, "name", "empty"},
	})
}

func TestMessagingValidate(t *testing.T) {
	t.Parallel()
	phone := func(change func(*ClientCreate)) ClientCreate { c := smallClient; change(&c); return c }
	mail := func(change func(*ClientCreate)) ClientCreate { c := mailClient(); change(&c); return c }
	content := func(m MessageContent) ClientCreate {
		return mail(func(c *ClientCreate) { c.Confirmation.Message.Content = m })
	}
	metadata := func(m map[string]any) ClientCreate {
		return mail(func(c *ClientCreate) { c.Confirmation.Message.Metadata = m })
	}
	action := func(a LinkAction) ClientCreate {
		return content(MessageContent{Type: "text", Text: "x", Actions: []LinkAction{a}})
	}
	assertValid(t, map[string]validator{
		"phone": smallClient, "mail": mailClient(), "a new type": phone(func(c *ClientCreate) { c.MatchCriteria.Type = "viber" }),
		"an image":   content(MessageContent{Type: "image", MediaURL: "https://example.com/a.png", AltText: strings.Repeat("x", 128), Text: "x"}),
		"100 a page": ClientListOptions{Size: 100}, "no brand": BrandOptions{}, "full metadata": metadata(map[string]any{"a": strings.Repeat("x", 4095)}),
	})
	assertInvalid(t, []invalid{
		{"no type", phone(func(c *ClientCreate) { c.MatchCriteria.Type = "" }), "matchCriteria.type", "empty"},
		{"no integration", phone(func(c *ClientCreate) { c.MatchCriteria.IntegrationID = "" }), "matchCriteria.integrationId", "empty"},
		{"no number", phone(func(c *ClientCreate) { c.MatchCriteria.PhoneNumber = "" }), "matchCriteria.phoneNumber", "+"},
		{"an address by phone", phone(func(c *ClientCreate) { c.MatchCriteria.Address = "ace@example.com" }), "matchCriteria.address", "except with type mailgun"},
		{"a subject by phone", phone(func(c *ClientCreate) { c.MatchCriteria.Subject = "x" }), "matchCriteria.subject", "except with type mailgun"},
		{"a subject of bytes", mail(func(c *ClientCreate) { c.MatchCriteria.Subject = "\xff" }), "matchCriteria.subject", "UTF-8"},
		{"no address", mail(func(c *ClientCreate) { c.MatchCriteria.Address = "" }), "matchCriteria.address", "empty"},
		{"no e-mail", mail(func(c *ClientCreate) { c.MatchCriteria.Address = "x" }), "matchCriteria.address", "e-mail"},
		{"a number by mail", mail(func(c *ClientCreate) { c.MatchCriteria.PhoneNumber = "+61400000000" }), "matchCriteria.phoneNumber", "with type mailgun"},
		{"no confirmation", phone(func(c *ClientCreate) { c.Confirmation.Type = "" }), "confirmation.type", "empty"},
		{"no conversation", phone(func(c *ClientCreate) { c.Target.ConversationID = "" }), "target.conversationId", "empty"},
		{"a wrong author", mail(func(c *ClientCreate) { c.Confirmation.Message.Author.Type = "bot" }), "confirmation.message.author.type", "business or user"},
		{"a long text", content(MessageContent{Type: "text", Text: strings.Repeat("x", 4097)}), "confirmation.message.content.text", "4096"},
		{"no text", content(MessageContent{Type: "text"}), "confirmation.message.content.text, htmlText, markdownText", "must not all be empty"},
		{"media in a text", content(MessageContent{Type: "text", Text: "x", MediaURL: "y"}), "confirmation.message.content.mediaUrl", "with type text"},
		{"alt in a text", content(MessageContent{Type: "text", Text: "x", AltText: "y"}), "confirmation.message.content.altText", "with type text"},
		{"html of bytes", content(MessageContent{Type: "text", HTMLText: "\xff"}), "confirmation.message.content.htmlText", "UTF-8"},
		{"markdown of bytes", content(MessageContent{Type: "text", MarkdownText: "\xff"}), "confirmation.message.content.markdownText", "UTF-8"},
		{"no media", content(MessageContent{Type: "image"}), "confirmation.message.content.mediaUrl", "empty"},
		{"a long alt", content(MessageContent{Type: "image", MediaURL: "x", AltText: strings.Repeat("x", 129)}), "confirmation.message.content.altText", "128"},
		{"html in an image", content(MessageContent{Type: "image", MediaURL: "x", HTMLText: "y"}), "confirmation.message.content.htmlText, markdownText", "with type image"},
		{"a wrong content", content(MessageContent{Type: "video"}), "confirmation.message.content.type", "text or image"},
		{"no URI", action(LinkAction{Text: "x"}), "confirmation.message.content.actions[0].uri", "empty"},
		{"no button", action(LinkAction{URI: "x"}), "confirmation.message.content.actions[0].text", "empty"},
		{"action metadata", action(LinkAction{URI: "x", Text: "y", Metadata: map[string]any{"a": math.NaN()}}), "confirmation.message.content.actions[0].metadata.a", "finite"},
		{"metadata that nests", metadata(map[string]any{"a": []any{1}}), "confirmation.message.metadata.a", "a string, a number or a bool"},
		{"metadata of NaN", metadata(map[string]any{"a": math.NaN()}), "confirmation.message.metadata.a", "finite"},
		{"metadata of null", metadata(map[string]any{"a": nil}), "confirmation.message.metadata.a", "a string, a number or a bool"},
		{"too much metadata", metadata(map[string]any{"a": strings.Repeat("x", 4096)}), "confirmation.message.metadata", "4 kB"},
		{"a brand of bytes", ClientListOptions{BrandID: "\xff"}, "brandId", "UTF-8"},
		{"both cursors", ClientListOptions{After: strings.Repeat("a", 24), Before: strings.Repeat("b", 24)}, "page[after], page[before]", "must not both"},
		{"a short cursor", ClientListOptions{After: "a"}, "page[after]", "24 characters"},
		{"a long cursor", ClientListOptions{Before: strings.Repeat("a", 25)}, "page[before]", "24 characters"},
		{"101 a page", ClientListOptions{Size: 101}, "page[size]", "1 to 100"},
		{"-1 a page", ClientListOptions{Size: -1}, "page[size]", "1 to 100"},
		{"a brand of bytes to remove", BrandOptions{"\xff"}, "brandId", "UTF-8"},
	})
}

func TestAccountsValidate(t *testing.T) {
	t.Parallel()
	assertValid(t, map[string]validator{
		"8 characters": accountBody{"ace@example.com", "\u00fc2345678", "d", true}, "a short one to log in": accountBody{Email: "ace@example.com", Password: "x"},
	})
	assertInvalid(t, []invalid{
		{"no address", accountBody{"", "12345678", "d", true}, "email", "empty"},
		{"a wrong address", accountBody{"x", "12345678", "d", true}, "email", "e-mail"},
		{"no password", accountBody{Email: "ace@example.com"}, "password", "empty"},
		{"a short password", accountBody{"ace@example.com", "1234567", "d", true}, "password", "8 characters"},
		{"no device", accountBody{"ace@example.com", "12345678", "", true}, "deviceId", "empty"},
		{"a device of bytes", accountBody{"ace@example.com", "12345678", "\xff", true}, "deviceId", "UTF-8"},
	})
}

func TestIngestValidate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 4, 22, 14, 30, 0, 0, time.UTC)
	batch := func(e ...GameplayEvent) IngestBatch { return IngestBatch{"u", "g", e} }
	data := func(v any) IngestBatch { return batch(GameplayEvent{Type: AppOpen, Timestamp: at, CustomData: v}) }
	good := GameplayEvent{Type: AppOpen, Timestamp: at}
	assertValid(t, map[string]validator{
		"an event": good, "one": batch(good), "200": batch(make200(good)...), "raw data": data(json.RawMessage(` {"a":1} `)), "an empty object": data(map[string]int{}),
	})
	assertInvalid(t, []invalid{
		{"an event alone", GameplayEvent{Type: AppOpen}, "timestamp", "must be set"},
		{"no user", IngestBatch{"", "g", []GameplayEvent{good}}, "user_id", "empty"},
		{"no game", IngestBatch{"u", "", []GameplayEvent{good}}, "game_id", "empty"},
		{"no events", batch(), "events", "1 to 200"},
		{"201 events", batch(append(make200(good), good)...), "events", "1 to 200"},
		{"no type", batch(good, GameplayEvent{Timestamp: at}), "events[1].type", "empty"},
		{"a type of bytes", batch(GameplayEvent{Type: "\xff", Timestamp: at}), "events[0].type", "UTF-8"},
		{"custom without a name", batch(GameplayEvent{Type: Custom, Timestamp: at}), "events[0].customEventName", "must not be empty with type Custom"},
		{"a name without custom", batch(GameplayEvent{Type: AppOpen, CustomEventName: "x", Timestamp: at}), "events[0].customEventName", "except with type Custom"},
		{"a name of bytes", batch(GameplayEvent{Type: Custom, CustomEventName: "\xff", Timestamp: at}), "events[0].customEventName", "UTF-8"},
		{"no time", batch(GameplayEvent{Type: AppOpen}), "events[0].timestamp", "must be set"},
		{"the year 10000", batch(GameplayEvent{Type: AppOpen, Timestamp: at.AddDate(8000, 0, 0)}), "events[0].timestamp", "9999"},
		{"a list", data([]int{1}), "events[0].customdata", "must be a JSON object"},
		{"a text", data("x"), "events[0].customdata", "must be a JSON object"},
		{"a number", data(7), "events[0].customdata", "must be a JSON object"},
		{"NaN", data(map[string]any{"x": []any{math.NaN()}}), "events[0].customdata.x[0]", "finite"},
		{"NaN in a struct", data(struct{ X float64 }{math.NaN()}), "events[0].customdata", "cannot be encoded"},
		{"broken raw data", data(json.RawMessage(`{"a":`)), "events[0].customdata", "cannot be encoded"},
		{"an encoder that fails", data(failingJSON{}), "events[0].customdata", "cannot be encoded"},
	})
}

// failingJSON cannot be encoded.
type failingJSON struct{}

func (failingJSON) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }

func make200(e GameplayEvent) []GameplayEvent {
	events := make([]GameplayEvent, 200)
	for i := range events {
		events[i] = e
	}
	return events
}

// TestInvalidInputNeverLeavesTheProcess: what Validate refuses is refused by the call too.
func TestInvalidInputNeverLeavesTheProcess(t *testing.T) {
	t.Parallel()
	s := script()
	c, ctx := newClient(t, s), t.Context()
	for name, call := range map[string]func() error{
		"Players.Register":           func() error { _, err := c.Players.Register(ctx, Player{}); return err },
		"Players.Import":             func() error { _, err := c.Players.Import(ctx, nil); return err },
		"Profiles.Create":            func() error { _, err := c.Profiles.Create(ctx, ProfileCreate{}); return err },
		"Profiles.Update":            func() error { _, err := c.Profiles.Update(ctx, "a", ProfileUpdate{}); return err },
		"Profiles.UpdateChannels":    func() error { _, err := c.Profiles.UpdateChannels(ctx, "a", ProfileChannels{SMS: "1"}); return err },
		"Profiles.DeleteChannels":    func() error { _, err := c.Profiles.DeleteChannels(ctx, "a", nil); return err },
		"Profiles.DeleteTokens":      func() error { _, err := c.Profiles.DeleteTokens(ctx, "a", ProfileTokens{}); return err },
		"Profiles.Delete":            func() error { _, err := c.Profiles.Delete(ctx, nil); return err },
		"Properties.Set":             func() error { _, err := c.Properties.Set(ctx, "a", nil); return err },
		"Properties.Batch":           func() error { _, err := c.Properties.Batch(ctx, nil); return err },
		"Subscriptions.Preferences":  func() error { _, err := c.Subscriptions.Preferences(ctx, "", PreferencesOptions{}); return err },
		"Subscriptions.Update":       func() error { _, err := c.Subscriptions.Update(ctx, "a", nil); return err },
		"Subscriptions.Update of no": func() error { _, err := c.Subscriptions.Update(ctx, "", TopicConsents{"t": {}}); return err },
		"Subscriptions.UpdateTopic":  func() error { _, err := c.Subscriptions.UpdateTopic(ctx, "a", TopicConsent{}); return err },
		"Suppressions.Add":           func() error { _, err := c.Suppressions.Add(ctx, SuppressionCreate{}); return err },
		"Suppressions.Delete":        func() error { _, err := c.Suppressions.Delete(ctx, SuppressionKey{}); return err },
		"Events.Fire":                func() error { _, err := c.Events.Fire(ctx, "", Recipient{}); return err },
		"Events.FireBulk":            func() error { _, err := c.Events.FireBulk(ctx, "x", nil); return err },
		"Events.FireBulk of one":     func() error { _, err := c.Events.FireBulk(ctx, "x", []Recipient{{}}); return err },
		"Verify.Validate":            func() error { _, err := c.Verify.Validate(ctx, OTPCheck{}); return err },
		"Contacts.Search":            func() error { _, err := c.Contacts.Search(ctx, "", PageOptions{}); return err },
		"Contacts.Update":            func() error { _, err := c.Contacts.Update(ctx, 1, nil); return err },
		"Contacts.Fire":              func() error { _, err := c.Contacts.Fire(ctx, 1, ""); return err },
		"Contacts.Create":            func() error { _, err := c.Contacts.Create(ctx, 1, ContactCreate{}); return err },
		"Messaging.CreateClient":     func() error { _, err := c.Messaging.CreateClient(ctx, "a", ClientCreate{}); return err },
		"Messaging.ListClients":      func() error { _, err := c.Messaging.ListClients(ctx, "a", ClientListOptions{Size: -1}); return err },
		"Accounts.Register":          func() error { _, err := c.Accounts.Register(ctx, AccountCreate{}); return err },
		"Accounts.Login":             func() error { _, err := c.Accounts.Login(ctx, Credentials{}); return err },
		"Ingest.Send":                func() error { _, err := c.Ingest.Send(ctx, tokenPlayer, IngestBatch{}); return err },
		"Ingest.Send without token":  func() error { _, err := c.Ingest.Send(ctx, "", gameplayBatch()); return err },
		"Ingest.Send, token of two":  func() error { _, err := c.Ingest.Send(ctx, "a\nb", gameplayBatch()); return err },
		"a body of more than 100 kB": func() error {
			big := mailClient()
			big.Confirmation.Message.Content.HTMLText = strings.Repeat("x", 100_000)
			_, err := c.Messaging.CreateClient(ctx, "a", big)
			return err
		},
	} {
		err := call()
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid, name)
		assert.NotEmpty(t, invalid.Field, name)
		assert.NotEmpty(t, invalid.Rule, name)
	}
	assert.Zero(t, s.count())
}
