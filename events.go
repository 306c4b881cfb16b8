package playline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// EventsService fires the notification events of Fyno: an event sends its messages to one recipient or to many.
//
// Vendor: https://fyno.io/docs/api-reference
type EventsService service

// Recipient is who a notification goes to, and with what. At least one of DistinctID and To; with both, To's channels win.
type Recipient struct {
	DistinctID string         `json:"distinct_id,omitempty"`
	To         Destinations   `json:"to,omitzero"`
	Data       map[string]any `json:"data,omitempty"` // values of the template's placeholders
	Callback   *Callback      `json:"callback,omitempty"`
}

// Destinations are where one event goes; empty ones are not sent. Phone numbers are as in ProfileChannels.
type Destinations struct {
	Discord  string `json:"discord,omitempty"`
	Email    string `json:"email,omitempty"`
	InApp    string `json:"inapp,omitempty"` // one token
	Push     string `json:"push,omitempty"`  // one token; with a prefix where several providers are used, such as fcm_token:
	Slack    string `json:"slack,omitempty"`
	SMS      string `json:"sms,omitempty"` // a phone number
	Teams    string `json:"teams,omitempty"`
	Voice    string `json:"voice,omitempty"`    // a phone number
	WhatsApp string `json:"whatsapp,omitempty"` // a phone number
}

// Callback asks for delivery reports.
type Callback struct {
	CustomID     string   `json:"custom_id"`
	Custom1      string   `json:"custom1,omitempty"`
	Custom2      string   `json:"custom2,omitempty"`
	Custom3      string   `json:"custom3,omitempty"`
	Enable       *bool    `json:"enable,omitempty"`        // nil means true
	AllowlistURL []string `json:"allowlist_url,omitempty"` // names of allow-listed URLs
}

// Validate checks that there is somebody to send to, and every destination.
func (r Recipient) Validate() error {
	to := r.To
	if err := firstOf(
		check{"distinct_id, to", ruleIf(r.DistinctID == "" && to == Destinations{}, "must not both be empty")},
		check{"distinct_id", optionalText(r.DistinctID)},
		check{"to.discord", optionalText(to.Discord)},
		check{"to.email", emailRule(to.Email)},
		check{"to.inapp", optionalText(to.InApp)},
		check{"to.push", optionalText(to.Push)},
		check{"to.slack", optionalText(to.Slack)},
		check{"to.sms", phoneRule(to.SMS)},
		check{"to.teams", optionalText(to.Teams)},
		check{"to.voice", phoneRule(to.Voice)},
		check{"to.whatsapp", phoneRule(to.WhatsApp)},
	); err != nil {
		return err
	}
	if err := checkObject("data", r.Data); err != nil || r.Callback == nil {
		return err
	}
	c := r.Callback
	if len(c.AllowlistURL) > 0 {
		if err := checkTexts("callback.allowlist_url", c.AllowlistURL); err != nil {
			return err
		}
	}
	return firstOf(
		check{"callback.custom_id", textRule(c.CustomID)},
		check{"callback.custom1", optionalText(c.Custom1)},
		check{"callback.custom2", optionalText(c.Custom2)},
		check{"callback.custom3", optionalText(c.Custom3)},
	)
}

// eventRequest is the body of Events.Fire.
type eventRequest struct {
	Event string `json:"event"`
	Recipient
}

// Validate checks the name and the recipient.
func (r eventRequest) Validate() error {
	if err := firstOf(check{"event", textRule(r.Event)}); err != nil {
		return err
	}
	return r.Recipient.Validate()
}

// MessageStatus is what became of one channel's message. The status is "ok" where it was taken.
type MessageStatus struct {
	Destination string `json:"destination"`
	MessageID   string `json:"msg_id"`
	Status      string `json:"status"`
}

// EventAccepted is the answer to Events.Fire.
type EventAccepted struct {
	Event      string                    `json:"event"`
	ReceivedAt Timestamp                 `json:"received_time"`
	RequestID  string                    `json:"request_id"` // what Verify.Validate takes
	Messages   map[Channel]MessageStatus `json:"response"`
}

// Fire sends one event to one recipient. Channels that the service did not take, such as a suppressed one, are named by a
// *PartialError, which comes together with the result.
//
// Class key on version live: every call makes an idempotency key of its own, see IdempotencyKey. Class unsent on version test,
// where the service ignores keys.
// Vendor: https://fyno.io/docs/api-reference, https://docs.fyno.io/docs/idempotent-requests
func (s *EventsService) Fire(ctx context.Context, event string, to Recipient, opts ...RequestOption) (*EventAccepted, error) {
	out, err := call[EventAccepted](ctx, (*service)(s), opFireEvent, input{body: eventRequest{event, to}}, opts)
	if err != nil {
		return nil, err
	}
	items := messageErrors(0, out.Messages, (*service)(s).secrets(opFireEvent, opts))
	if len(items) == 0 {
		return out, nil
	}
	return out, &PartialError{Operation: opFireEvent.name, Total: 1, Items: items}
}

// messageErrors returns the channels whose message was not taken, as errors of the item at index.
func messageErrors(index int, messages map[Channel]MessageStatus, secrets []string) []ItemError {
	var items []ItemError
	for _, channel := range slices.Sorted(maps.Keys(messages)) {
		m := messages[channel]
		if m.Status == "ok" {
			continue
		}
		raw, _ := json.Marshal(m)
		items = append(items, ItemError{
			Index: index, Key: scrub(string(channel), secrets), Code: scrub(m.Status, secrets), Raw: raw,
			Message: ruleIf(m.Status == "", "the service gave no status"),
		})
	}
	return items
}

// bulkRequest is the body of one part of Events.FireBulk.
type bulkRequest struct {
	Event string            `json:"event"`
	Batch []json.RawMessage `json:"batch"` // eventRequests, encoded and checked
}

// encodeRecipients checks and encodes every recipient, so that a batch can be split by its bytes.
func encodeRecipients(event string, to []Recipient) ([]json.RawMessage, error) {
	if err := firstOf(
		check{"event", textRule(event)},
		check{"batch", ruleIf(len(to) == 0, "must not be empty")},
	); err != nil {
		return nil, err
	}
	items := make([]json.RawMessage, len(to))
	for i, r := range to {
		place := fmt.Sprintf("batch[%d]", i)
		if err := r.Validate(); err != nil {
			return nil, within(place, err)
		}
		// The vendor's schema requires the event in each item and does not define it there; its own client
		// leaves it out. An item that has it is right by both.
		encoded, err := json.Marshal(eventRequest{event, r})
		if err != nil {
			return nil, &ValidationError{place, "cannot be encoded as JSON: " + err.Error()}
		}
		items[i] = encoded
	}
	return items, nil
}
