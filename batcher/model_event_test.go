package batcher_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/playline/playline-go/batcher"
)

// modelEvent is what is known of one event.
type modelEvent struct {
	number int // from 1, in customdata too, where it names the event
	user   string
	event  batcher.Event
	attrs  []slog.Attr // in place of event.Data
	data   string      // the customdata that is expected, as JSON
	once   bool        // of an AtMostOnce type
	poison bool        // the service refuses it
	bad    bool        // Track must refuse it
	border bool        // of about EventBytes: Track may refuse it

	// The following is guarded by model.mu.
	start, end int64     // stamps of the beginning and of the end of Track; end is 0 unless it returned nil
	kept       time.Time // when it did
	json       []byte    // as it was first seen
	attempts   int
	doubts     int
	stored     int
	place      int  // of the first copy in the player's store
	tooLarge   bool // alone in a request, it got 413
	told       int  // how often a result was told
	result     batcher.Result
	process    int  // whose ledger has it
	before     int  // copies that the service had when the process began
	unstored   bool // the store could not keep it, and it is in memory alone
	lost       bool // and the process was killed
	dropped    bool // erased or expired, by this process or an earlier one
	withdrawn  bool // the store was told to forget it before it had a result
}

// modelData is customdata as a struct, and as what the service reads.
type modelData struct {
	N      int            `json:"n"`
	Pad    string         `json:"pad"`
	Poison bool           `json:"poison,omitempty"`
	Deep   map[string]any `json:"deep,omitempty"`
}

// newEvent makes an event at random and keeps it under its number.
func (m *model) newEvent(r *rand.Rand, user string) *modelEvent {
	e := &modelEvent{user: user, poison: r.IntN(40) == 0}
	m.mu.Lock()
	m.events = append(m.events, e)
	e.number = len(m.events)
	m.mu.Unlock()
	e.event.Type = modelTypes[r.IntN(len(modelTypes))]
	if e.event.Type == batcher.Custom {
		e.event.Name = fmt.Sprintf("boss_%d", r.IntN(10))
	}
	if r.IntN(3) == 0 {
		e.event.Time = time.Now().Add(-time.Duration(r.Int64N(int64(time.Hour)))).In(time.FixedZone("", 3600*(r.IntN(25)-12)))
	}
	for _, t := range m.cfg.AtMostOnce {
		e.once = e.once || t == e.event.Type
	}
	room := m.cfg.EventBytes - 330 // beside the other members, with space for the request around it
	data := modelData{N: e.number, Pad: strings.Repeat("x", r.IntN(min(room, 1+r.IntN(room)))), Poison: e.poison}
	if r.IntN(20) == 0 {
		e.border = true
		data.Pad = strings.Repeat("y", room+r.IntN(330))
	}
	e.shape(r, data)
	if r.IntN(15) == 0 {
		e.spoil(r, m.cfg)
	}
	return e
}

// shape gives the data one of the forms that Track takes.
func (e *modelEvent) shape(r *rand.Rand, data modelData) {
	form := r.IntN(6)
	if form == 5 {
		data.Deep = map[string]any{"a": "\u00e9\n\"", "b": 1.5}
	}
	encoded, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	e.data = string(encoded)
	attrs := []slog.Attr{slog.Int("n", data.N), slog.String("pad", data.Pad)}
	flat := map[string]any{"n": data.N, "pad": data.Pad}
	if data.Poison {
		attrs, flat["poison"] = append(attrs, slog.Bool("poison", true)), true
	}
	switch form {
	case 0:
		e.attrs, e.event.Time = attrs, time.Time{}
	case 1:
		e.event.Data = flat
	case 2:
		e.event.Data = attrs
	case 3:
		e.event.Data = json.RawMessage(encoded)
	case 4:
		e.event.Data = &data
	case 5:
		flat["deep"] = data.Deep
		e.event.Data = flat
	}
}

// spoil makes it an event that Track must refuse.
func (e *modelEvent) spoil(r *rand.Rand, cfg batcher.Config) {
	e.bad, e.attrs = true, nil
	switch r.IntN(9) {
	case 0:
		e.event.Data = map[string]any{"n": e.number, "score": math.NaN()}
	case 1:
		e.event.Data = map[string]any{"n": e.number, "c": make(chan int)}
	case 2:
		e.event.Data = map[string]any{"n": e.number, "text": "\xff"}
	case 3:
		e.event.Data = []int{e.number}
	case 4:
		e.event.Data = map[string]any{"n": e.number, "pad": strings.Repeat("z", cfg.EventBytes)}
	case 5:
		e.event.Type, e.event.Name = batcher.Custom, ""
	case 6:
		e.event.Type, e.event.Name = batcher.GameEnd, "boss"
	case 7:
		e.event.Type = "Login"
	case 8:
		e.event.Data = []slog.Attr{slog.Int("n", e.number), slog.Int("n", e.number)}
	}
}

// seen finds the event that some JSON is, and checks that it is the event that was tracked, with the same bytes as ever. It returns
// nil where it is none of them. model.mu is held.
func (m *model) seen(user string, encoded []byte) *modelEvent {
	var in struct {
		Type            batcher.EventType `json:"type"`
		CustomEventName string            `json:"customEventName"`
		Timestamp       string            `json:"timestamp"`
		CustomData      json.RawMessage   `json:"customdata"`
	}
	var data struct {
		modelData
		ID string `json:"eid"`
	}
	if err := json.Unmarshal(encoded, &in); err != nil {
		m.failed("an event is no JSON: %v: %q", err, encoded)
		return nil
	}
	if err := json.Unmarshal(in.CustomData, &data); err != nil || data.N < 1 || data.N > len(m.events) {
		m.failed("an event that nobody tracked: %q", encoded)
		return nil
	}
	e := m.events[data.N-1]
	if e.json != nil {
		if !bytes.Equal(e.json, encoded) {
			m.failed("event %d changed from %q to %q", e.number, e.json, encoded)
		}
		return e
	}
	e.json = bytes.Clone(encoded)
	if (data.ID != "") != (m.cfg.EventIDKey != "") {
		m.failed("event %d has the id %q, EventIDKey is %q", e.number, data.ID, m.cfg.EventIDKey)
	}
	got, err := json.Marshal(data.modelData)
	if err != nil || string(got) != e.data {
		m.failed("event %d: customdata is %s, should be %s", e.number, got, e.data)
	}
	if e.user != user || in.Type != e.event.Type || in.CustomEventName != e.event.Name {
		m.failed("event %d of %s, %s %q, is %s of %s", e.number, e.user, e.event.Type, e.event.Name, encoded, user)
	}
	at, err := time.Parse("2006-01-02T15:04:05.000-07:00", in.Timestamp)
	if err != nil || !e.event.Time.IsZero() && !at.Equal(e.event.Time.Truncate(time.Millisecond)) {
		m.failed("event %d: timestamp is %s, should be %s, with milliseconds and a numeric offset", e.number, in.Timestamp, e.event.Time)
	}
	if e.bad {
		m.failed("event %d was to be refused at Track: %s", e.number, encoded)
	}
	return e
}
