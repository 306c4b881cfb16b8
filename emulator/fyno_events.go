package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Why a message was not sent; the service's answer carries it as the channel's status, where "ok"
// is a message sent.
const (
	reasonSuppressed     = "suppressed"      // the user or the destination is on the suppression list
	reasonOptedOut       = "opted_out"       // the user opted out of the event's topic, or of all, on the channel
	reasonInactive       = "inactive"        // the profile's, or the token's, status is 0
	reasonNoDestination  = "no_destination"  // the channel's destination is empty, or the profile has no channel at all
	reasonUnknownProfile = "unknown_profile" // in a bulk request: the item's distinct_id does not exist
)

// Message is one notification that an event led to, sent or not.
type Message struct {
	RequestID   string // of the event, or of the item of a bulk event
	ID          string // the service's msg_id
	Version     string // live or test
	Event       string
	DistinctID  string // empty where the event named only destinations
	Channel     string
	Destination string
	Data        json.RawMessage // the template's values as they were received; nil where there were none
	Callback    json.RawMessage
	Sent        bool
	Reason      string // why it was not sent; empty where it was
	OTP         string // the code in the message, where the event sends one
	Time        time.Time
}

// fynoRecipient is one item of a bulk event, and all of a single event but its name.
type fynoRecipient struct {
	DistinctID string            `json:"distinct_id"`
	To         map[string]string `json:"to"`
	Data       json.RawMessage   `json:"data"`
	Callback   json.RawMessage   `json:"callback"`
}

type fynoEventInput struct {
	Event string `json:"event"`
	fynoRecipient
}

type fynoBulkInput struct {
	Event string          `json:"event"`
	Batch []fynoRecipient `json:"batch"`
}

type fynoEventBody struct {
	Event        string `json:"event"`
	ReceivedTime any    `json:"received_time"` // a string for one event, milliseconds for a bulk
	RequestID    string `json:"request_id"`
	Response     any    `json:"response"`
}

type fynoMessageStatus struct {
	Destination string `json:"destination"`
	MessageID   string `json:"msg_id"`
	Status      string `json:"status"`
}

func (f *fyno) fireEvent(c *call, in fynoEventInput) reply {
	v := f.version(c)
	if !f.hasEvent(in.Event) {
		return noSuchEvent(in.Event, v.name)
	}
	if in.DistinctID == "" && len(in.To) == 0 {
		return fynoBad("body.to must name a channel where body.distinct_id is not given")
	}
	if in.DistinctID != "" && len(in.To) == 0 && v.profiles[in.DistinctID] == nil {
		return fynoBad(fynoNoSuchProfile)
	}
	requestID := f.uuid()
	return reply{status: http.StatusAccepted, body: fynoEventBody{
		Event: in.Event, ReceivedTime: fynoMoment(time.Now()), RequestID: requestID,
		Response: f.notify(v, requestID, in.Event, in.fynoRecipient),
	}}
}

func (f *fyno) fireEventBulk(c *call, in fynoBulkInput) reply {
	v := f.version(c)
	if !f.hasEvent(in.Event) {
		return noSuchEvent(in.Event, v.name)
	}
	for i, item := range in.Batch {
		if item.DistinctID == "" && len(item.To) == 0 {
			return fynoBad(fmt.Sprintf("body.batch[%d].to must name a channel where distinct_id is not given", i))
		}
	}
	items := make([]map[string]any, 0, len(in.Batch))
	for i, item := range in.Batch {
		requestID := f.uuid()
		answer := map[string]any{"seq": i + 1, "request_id": requestID}
		for channel, status := range f.notify(v, requestID, in.Event, item) {
			answer[channel] = status
		}
		items = append(items, answer)
	}
	return reply{status: http.StatusAccepted, body: fynoEventBody{
		Event: in.Event, ReceivedTime: time.Now().UnixMilli(), RequestID: f.uuid(), Response: items,
	}}
}

// hasEvent reports whether the workspace has a notification event. If none was declared, it has
// every event.
func (f *fyno) hasEvent(name string) bool { return f.events == nil || slices.Contains(f.events, name) }

// fynoTarget is one destination of an event on a channel.
type fynoTarget struct {
	channel, destination string
	inactive             bool
}

// targets lists where an event goes, by channel in a fixed order: the profile's destinations, and
// over them the ones in to. A recipient without any destination can only be named by distinct id,
// which is what in-app messages are addressed by.
func (r fynoRecipient) targets(p *fynoProfile) []fynoTarget {
	by := map[string][]fynoTarget{}
	if p != nil {
		for channel, destination := range p.channels.single {
			by[channel] = []fynoTarget{{channel: channel, destination: destination}}
		}
		for channel, tokens := range p.channels.tokens {
			for _, token := range tokens {
				by[channel] = append(by[channel], fynoTarget{channel: channel, destination: token.Token, inactive: !token.active()})
			}
		}
	}
	for channel, destination := range r.To {
		by[channel] = []fynoTarget{{channel: channel, destination: destination}}
	}
	if len(by) == 0 {
		return []fynoTarget{{channel: "inapp"}}
	}
	var all []fynoTarget
	for _, channel := range slices.Sorted(maps.Keys(by)) {
		all = append(all, by[channel]...)
	}
	return all
}

// notify makes a message for every destination and says by channel what became of it: ok where one
// of the channel's messages was sent.
func (f *fyno) notify(v *fynoVersion, requestID, event string, r fynoRecipient) map[string]fynoMessageStatus {
	p := v.profiles[r.DistinctID]
	var code *otp
	if asksForOTP(event) {
		code = f.newOTP()
	}
	statuses := map[string]fynoMessageStatus{}
	for _, target := range r.targets(p) {
		m := Message{
			RequestID: requestID, ID: fmt.Sprintf("%s:%04x", requestID, f.random.Uint32N(1<<16)), Version: v.name,
			Event: event, DistinctID: r.DistinctID, Channel: target.channel, Destination: target.destination,
			Data: bytes.Clone(r.Data), Callback: bytes.Clone(r.Callback),
			Reason: f.reason(event, r, p, target), Time: time.Now(),
		}
		m.Sent = m.Reason == ""
		if m.Sent && code != nil {
			m.OTP = code.code
			v.otps[requestID] = code
			v.otps[otpDestination(target.destination)] = code
		}
		f.sent = append(f.sent, m)
		status := fynoMessageStatus{Destination: m.Destination, MessageID: m.ID, Status: "ok"}
		if !m.Sent {
			status.Status = m.Reason
		}
		if earlier, ok := statuses[m.Channel]; !ok || earlier.Status != "ok" && m.Sent {
			statuses[m.Channel] = status
		}
	}
	return statuses
}

// reason says why a message is not sent, or nothing.
func (f *fyno) reason(event string, r fynoRecipient, p *fynoProfile, target fynoTarget) string {
	switch {
	case p == nil && r.DistinctID != "" && len(r.To) == 0:
		return reasonUnknownProfile
	case target.destination == "":
		return reasonNoDestination
	case target.inactive || p != nil && p.status == 0:
		return reasonInactive
	case f.isSuppressed(r.DistinctID, p, target.channel, target.destination):
		return reasonSuppressed
	case p != nil && p.choices.refuses(f.topics, event, target.channel):
		return reasonOptedOut
	}
	return ""
}

// messages returns a copy of every message so far, oldest first.
func (f *fyno) messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.sent)
	for i := range out {
		out[i].Data, out[i].Callback = bytes.Clone(out[i].Data), bytes.Clone(out[i].Callback)
	}
	return out
}
