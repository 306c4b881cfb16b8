package playline

import (
	"context"
	"net/http"
	"time"
)

// Fyno's suppressions: what is sent and what is read, operation by operation.

var suppressionRows = []row{
	{
		op: opListSuppressions, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Suppressions.List(ctx, opts...)
		},
		path:   "/FYTEST/suppressions",
		status: http.StatusOK,
		reply: `[{"_id":"s1","distinct_id":"ace","destination":"+61400000000","channel":"sms","description":"DND",
			"created_at":"2025-07-15T16:20:16.302Z","expiry_ts":""},{"_id":"s2"}]`,
		result: &SuppressionList{Suppressions: []Suppression{
			{
				ID: "s1", DistinctID: "ace", Destination: "+61400000000", Channel: ChannelSMS, Description: "DND",
				CreatedAt: Timestamp{time.Date(2025, 7, 15, 16, 20, 16, 302e6, time.UTC), "2025-07-15T16:20:16.302Z"},
			},
			{ID: "s2"},
		}},
	},
	{
		op: opAddSuppression, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Suppressions.Add(ctx, SuppressionCreate{
				DistinctID: "ace", Destination: "ace@example.com", Channel: ChannelEmail, Description: "asked for it",
			}, opts...)
		},
		path:   "/FYTEST/suppressions",
		body:   `{"distinct_id":"ace","destination":"ace@example.com","channel":"email","description":"asked for it"}`,
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
	{
		op: opDeleteSuppression, class: "unsent",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Suppressions.Delete(ctx, SuppressionKey{ID: "s1", DistinctID: "ace", Destination: "+61400000000"}, opts...)
		},
		path: "/FYTEST/suppressions", query: "_id=s1&destination=%2B61400000000&distinct_id=ace",
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
	{
		op: opDeleteSuppression, class: "unsent", variant: "by destination",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Suppressions.Delete(ctx, SuppressionKey{Destination: "ace@example.com"}, opts...)
		},
		path: "/FYTEST/suppressions", query: "destination=ace%40example.com",
		status: http.StatusOK, reply: statusReply, result: statusOK,
	},
}
