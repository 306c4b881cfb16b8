package batcher

import (
	"log/slog"
	"strconv"
)

// The encoder appends an event's JSON to a buffer. What is common (texts, numbers, bools, groups, and maps of those) is written by
// hand; any other value goes through encoding/json.
//
// appendFlat is the short way: it knows only attributes and maps of plain values, and does not recurse. So the compiler sees that
// it keeps nothing, and Track's buffer and the caller's attributes stay on the stack. appendData is the whole encoder, and the one
// that finds the words for an error.

// head returns how an event of a type begins; more are the beginnings of Config.EventTypes.
func head(t EventType, more map[EventType]string) (string, bool) {
	switch t {
	case AppOpen:
		return `{"type":"AppOpen","timestamp":"`, true
	case LevelCompleted:
		return `{"type":"LevelCompleted","timestamp":"`, true
	case GameEnd:
		return `{"type":"GameEnd","timestamp":"`, true
	case AdImpression:
		return `{"type":"AdImpression","timestamp":"`, true
	case IAPPurchase:
		return `{"type":"IAPPurchase","timestamp":"`, true
	case Custom:
		return `{"type":"Custom","customEventName":`, true
	}
	start, added := more[t]
	return start, added
}

// headsOf returns how events of added types begin.
func headsOf(types []EventType) map[EventType]string {
	heads := make(map[EventType]string, len(types))
	for _, t := range types {
		text, _ := appendText([]byte(`{"type":`), string(t))
		heads[t] = string(text) + `,"timestamp":"`
	}
	return heads
}

// appendHead appends what stands before customdata.
func appendHead(b []byte, e *Event, c *clock, now int64, more map[EventType]string) ([]byte, error) {
	start, known := head(e.Type, more)
	if !known {
		return b, &InvalidEventError{
			"type", "must be AppOpen, LevelCompleted, GameEnd, AdImpression, IAPPurchase or Custom, or one of Config.EventTypes",
		}
	}
	b = append(b, start...)
	switch {
	case e.Type == Custom && e.Name == "":
		return b, &InvalidEventError{"customEventName", "must not be empty with type Custom: set Event.Name"}
	case e.Type == Custom:
		var ok bool
		if b, ok = appendText(b, e.Name); !ok {
			return b, &InvalidEventError{"customEventName", "must be valid UTF-8"}
		}
		b = append(b, `,"timestamp":"`...)
	case e.Name != "":
		return b, &InvalidEventError{"customEventName", "must be empty except with type Custom"}
	}
	if e.Time.IsZero() {
		return append(c.appendTimestamp(b, now), '"'), nil
	}
	at := e.Time
	if _, offset := at.Zone(); offset%60 != 0 || offset <= -24*60*60 || offset >= 24*60*60 {
		at = at.UTC() // the offset is written in hours and minutes
	}
	if y := at.Year(); y < 0 || y > 9999 {
		return b, &InvalidEventError{"timestamp", "must be in the years 0 to 9999"}
	}
	return append(appendTimestamp(b, at), '"'), nil
}

// appendFlat appends customdata of plain values, where there is any, and ends the event. Anything else is not ok, and the result of
// no use.
func appendFlat(b []byte, data any, attrs []slog.Attr) (out []byte, ok bool) {
	if data == nil && attrs == nil {
		return append(b, '}'), true
	}
	b = append(b, `,"customdata":{`...)
	if attrs != nil {
		for i := range attrs {
			if i > 0 {
				b = append(b, ',')
			}
			if attrs[i].Key == "" { // slog has rules of its own for it, see visible
				return b, false
			}
			for j := range i {
				if attrs[j].Key == attrs[i].Key {
					return b, false
				}
			}
			if b, ok = appendText(b, attrs[i].Key); !ok {
				return b, false
			}
			b = append(b, ':')
			if b, ok = appendPlainAttr(b, &attrs[i].Value); !ok {
				return b, false
			}
		}
		return append(b, '}', '}'), true
	}
	m, ok := data.(map[string]any)
	if !ok || m == nil {
		return b, false
	}
	first := true
	for key, value := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, ok = appendText(b, key); !ok {
			return b, false
		}
		b = append(b, ':')
		if b, ok = appendPlain(b, value); !ok {
			return b, false
		}
	}
	return append(b, '}', '}'), true
}

// appendPlainAttr appends an attribute's value of a plain kind.
func appendPlainAttr(b []byte, v *slog.Value) ([]byte, bool) {
	switch v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindString:
		return appendText(b, v.String())
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10), true
	case slog.KindFloat64:
		return appendFloat(b, v.Float64(), 64)
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10), true // as encoding/json writes a time.Duration
	}
	return b, false
}

// appendPlain appends a text, a number, a bool or nil.
func appendPlain(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10), true
	case int64:
		return strconv.AppendInt(b, v, 10), true
	case bool:
		return strconv.AppendBool(b, v), true
	case float64:
		return appendFloat(b, v, 64)
	case int32:
		return strconv.AppendInt(b, int64(v), 10), true
	case uint32:
		return strconv.AppendUint(b, uint64(v), 10), true
	case uint64:
		return strconv.AppendUint(b, v, 10), true
	case float32:
		return appendFloat(b, float64(v), 32)
	case nil:
		return append(b, "null"...), true
	}
	return b, false
}
