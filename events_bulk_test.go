package playline

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bulkServer accepts bulk events and keeps what came; fail answers a part, by its number from 0, in its place.
type bulkServer struct {
	parts [][]string // distinct ids
	sizes []int
	keys  []string
	reply func(part, count int) step
}

func (b *bulkServer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var in struct {
		Event string      `json:"event"`
		Batch []Recipient `json:"batch"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Event != "x" {
		return nil, fmt.Errorf("%w: %s", err, in.Event)
	}
	ids := make([]string, len(in.Batch))
	for i, r := range in.Batch {
		ids[i] = r.DistinctID
	}
	n := len(b.parts)
	b.parts, b.sizes, b.keys = append(b.parts, ids), append(b.sizes, len(body)), append(b.keys, req.Header.Get("Idempotency-Key"))
	if b.reply != nil {
		return b.reply(n, len(ids)).response(req), nil
	}
	return bulkOK(n, len(ids)).response(req), nil
}

func bulkOK(part, count int) step {
	items := make([]string, count)
	for i := range items {
		items[i] = fmt.Sprintf(`{"seq":%d,"sms":{"destination":"d","msg_id":"m","status":"ok"}}`, i+1)
	}
	return step{status: 202, body: fmt.Sprintf(`{"event":"x","request_id":"part-%d","response":[%s]}`, part, strings.Join(items, ","))}
}

// bigBatch is recipients of about 1 MB each.
func bigBatch(n int) []Recipient {
	to := make([]Recipient, n)
	for i := range to {
		to[i] = Recipient{DistinctID: fmt.Sprintf("player-%d", i), Data: map[string]any{"text": strings.Repeat("x", 1_000_000)}}
	}
	return to
}

func TestFireBulkSplitsWhatIsTooLong(t *testing.T) {
	t.Parallel()
	server := &bulkServer{}
	to := bigBatch(25)
	result, err := newClient(t, server).Events.FireBulk(t.Context(), "x", to)
	require.NoError(t, err)
	var ids []string
	for i, size := range server.sizes {
		assert.LessOrEqual(t, size, MaxBulkBytes, "part %d", i)
		ids = append(ids, server.parts[i]...)
	}
	require.Len(t, server.parts, 3)
	require.Len(t, ids, 25)
	require.Len(t, result.Items, 25)
	for i, id := range ids {
		assert.Equal(t, to[i].DistinctID, id, "everybody once, in order")
		assert.Equal(t, i, result.Items[i].Index)
	}
	assert.Equal(t, []BulkPart{{First: 0, Count: 9, RequestID: "part-0"}, {First: 9, Count: 9, RequestID: "part-1"}, {First: 18, Count: 7, RequestID: "part-2"}},
		result.Parts)
	assert.NotEqual(t, server.keys[0], server.keys[1], "each part has a key of its own")
	assert.NotEqual(t, server.keys[1], server.keys[2])

	server = &bulkServer{}
	_, err = newClient(t, server).Events.FireBulk(t.Context(), "x", to, IdempotencyKey("k"))
	require.NoError(t, err)
	assert.Equal(t, []string{"k", "k-2", "k-3"}, server.keys)
}

func TestFireBulkSplitsAtTheVeryByte(t *testing.T) {
	t.Parallel()
	frame, err := json.Marshal(bulkRequest{"x", []json.RawMessage{}})
	require.NoError(t, err)
	item := func(size int) Recipient {
		r := Recipient{DistinctID: "ace", Data: map[string]any{"t": ""}}
		empty, err := json.Marshal(eventRequest{"x", r})
		require.NoError(t, err)
		r.Data["t"] = strings.Repeat("x", size-len(empty))
		return r
	}
	room := MaxBulkBytes - len(frame)

	server := &bulkServer{}
	_, err = newClient(t, server).Events.FireBulk(t.Context(), "x", []Recipient{item(room)})
	require.NoError(t, err)
	assert.Equal(t, []int{MaxBulkBytes}, server.sizes)

	server = &bulkServer{}
	_, err = newClient(t, server).Events.FireBulk(t.Context(), "x", []Recipient{item(100), item(room + 1)})
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Equal(t, "batch[1]", invalid.Field)
	assert.Empty(t, server.parts, "nothing is sent where a recipient can never be")

	server = &bulkServer{}
	_, err = newClient(t, server).Events.FireBulk(t.Context(), "x", []Recipient{item(room - 101), item(101)})
	require.NoError(t, err)
	require.Len(t, server.parts, 2, "a comma more than there is room for")
}

func TestFireBulkWhereAPartFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &bulkServer{reply: func(part, count int) step {
			if part == 1 {
				return step{status: 400, body: `{"_message":"no","status":"error"}`}
			}
			return bulkOK(part, count)
		}}
		result, err := newClient(t, server).Events.FireBulk(t.Context(), "x", bigBatch(25))
		require.NotNil(t, result, "what was accepted is told")
		assert.Len(t, result.Items, 9)
		assert.Len(t, result.Parts, 1)
		require.ErrorIs(t, err, ErrInvalid)
		require.ErrorContains(t, err, "recipients from 9 on were not accepted")
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Len(t, server.parts, 2, "the parts after it are not sent")

		server = &bulkServer{reply: func(part, count int) step {
			if part == 1 {
				return failed(501)
			}
			return step{status: 202, body: `{"response":[{"seq":1,"sms":{"destination":"d","msg_id":"m","status":"suppressed"}}]}`}
		}}
		_, err = newClient(t, server, WithFyno("W", FynoTest, keyFyno)).Events.FireBulk(t.Context(), "x", bigBatch(10))
		require.ErrorIs(t, err, ErrOutcomeUnknown)
		var partial *PartialError
		require.ErrorAs(t, err, &partial, "the failures of the parts before are not lost")
		assert.Len(t, partial.Items, 9)

		server = &bulkServer{reply: func(int, int) step { return refusedBy(Fyno, 400) }}
		result, err = newClient(t, server).Events.FireBulk(t.Context(), "x", bigBatch(10))
		assert.Nil(t, result, "nothing was accepted")
		require.ErrorIs(t, err, ErrInvalid)
	})
}

func TestFireBulkMapsResultsToTheirRecipients(t *testing.T) {
	t.Parallel()
	three := []Recipient{{DistinctID: "a"}, {DistinctID: "b"}, {DistinctID: "c"}}
	const none = "the service gave no result for it"
	for name, test := range map[string]struct {
		response string
		want     []ItemError
		ids      []string
	}{
		"by seq, out of order": {
			`[{"seq":3,"request_id":"r3"},{"seq":1,"request_id":"r1"},{"seq":2,"request_id":"r2","sms":{"destination":"d","msg_id":"m","status":"bad"}}]`,
			[]ItemError{{Index: 1, Key: "sms", Code: "bad"}},
			[]string{"r1", "r2", "r3"},
		},
		"by place": {
			`[{"request_id":"r1"},{"request_id":"r2","sms":{"destination":"d","msg_id":"m","status":"bad"},"push":{"destination":"d","msg_id":"m","status":"ok"}},{"request_id":"r3"}]`,
			[]ItemError{{Index: 1, Key: "sms", Code: "bad"}},
			[]string{"r1", "r2", "r3"},
		},
		"one missing":         {`[{"seq":1},{"seq":3}]`, []ItemError{{Index: 1, Message: none}}, []string{"top", "top", "top"}},
		"seq out of range":    {`[{"seq":1},{"seq":2},{"seq":9}]`, []ItemError{{Index: 2, Message: none}}, []string{"top", "top", "top"}},
		"more than asked":     {`[{},{},{},{"sms":{"destination":"d","msg_id":"m","status":"bad"}}]`, nil, []string{"top", "top", "top"}},
		"no list":             {`[]`, nil, []string{"top", "top", "top"}},
		"members of no shape": {`[{"seq":"x","push":null,"note":7},{},{}]`, nil, []string{"top", "top", "top"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(step{status: 202, body: `{"event":"x","request_id":"top","response":` + test.response + `}`})
			result, err := newClient(t, s).Events.FireBulk(t.Context(), "x", three)
			require.NotNil(t, result)
			var ids []string
			for _, item := range result.Items {
				ids = append(ids, item.RequestID)
			}
			assert.Equal(t, test.ids, ids)
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			var partial *PartialError
			require.ErrorAs(t, err, &partial)
			for i := range partial.Items {
				partial.Items[i].Raw = nil
			}
			assert.Equal(t, test.want, partial.Items)
		})
	}
	_, err := newClient(t, script(step{status: 202, body: `{"event":"x","response":[7]}`}), WithRetryPolicy(RetryPolicy{MaxAttempts: 1})).Events.FireBulk(t.Context(), "x", three)
	require.ErrorContains(t, err, "its response[] is a number instead of an object")
	s := script(step{status: 202, body: `{"event":"x","response":[{"seq":1,"request_id":"r1"},{"seq":2},{"seq":3}]}`})
	result, err := newClient(t, s).Events.FireBulk(t.Context(), "x", three)
	require.NoError(t, err)
	assert.Equal(t, "r1", result.Parts[0].RequestID, "the vendor's own client finds the id in the items")
}
