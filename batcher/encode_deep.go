package batcher

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/playline/playline-go/internal/wire"
)

// maxDepth is how deep customdata may nest. A map that holds itself would never end.
const maxDepth = 100

// appendData appends customdata of any kind and ends the event; attrs, where they are not nil, stand in place of data. id, where it is
// not "", goes into it under idKey.
func appendData(b []byte, data any, attrs []slog.Attr, idKey, id string) ([]byte, error) {
	bare := len(b)
	b = append(b, `,"customdata":`...)
	start := len(b)
	var err error
	switch {
	case attrs != nil:
		b, err = appendAttrs(b, attrs, "customdata", 0)
	case data == nil:
		b = append(b, '{', '}')
	default:
		b, err = appendValue(b, data, "customdata", 0)
	}
	if err != nil {
		return b, err
	}
	if string(b[start:]) == "null" { // a nil map or a nil pointer: no data
		if id == "" {
			return append(b[:bare], '}'), nil
		}
		b = append(b[:start], '{', '}')
	}
	if b[start] != '{' {
		return b, &InvalidEventError{"customdata", "must encode as a JSON object"}
	}
	if id != "" {
		switch old := member(b[start:], idKey); {
		case old == nil:
		case old[0] == '"' && len(old) > len(`""`):
			return append(b, '}'), nil // it has an id already: a Record that is tracked again keeps its own
		default:
			return b, &InvalidEventError{"customdata." + idKey, "is where the event id goes: it must be a text, or not be there"}
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
	attrs, err := visible(attrs, field, depth)
	if err != nil {
		return b, err
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
		if b, err = appendSlog(b, a.Value, field+"."+a.Key, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// visible returns the attributes as slog's own handlers show them: an empty attribute and a group
// without attributes are left out, and the attributes of a group without a name take its place.
// https://pkg.go.dev/log/slog#Handler lists these rules.
func visible(attrs []slog.Attr, field string, depth int) ([]slog.Attr, error) {
	special := func(a slog.Attr) bool {
		switch a.Value.Kind() {
		case slog.KindLogValuer:
			return true // its value may be a group
		case slog.KindGroup:
			return a.Key == "" || len(a.Value.Group()) == 0
		}
		return a.Equal(slog.Attr{})
	}
	if !slices.ContainsFunc(attrs, special) {
		return attrs, nil
	}
	shown := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		for level := depth; a.Value.Kind() == slog.KindLogValuer; level++ {
			value, ok := logValue(a.Value)
			switch {
			case !ok:
				return nil, &InvalidEventError{field + "." + a.Key, "has a LogValue that panics"}
			case level > maxDepth:
				return nil, tooDeep(field + "." + a.Key)
			}
			a.Value = value
		}
		switch {
		case a.Equal(slog.Attr{}):
		case a.Value.Kind() != slog.KindGroup:
			shown = append(shown, a)
		case len(a.Value.Group()) == 0:
		case a.Key == "":
			if depth > maxDepth {
				return nil, tooDeep(field)
			}
			inline, err := visible(a.Value.Group(), field, depth+1)
			if err != nil {
				return nil, err
			}
			shown = append(shown, inline...)
		default:
			shown = append(shown, a)
		}
	}
	return shown, nil
}

// appendSlog appends an attribute's value.
func appendSlog(b []byte, v slog.Value, field string, depth int) ([]byte, error) {
	start := len(b)
	if b, ok := appendPlainAttr(b, &v); ok {
		return b, nil
	}
	b = b[:start]
	switch v.Kind() {
	case slog.KindGroup:
		return appendAttrs(b, v.Group(), field, depth)
	case slog.KindLogValuer:
		if depth > maxDepth {
			return b, tooDeep(field)
		}
		value, ok := logValue(v)
		if !ok {
			return b, &InvalidEventError{field, "has a LogValue that panics"}
		}
		return appendSlog(b, value, field, depth+1)
	}
	return appendValue(b, v.Any(), field, depth)
}

// logValue asks a LogValuer once. slog's Resolve would make an error of a panic, and that is {} in JSON: the event would be sent, with
// nothing in it.
func logValue(v slog.Value) (value slog.Value, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return v.LogValuer().LogValue(), true
}

// appendValue appends any value. field is where it stands.
func appendValue(b []byte, v any, field string, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, tooDeep(field)
	}
	start := len(b)
	if b, ok := appendPlain(b, v); ok {
		return b, nil
	}
	b = b[:start]
	switch v := v.(type) {
	case map[string]any:
		return appendMap(b, v, field, depth)
	case []slog.Attr:
		return appendAttrs(b, v, field, depth)
	case json.RawMessage:
		return appendRaw(b, v, field)
	case json.Marshaler:
		return appendByReflection(b, v, field)
	case error: // slog's handlers write its text too; encoding/json would write {}
		text, ok := errorText(v)
		if !ok {
			return b, &InvalidEventError{field, "has an Error method that panics"}
		}
		return appendValue(b, text, field, depth)
	case string:
		return b, &InvalidEventError{field, "must be valid UTF-8"}
	case float64, float32:
		return b, &InvalidEventError{field, "must be a finite number: NaN and infinities have no JSON"}
	}
	return appendByReflection(b, v, field)
}

// errorText returns an error's words, and nil for a nil pointer that is an error.
func errorText(err error) (text any, ok bool) {
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, true
	}
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return err.Error(), true
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
		if b, err = appendValue(b, value, field+"."+key, depth+1); err != nil {
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
	// A json.RawMessage within v comes out as it is, whatever its bytes are.
	if wire.ReplacedBytes(encoded) || !utf8.Valid(encoded) {
		return b, &InvalidEventError{field, "must be valid UTF-8"}
	}
	return append(b, encoded...), nil
}

// appendRaw appends what is JSON already. It may hold any escape, also \ufffd.
func appendRaw(b []byte, v json.RawMessage, field string) ([]byte, error) {
	if v == nil {
		return append(b, "null"...), nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, v); err != nil {
		return b, &InvalidEventError{field, "cannot be encoded as JSON: " + err.Error()}
	}
	if !utf8.Valid(v) {
		return b, &InvalidEventError{field, "must be valid UTF-8"}
	}
	return append(b, compact.Bytes()...), nil
}

func tooDeep(field string) error {
	return &InvalidEventError{field, fmt.Sprintf("must not nest deeper than %d levels", maxDepth)}
}

// member returns the value of that key at the top of a JSON object, nil where there is none.
func member(object []byte, key string) json.RawMessage {
	quoted, _ := appendText(nil, key)
	// encoding/json and a json.RawMessage can write the same key with other escapes.
	if !bytes.Contains(object, quoted) && !bytes.Contains(object, []byte(`\`)) {
		return nil
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(object, &members) // it is an object that was just encoded
	return members[key]
}
