package playline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// MaxBulkBytes is how long the body of one bulk event may be; Events.FireBulk splits what is longer.
const MaxBulkBytes = 10_000_000

// BulkAccepted is the answer to Events.FireBulk.
type BulkAccepted struct {
	Event string
	Parts []BulkPart // the requests that were accepted, in order
	Items []BulkItem // for each recipient of the accepted parts, in the order of the input
}

// BulkPart is one request of a bulk event.
type BulkPart struct {
	First      int // the place of its first recipient in the input
	Count      int
	RequestID  string
	ReceivedAt Timestamp
}

// BulkItem is what became of one recipient's messages.
type BulkItem struct {
	Index     int // its place in the input
	RequestID string
	Messages  map[Channel]MessageStatus
}

// bulkAnswer is one part's answer as the service sends it.
type bulkAnswer struct {
	Event      string           `json:"event"`
	ReceivedAt Timestamp        `json:"received_time"`
	RequestID  string           `json:"request_id"`
	Response   []bulkAnswerItem `json:"response"`
}

// bulkAnswerItem holds the messages by channel, beside seq and request_id.
type bulkAnswerItem struct {
	seq       int
	requestID string
	messages  map[Channel]MessageStatus
}

// UnmarshalJSON takes every member that is a message status as a channel.
func (i *bulkAnswerItem) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	i.messages = map[Channel]MessageStatus{}
	for name, raw := range members {
		switch name {
		case "seq":
			i.seq, _ = strconv.Atoi(string(raw))
		case "request_id":
			_ = json.Unmarshal(raw, &i.requestID)
		default:
			var m MessageStatus
			if json.Unmarshal(raw, &m) == nil && len(raw) > 0 && raw[0] == '{' {
				i.messages[Channel(name)] = m
			}
		}
	}
	return nil
}

// FireBulk sends one event to many recipients. A batch of more than 10 MB goes out in several requests, each under a key of
// its own: of a key set with IdempotencyKey the parts after the first add "-2", "-3" and so on, so that repeating the whole call
// repeats nothing.
//
// Recipients whose messages were not all taken are named by a *PartialError. Where a part fails as a whole the parts after it are
// not sent; the result holds what was accepted, and the error names the first recipient that was not.
//
// Class key on version live, unsent on version test.
// Vendor: https://fyno.io/docs/api-reference, https://docs.fyno.io/docs/idempotent-requests
func (s *EventsService) FireBulk(ctx context.Context, event string, to []Recipient, opts ...RequestOption) (*BulkAccepted, error) {
	items, err := encodeRecipients(event, to)
	if err != nil {
		return nil, err
	}
	parts, err := splitBulk(event, items)
	if err != nil {
		return nil, err
	}
	out := &BulkAccepted{Event: event}
	partial := &PartialError{Operation: opFireEventBulk.name, Total: len(to)}
	first := 0
	for n, part := range parts {
		in := input{body: bulkRequest{event, part}, maxBody: MaxBulkBytes}
		answer, err := call[bulkAnswer](ctx, (*service)(s), opFireEventBulk, in, partOptions(opts, n))
		if err != nil {
			if n == 0 {
				return nil, err
			}
			err = fmt.Errorf("recipients from %d on were not accepted: %w", first, err)
			if len(partial.Items) > 0 {
				err = errors.Join(err, partial)
			}
			return out, err
		}
		partial.Items = append(partial.Items, out.add(answer, first, len(part), (*service)(s).secrets(opFireEventBulk, opts))...)
		first += len(part)
	}
	if len(partial.Items) > 0 {
		return out, partial
	}
	return out, nil
}

// add takes the answer of a part in and returns its failures. A recipient that is missing from the list of results counts as
// failed; where the service sends no list at all it accepted the part and says no more.
func (r *BulkAccepted) add(answer *bulkAnswer, first, count int, secrets []string) []ItemError {
	part := BulkPart{First: first, Count: count, RequestID: answer.RequestID, ReceivedAt: answer.ReceivedAt}
	items := make([]BulkItem, count)
	answered := make([]bool, count)
	for at, in := range answer.Response {
		if in.seq > 0 {
			at = in.seq - 1
		}
		if at >= count {
			continue
		}
		items[at] = BulkItem{RequestID: in.requestID, Messages: in.messages}
		answered[at] = true
		if part.RequestID == "" {
			part.RequestID = in.requestID
		}
	}
	var failed []ItemError
	for i := range items {
		items[i].Index = first + i
		if items[i].RequestID == "" {
			items[i].RequestID = part.RequestID
		}
		if !answered[i] && len(answer.Response) > 0 {
			failed = append(failed, ItemError{Index: first + i, Message: "the service gave no result for it"})
			continue
		}
		failed = append(failed, messageErrors(first+i, items[i].Messages, secrets)...)
	}
	r.Parts, r.Items = append(r.Parts, part), append(r.Items, items...)
	return failed
}

// splitBulk cuts the recipients into parts whose bodies have at most MaxBulkBytes.
func splitBulk(event string, items []json.RawMessage) ([][]json.RawMessage, error) {
	frame, err := json.Marshal(bulkRequest{event, []json.RawMessage{}})
	if err != nil {
		return nil, &ValidationError{"event", "cannot be encoded as JSON"}
	}
	var parts [][]json.RawMessage
	start, size := 0, len(frame)
	for i, item := range items {
		if len(frame)+len(item) > MaxBulkBytes {
			return nil, &ValidationError{fmt.Sprintf("batch[%d]", i), fmt.Sprintf("has %d bytes as JSON, a whole request takes %d", len(item), MaxBulkBytes)}
		}
		if size+len(item)+1 > MaxBulkBytes && i > start {
			parts = append(parts, items[start:i])
			start, size = i, len(frame)
		}
		size += len(item) + 1 // and a comma
	}
	return append(parts, items[start:]), nil
}

// partOptions gives the parts after the first a key of their own, where the caller set one.
func partOptions(opts []RequestOption, n int) []RequestOption {
	if n == 0 {
		return opts
	}
	return append(opts[:len(opts):len(opts)], func(co *callOptions) error {
		if co.key != "" {
			co.key += "-" + strconv.Itoa(n+1)
		}
		return nil
	})
}
