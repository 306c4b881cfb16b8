package playline

import (
	"encoding/json"
	"strconv"
	"time"
)

// Timestamp is a time in an answer. The services write times in several ways. One that cannot be read does
// not cost the answer: then Time is zero, and Raw holds what came.
type Timestamp struct {
	time.Time
	Raw string
}

// The years 1 to 9999 in milliseconds: RFC 3339 can write no other.
const (
	firstMilli = -62135596800000
	lastMilli  = 253402300799999
)

// UnmarshalJSON reads RFC 3339 text and numbers of milliseconds since the Unix epoch. It never fails.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	*t = Timestamp{}
	if string(b) == "null" {
		return nil
	}
	if ms, err := strconv.ParseFloat(string(b), 64); err == nil {
		t.Raw = string(b)
		if ms >= firstMilli && ms <= lastMilli {
			t.Time = time.UnixMilli(int64(ms)).UTC()
		}
		return nil
	}
	if json.Unmarshal(b, &t.Raw) != nil {
		t.Raw = string(b)
		return nil
	}
	if at, err := time.Parse(time.RFC3339Nano, t.Raw); err == nil && writable(at) {
		t.Time = at
	}
	return nil
}

// writable reports whether a time has a form in RFC 3339. The parser takes offsets such as +24:00, which
// the encoder refuses.
func writable(at time.Time) bool {
	_, err := at.MarshalJSON()
	return err == nil
}

// MarshalJSON writes the time as RFC 3339, or what came if that could not be read.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() || !writable(t.Time) {
		return json.Marshal(t.Raw)
	}
	return json.Marshal(t.Time)
}
