package playline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/playline/playline-go/internal/wire"
)

// IngestService sends gameplay events to PlaySmart.
//
// Vendor: https://doc.playsmart.api.dolly.gg/guides/track-events
type IngestService service

// MaxEvents is how many events one Ingest.Send may hold.
const MaxEvents = 200

// EventType is what happened in the game. The service refuses other types than these; one that it has
// learned since is added by WithEventTypes.
type EventType string

// The event types.
const (
	AppOpen        EventType = "AppOpen"
	LevelCompleted EventType = "LevelCompleted" // pays coins: a second copy can pay twice
	GameEnd        EventType = "GameEnd"
	AdImpression   EventType = "AdImpression"
	IAPPurchase    EventType = "IAPPurchase"
	Custom         EventType = "Custom" // needs a CustomEventName
)

// GameplayEvent is one thing that happened.
type GameplayEvent struct {
	Type            EventType
	CustomEventName string    // with type Custom, and only with it
	Timestamp       time.Time // sent with milliseconds and a numeric offset
	CustomData      any       // nil, or what encodes as a JSON object: a map, a struct, a json.RawMessage
}

// IngestBatch is the body of Ingest.Send: 1 to 200 events of one player.
type IngestBatch struct {
	UserID string // the sub claim of the player's token
	GameID string // Android package name or iOS bundle identifier
	Events []GameplayEvent
}

// IngestResult says that the events are in the service's buffer; they are stored later.
type IngestResult struct {
	Success  bool
	Message  string // such as "accepted:3 buffered:3"
	Accepted int    // events taken now, from Message; 0 if it has no such figure
	Buffered int    // events in the service's buffer, from Message; 0 if it has no such figure
}

// figures reads the two numbers in a message such as "accepted:3 buffered:3", each -1 if it is not there: the wording is not promised.
func figures(message string) (accepted, buffered int) {
	accepted, buffered = -1, -1
	for _, word := range strings.FieldsFunc(message, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }) {
		name, figure, _ := strings.Cut(word, ":")
		n, err := strconv.Atoi(figure)
		switch {
		case err != nil:
		case name == "accepted":
			accepted = max(n, 0)
		case name == "buffered":
			buffered = max(n, 0)
		}
	}
	return accepted, buffered
}

// unconfirmed returns how many of the events that were sent a message does not confirm. A message without a figure confirms all.
func unconfirmed(sent int, message string) int {
	accepted, _ := figures(message)
	if accepted < 0 {
		return 0
	}
	return max(sent-accepted, 0)
}

// UnmarshalJSON reads the answer and the two numbers in its message.
func (r *IngestResult) UnmarshalJSON(b []byte) error {
	var in struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	accepted, buffered := figures(in.Message)
	*r = IngestResult{in.Success, in.Message, max(accepted, 0), max(buffered, 0)}
	return nil
}

// wireEvent is an event as it travels, checked and with its data encoded.
type wireEvent struct {
	Type            EventType       `json:"type"`
	CustomEventName string          `json:"customEventName,omitempty"`
	Timestamp       string          `json:"timestamp"`
	CustomData      json.RawMessage `json:"customdata,omitempty"`
}

// ingestBody is an IngestBatch as it travels.
type ingestBody struct {
	UserID string      `json:"user_id"`
	GameID string      `json:"game_id"`
	Events []wireEvent `json:"events"`
}

// Validate checks what the contract says of a batch, and that every event can be encoded. Whether the
// service knows an event's type is for Ingest.Send to say, see WithEventTypes.
func (b IngestBatch) Validate() error {
	_, err := b.encode()
	return err
}

func (b IngestBatch) encode() (*ingestBody, error) {
	if err := firstOf(
		check{"user_id", textRule(b.UserID)},
		check{"game_id", textRule(b.GameID)},
		check{"events", ruleIf(len(b.Events) == 0 || len(b.Events) > MaxEvents, fmt.Sprintf("must hold 1 to %d events, not %d", MaxEvents, len(b.Events)))},
	); err != nil {
		return nil, err
	}
	body := &ingestBody{b.UserID, b.GameID, make([]wireEvent, len(b.Events))}
	for i, e := range b.Events {
		var err error
		if body.Events[i], err = e.encode(); err != nil {
			return nil, within(fmt.Sprintf("events[%d]", i), err)
		}
	}
	return body, nil
}

// Validate checks what the contract says of an event, but for its type, and that it can be encoded.
func (e GameplayEvent) Validate() error {
	_, err := e.encode()
	return err
}

func (e GameplayEvent) encode() (wireEvent, error) {
	if err := firstOf(
		check{"type", textRule(string(e.Type))},
		check{"customEventName", ruleIf(e.Type == Custom && e.CustomEventName == "", "must not be empty with type Custom")},
		check{"customEventName", ruleIf(e.Type != Custom && e.CustomEventName != "", "must be empty except with type Custom")},
		check{"customEventName", optionalText(e.CustomEventName)},
		check{"timestamp", timestampRule(e.Timestamp)},
	); err != nil {
		return wireEvent{}, err
	}
	at := e.Timestamp
	if _, offset := at.Zone(); offset%60 != 0 || offset <= -24*60*60 || offset >= 24*60*60 {
		at = at.UTC() // the offset is written in hours and minutes
	}
	out := wireEvent{Type: e.Type, CustomEventName: e.CustomEventName, Timestamp: at.Format(wire.TimestampLayout)}
	if e.CustomData == nil {
		return out, nil
	}
	if err := checkJSON("customdata", e.CustomData); err != nil {
		return wireEvent{}, err
	}
	data, err := json.Marshal(e.CustomData)
	if err != nil {
		return wireEvent{}, &ValidationError{"customdata", "cannot be encoded as JSON: " + err.Error()}
	}
	if data[0] != '{' {
		return wireEvent{}, &ValidationError{"customdata", "must be a JSON object"}
	}
	out.CustomData = data
	return out, nil
}

// checkTypes checks that the service knows the type of each event.
func (b IngestBatch) checkTypes(added []EventType) error {
	for i, e := range b.Events {
		switch e.Type {
		case AppOpen, LevelCompleted, GameEnd, AdImpression, IAPPurchase, Custom:
			continue
		}
		if !slices.Contains(added, e.Type) {
			return &ValidationError{
				fmt.Sprintf("events[%d].type", i), "must be AppOpen, LevelCompleted, GameEnd, AdImpression, IAPPurchase or Custom, or one that " +
					"WithEventTypes adds: the service refuses the whole request for another",
			}
		}
	}
	return nil
}

func timestampRule(t time.Time) string {
	switch {
	case t.IsZero():
		return "must be set"
	case t.Year() < 0 || t.Year() > 9999:
		return "must be in the years 0 to 9999"
	}
	return ""
}

// Send sends the events of one player under that player's token: its sub claim must be the batch's user id. A bad event costs
// the whole request, so all are checked before.
//
// Class unsent: the service does not deduplicate. After an error that matches ErrOutcomeUnknown the events may have been stored.
// Where the service says that it took fewer events than were sent, the result comes with a *PartialError: nobody knows which.
// A wrong or expired token matches ErrUnauthorized, another player's ErrForbidden.
// Vendor: https://doc.playsmart.api.dolly.gg/guides/track-events
func (s *IngestService) Send(ctx context.Context, token Secret, batch IngestBatch, opts ...RequestOption) (*IngestResult, error) {
	body, err := batch.encode()
	if err != nil {
		return nil, err
	}
	if err := batch.checkTypes(s.client.eventTypes); err != nil {
		return nil, err
	}
	out, err := call[IngestResult](ctx, (*service)(s), opIngestEvents, input{body: body, token: &token}, opts)
	if err != nil {
		return nil, err
	}
	if n := unconfirmed(len(batch.Events), out.Message); n > 0 {
		return out, &PartialError{Operation: opIngestEvents.name, Total: len(batch.Events), Unconfirmed: n}
	}
	return out, nil
}
