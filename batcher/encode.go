package batcher

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// The encoder appends an event's JSON to a buffer. What is common (texts, numbers, bools, times, groups, and maps of those) is
// written by hand and without an allocation; any other value goes through encoding/json.

// maxDepth is how deep customdata may nest. A map that holds itself would never end.
const maxDepth = 100

// head returns how an event of a type begins.
func head(t EventType) (string, bool) {
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
	return "", false
}

// appendEvent appends an event; id, where it is not "", goes into customdata under idKey. On an error the result is of no use.
func appendEvent(b []byte, in *entry, now time.Time, idKey, id string) ([]byte, error) {
	e := &in.event
	start, known := head(e.Type)
	if !known {
		return b, &InvalidEventError{"type", "must be AppOpen, LevelCompleted, GameEnd, AdImpression, IAPPurchase or Custom"}
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
	at := e.Time
	if at.IsZero() {
		at = now
	}
	if y := at.Year(); y < 0 || y > 9999 {
		return b, &InvalidEventError{"timestamp", "must be in the years 0 to 9999"}
	}
	b = appendTimestamp(b, at)
	b = append(b, '"')
	return appendData(b, in, idKey, id)
}

// appendData appends customdata, where there is any, and ends the event.
func appendData(b []byte, in *entry, idKey, id string) ([]byte, error) {
	attrs, isAttrs := in.attrs, in.attrs != nil
	if given, ok := in.event.Data.([]slog.Attr); ok {
		attrs, isAttrs = given, true
	}
	if !isAttrs && in.event.Data == nil && id == "" {
		return append(b, '}'), nil
	}
	b = append(b, `,"customdata":`...)
	start := len(b)
	var err error
	switch {
	case isAttrs:
		b, err = appendAttrs(b, attrs, "customdata", 0)
	case in.event.Data == nil:
		b = append(b, '{', '}')
	default:
		b, err = appendValue(b, in.event.Data, "customdata", 0)
	}
	if err != nil {
		return b, err
	}
	if b[start] != '{' {
		return b, &InvalidEventError{"customdata", "must encode as a JSON object"}
	}
	if id != "" {
		if hasKey(b[start:], idKey) {
			return b, &InvalidEventError{"customdata." + idKey, "is where the event id goes: use another key, or another Config.EventIDKey"}
		}
		b = b[:len(b)-1]
		if len(b)-start > 1 {
			b = append(b, ',')
		}
		b, _ = appendText(b, idKey)
		b = append(b, ':', '"')
		b = append(b, id...)
		b = append(b, '"', '}')
	}
	return append(b, '}'), nil
}

// appendAttrs appends attributes as an object. Two of one key cannot both survive, so they are refused.
func appendAttrs(b []byte, attrs []slog.Attr, field string, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, tooDeep(field)
	}
	b = append(b, '{')
	for i := range attrs {
		a := &attrs[i]
		for j := range i {
			if attrs[j].Key == a.Key {
				return b, &InvalidEventError{field + "." + a.Key, "must stand there once only"}
			}
		}
		if i > 0 {
			b = append(b, ',')
		}
		var ok bool
		if b, ok = appendText(b, a.Key); !ok {
			return b, &InvalidEventError{field, "must have keys of valid UTF-8"}
		}
		b = append(b, ':')
		var err error
		switch a.Value.Kind() {
		case slog.KindInt64:
			b = strconv.AppendInt(b, a.Value.Int64(), 10)
		case slog.KindString:
			if b, ok = appendText(b, a.Value.String()); !ok {
				return b, notUTF8(field + "." + a.Key)
			}
		default:
			b, err = appendSlog(b, a.Value, field, a.Key, depth)
		}
		if err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendSlog appends the rarer kinds of attribute values.
func appendSlog(b []byte, v slog.Value, field, key string, depth int) ([]byte, error) {
	switch v.Kind() {
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10), nil
	case slog.KindFloat64:
		return appendFloat(b, v.Float64(), 64, field, key)
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10), nil // as encoding/json writes a time.Duration
	case slog.KindTime:
		return appendValue(b, v.Time(), field+"."+key, depth+1)
	case slog.KindGroup:
		return appendAttrs(b, v.Group(), field+"."+key, depth+1)
	case slog.KindLogValuer:
		return appendSlog(b, v.Resolve(), field, key, depth+1)
	}
	return appendValue(b, v.Any(), field+"."+key, depth+1)
}

// appendValue appends any value. field is where it stands.
func appendValue(b []byte, v any, field string, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, tooDeep(field)
	}
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		b, ok := appendText(b, v)
		if !ok {
			return b, notUTF8(field)
		}
		return b, nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case uint32:
		return strconv.AppendUint(b, uint64(v), 10), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case float64:
		return appendFloat(b, v, 64, field, "")
	case float32:
		return appendFloat(b, float64(v), 32, field, "")
	case map[string]any:
		return appendMap(b, v, field, depth)
	}
	return appendByReflection(b, v, field)
}

func appendMap(b []byte, m map[string]any, field string, depth int) ([]byte, error) {
	if m == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '{')
	first := true
	for key, value := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		var ok bool
		if b, ok = appendText(b, key); !ok {
			return b, &InvalidEventError{field, "must have keys of valid UTF-8"}
		}
		b = append(b, ':')
		var err error
		// The plain ones here: the name of the field is needed for an error only, and joining it costs an allocation.
		switch v := value.(type) {
		case string:
			if b, ok = appendText(b, v); !ok {
				return b, notUTF8(field + "." + key)
			}
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case bool:
			b = strconv.AppendBool(b, v)
		case float64:
			b, err = appendFloat(b, v, 64, field, key)
		default:
			b, err = appendValue(b, v, field+"."+key, depth+1)
		}
		if err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendByReflection lets encoding/json write a value, and refuses what that would change without a word.
func appendByReflection(b []byte, v any, field string) ([]byte, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return b, &InvalidEventError{field, "cannot be encoded as JSON: " + err.Error()}
	}
	if replacedBytes(encoded) {
		return b, notUTF8(field)
	}
	return append(b, encoded...), nil
}

// replacedBytes reports whether encoding/json met bytes that are not UTF-8: it writes them as the escape \ufffd, but the
// character of that number as itself. An escaped backslash before "ufffd" is no escape.
func replacedBytes(encoded []byte) bool {
	for rest := encoded; ; {
		before, after, found := bytes.Cut(rest, []byte(`\ufffd`))
		if !found {
			return false
		}
		if backslashes := len(before) - len(bytes.TrimRight(before, `\`)); backslashes%2 == 0 {
			return true
		}
		rest = after
	}
}

// appendFloat writes a number as encoding/json does: the shortest form that reads back the same.
func appendFloat(b []byte, f float64, bits int, field, key string) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		if key != "" {
			field += "." + key
		}
		return b, &InvalidEventError{field, "must be a finite number: NaN and infinities have no JSON"}
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21)) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, bits), nil
}

func notUTF8(field string) error { return &InvalidEventError{field, "must be valid UTF-8"} }

func tooDeep(field string) error {
	return &InvalidEventError{field, fmt.Sprintf("must not nest deeper than %d levels", maxDepth)}
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string; it returns false where s is not UTF-8.
func appendText(b []byte, s string) ([]byte, bool) {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return b, false
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"'), true
}

// timestampLayout writes UTC as +00:00: the service asks for a numeric offset, and Go's RFC 3339 has a Z.
const timestampLayout = "2006-01-02T15:04:05.999999999-07:00"

// appendTimestamp writes a time. UTC, which most servers run on, is written by hand, at a third of the cost.
func appendTimestamp(b []byte, t time.Time) []byte {
	if t.Location() != time.UTC {
		return t.AppendFormat(b, timestampLayout)
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendDigits(b, year, 4)
	b = append(b, '-')
	b = appendDigits(b, int(month), 2)
	b = append(b, '-')
	b = appendDigits(b, day, 2)
	b = append(b, 'T')
	b = appendDigits(b, hour, 2)
	b = append(b, ':')
	b = appendDigits(b, minute, 2)
	b = append(b, ':')
	b = appendDigits(b, second, 2)
	if nanos := t.Nanosecond(); nanos != 0 {
		b = append(b, '.')
		b = appendDigits(b, nanos, 9)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, "+00:00"...)
}

func appendDigits(b []byte, n, width int) []byte {
	var digits [9]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, digits[:width]...)
}

// hasKey reports whether a JSON object has a key of that name at its top.
func hasKey(object []byte, key string) bool {
	quoted, _ := appendText(nil, key)
	if !bytes.Contains(object, quoted) {
		return false // nowhere at all; a key written with other escapes is none that this encoder writes
	}
	var members map[string]json.RawMessage
	return json.Unmarshal(object, &members) != nil || members[key] != nil
}
