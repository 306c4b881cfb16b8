package playline

import (
	"context"
	"net/http"
	"time"
)

// Fyno's properties: what is sent and what is read, operation by operation.

const acceptedReply = `{"request_id":"prop-1"}`

var acceptedResult = &PropertiesAccepted{RequestID: "prop-1"}

// everyProperty is a value of every kind that a property can have, everyPropertyJSON the same on the wire.
var everyProperty = Properties{
	"text": "red", "int": 7, "float": 2.5, "bool": false, "time": time.Date(2026, 4, 22, 14, 30, 0, 0, time.UTC),
	"texts": []string{"a", "b"}, "ints": []int{1, 2}, "ids": []int64{9007199254740993}, "floats": []float64{0.5},
	"times": []time.Time{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, "mixed": []any{"a", 1, 2.5}, "empty": []string{},
}

const everyPropertyJSON = `{"text":"red","int":7,"float":2.5,"bool":false,"time":"2026-04-22T14:30:00Z","texts":["a","b"],"ints":[1,2],
	"ids":[9007199254740993],"floats":[0.5],"times":["2026-01-02T03:04:05Z"],"mixed":["a",1,2.5],"empty":[]}`

func propertyRow(o *op, class, path, body string, call func(context.Context, *Client, ...RequestOption) (*PropertiesAccepted, error)) row {
	return row{
		op: o, class: class, path: "/FYTEST/live/profiles/properties/" + path, body: body,
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return call(ctx, c, opts...)
		},
		status: http.StatusAccepted, reply: acceptedReply, result: acceptedResult,
	}
}

var propertyRows = []row{
	propertyRow(opSetProperties, "safe", "set", `{"distinct_id":"ace","$set":`+everyPropertyJSON+`}`,
		func(ctx context.Context, c *Client, opts ...RequestOption) (*PropertiesAccepted, error) {
			return c.Properties.Set(ctx, "ace", everyProperty, opts...)
		}),
	propertyRow(opSetPropertiesOnce, "safe", "set-once", `{"distinct_id":"ace","$once":`+everyPropertyJSON+`}`,
		func(ctx context.Context, c *Client, opts ...RequestOption) (*PropertiesAccepted, error) {
			return c.Properties.SetOnce(ctx, "ace", everyProperty, opts...)
		}),
	propertyRow(opAddToProperties, "unsent", "numerical-add", `{"distinct_id":"ace","$add":{"coins":-5,"score":1.5}}`,
		func(ctx context.Context, c *Client, opts ...RequestOption) (*PropertiesAccepted, error) {
			return c.Properties.Add(ctx, "ace", Properties{"coins": -5, "score": 1.5}, opts...)
		}),
	propertyRow(opAppendToProperties, "safe", "list-append", `{"distinct_id":"ace","$append":{"badges":"gold","levels":3}}`,
		func(ctx context.Context, c *Client, opts ...RequestOption) (*PropertiesAccepted, error) {
			return c.Properties.Append(ctx, "ace", Properties{"badges": "gold", "levels": 3}, opts...)
		}),
	propertyRow(opRemoveFromProperties, "safe", "list-remove", `{"distinct_id":"ace","$remove":{"badges":"gold","seen":"2026-01-02T03:04:05Z"}}`,
		func(ctx context.Context, c *Client, opts ...RequestOption) (*PropertiesAccepted, error) {
			return c.Properties.Remove(ctx, "ace", Properties{"badges": "gold", "seen": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, opts...)
		}),
	propertyRow(opUnsetProperties, "safe", "unset", `{"distinct_id":"ace","$unset":["clan","level"]}`,
		func(ctx context.Context, c *Client, opts ...RequestOption) (*PropertiesAccepted, error) {
			return c.Properties.Unset(ctx, "ace", []string{"clan", "level"}, opts...)
		}),
	{
		op: opBatchProperties, class: "safe",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Properties.Batch(ctx, []PropertyChange{
				{DistinctID: "ace", Actions: PropertyActions{Set: Properties{"level": 7}, Once: Properties{"first": "x"}, Unset: []string{"clan"}}},
				{DistinctID: "blitz", Actions: PropertyActions{Append: Properties{"badges": "gold"}, Remove: Properties{"badges": 1}}},
			}, opts...)
		},
		path: "/FYTEST/live/profiles/properties/batch",
		body: `{"batch":[{"distinct_id":"ace","action":{"$set":{"level":7},"$once":{"first":"x"},"$unset":["clan"]}},
			{"distinct_id":"blitz","action":{"$append":{"badges":"gold"},"$remove":{"badges":1}}}]}`,
		status: http.StatusAccepted,
		reply:  `{"request_id":"prop-1","batch":[{"$set":"ok","$once":"ok","$unset":"ok"},{"$append":"ok","$remove":"ok"}]}`,
		result: &PropertyBatchResult{RequestID: "prop-1", Batch: []map[string]string{
			{"$set": "ok", "$once": "ok", "$unset": "ok"}, {"$append": "ok", "$remove": "ok"},
		}},
	},
	{
		op: opBatchProperties, class: "unsent", variant: "with an addition",
		call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return c.Properties.Batch(ctx, []PropertyChange{
				{DistinctID: "ace", Actions: PropertyActions{Set: Properties{"level": 7}}},
				{DistinctID: "blitz", Actions: PropertyActions{Add: Properties{"coins": 1}}},
			}, opts...)
		},
		path:   "/FYTEST/live/profiles/properties/batch",
		body:   `{"batch":[{"distinct_id":"ace","action":{"$set":{"level":7}}},{"distinct_id":"blitz","action":{"$add":{"coins":1}}}]}`,
		status: http.StatusAccepted,
		reply:  `{"request_id":"prop-2","batch":[{"$set":"ok"},{"$add":"ok"}]}`,
		result: &PropertyBatchResult{RequestID: "prop-2", Batch: []map[string]string{{"$set": "ok"}, {"$add": "ok"}}},
	},
}
