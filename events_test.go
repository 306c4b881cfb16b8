package playline

import (
	"context"
	"net/http"
	"time"
)

// anyRecipient has every field of a recipient, anyRecipientJSON the same on the wire, without the braces.
var anyRecipient = Recipient{
	DistinctID: "ace",
	To: Destinations{
		Discord: "discord-1", Email: "ace@example.com", InApp: "inapp-1", Push: "fcm_token:push-1", Slack: "C012345", SMS: "+61400000000",
		Teams: "game-night", Voice: "+61400000001", WhatsApp: "+61400000002",
	},
	Data:     map[string]any{"level": 7, "loot": []any{"sword", "shield"}, "nested": map[string]any{"a": nil}},
	Callback: &Callback{CustomID: "cb-1", Custom1: "a", Custom2: "b", Custom3: "c", Enable: new(false), AllowlistURL: []string{"hook-1"}},
}

const anyRecipientJSON = `"distinct_id":"ace","to":{"discord":"discord-1","email":"ace@example.com","inapp":"inapp-1","push":"fcm_token:push-1",
	"slack":"C012345","sms":"+61400000000","teams":"game-night","voice":"+61400000001","whatsapp":"+61400000002"},
	"data":{"level":7,"loot":["sword","shield"],"nested":{"a":null}},
	"callback":{"custom_id":"cb-1","custom1":"a","custom2":"b","custom3":"c","enable":false,"allowlist_url":["hook-1"]}`

const eventReply = `{"event":"level_up","received_time":"2026-01-02T03:04:05.123Z","request_id":"evt-1",
	"response":{"push":{"destination":"push-1","msg_id":"m1","status":"ok"}}}`

var eventResult = &EventAccepted{
	Event:      "level_up",
	ReceivedAt: Timestamp{time.Date(2026, 1, 2, 3, 4, 5, 123e6, time.UTC), "2026-01-02T03:04:05.123Z"},
	RequestID:  "evt-1",
	Messages:   map[Channel]MessageStatus{ChannelPush: {Destination: "push-1", MessageID: "m1", Status: "ok"}},
}

const bulkReply = `{"event":"level_up","received_time":1767323045123,"request_id":"blk-1","response":[
	{"seq":2,"request_id":"evt-2","sms":{"destination":"+61400000000","msg_id":"m2","status":"ok"}},
	{"seq":1,"push":{"destination":"push-1","msg_id":"m1","status":"ok"}}]}`

var bulkResult = &BulkAccepted{
	Event: "level_up",
	Parts: []BulkPart{{
		First: 0, Count: 2, RequestID: "blk-1",
		ReceivedAt: Timestamp{time.Date(2026, 1, 2, 3, 4, 5, 123e6, time.UTC), "1767323045123"},
	}},
	Items: []BulkItem{
		{Index: 0, RequestID: "blk-1", Messages: map[Channel]MessageStatus{ChannelPush: {Destination: "push-1", MessageID: "m1", Status: "ok"}}},
		{Index: 1, RequestID: "evt-2", Messages: map[Channel]MessageStatus{ChannelSMS: {Destination: "+61400000000", MessageID: "m2", Status: "ok"}}},
	},
}

func fireAce(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
	return c.Events.Fire(ctx, "level_up", Recipient{DistinctID: "ace"}, opts...)
}

func fireTwo(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
	return c.Events.FireBulk(ctx, "level_up", []Recipient{anyRecipient, {To: Destinations{SMS: "+61400000000"}}}, opts...)
}

const fireTwoJSON = `{"event":"level_up","batch":[{"event":"level_up",` + anyRecipientJSON + `},{"event":"level_up","to":{"sms":"+61400000000"}}]}`

var eventRows = []row{
	{
		op: opFireEvent, class: "key",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Events.Fire(ctx, "level_up", anyRecipient, opts...)
		},
		path: "/FYTEST/live/event", body: `{"event":"level_up",` + anyRecipientJSON + `}`,
		status: http.StatusAccepted, reply: eventReply, result: eventResult,
	},
	{
		op: opFireEvent, class: "unsent", variant: "on test", test: true, call: fireAce,
		path: "/FYTEST/test/event", body: `{"event":"level_up","distinct_id":"ace"}`,
		status: http.StatusAccepted, reply: eventReply, result: eventResult,
	},
	{
		op: opFireEventBulk, class: "key", call: fireTwo,
		path: "/FYTEST/live/event/bulk", body: fireTwoJSON,
		status: http.StatusAccepted, reply: bulkReply, result: bulkResult,
	},
	{
		op: opFireEventBulk, class: "unsent", variant: "on test", test: true, call: fireTwo,
		path: "/FYTEST/test/event/bulk", body: fireTwoJSON,
		status: http.StatusAccepted, reply: bulkReply, result: bulkResult,
	},
}
