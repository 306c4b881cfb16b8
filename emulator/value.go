package emulator

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxDepth bounds how deep a body may nest: a parser that recurses over hostile input must stop
// somewhere.
const maxDepth = 512

// parseJSON reads one JSON value more strictly than encoding/json does: it refuses invalid UTF-8
// (which encoding/json replaces), a name that is twice in one object (where it takes the last), and
// numbers that no float64 holds. Objects come as map[string]any, arrays as []any, numbers as
// json.Number.
func parseJSON(data []byte) (any, *violation) {
	if !utf8.Valid(data) {
		return nil, &violation{"body", "must be valid UTF-8"}
	}
	if !json.Valid(data) { // also finds data after the value, which the decoder below would leave unread
		return nil, &violation{"body", "must be one JSON value"}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return parseValue(decoder, "body", 0)
}

// parseValue reads the next value of the decoder. The data is known to be valid JSON.
func parseValue(decoder *json.Decoder, field string, depth int) (any, *violation) {
	if depth > maxDepth {
		return nil, &violation{"body", "must not nest deeper than 512 levels"}
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, &violation{field, "must be a JSON value"}
	}
	switch token := token.(type) {
	case json.Number:
		if _, err := token.Float64(); err != nil {
			return nil, &violation{field, "must fit a 64-bit floating point number"}
		}
	case json.Delim:
		if token == '{' {
			return parseObject(decoder, field, depth)
		}
		return parseArray(decoder, field, depth)
	}
	return token, nil
}

func parseObject(decoder *json.Decoder, field string, depth int) (any, *violation) {
	object := make(map[string]any)
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, &violation{field, "must be a JSON object"}
		}
		if _, twice := object[name]; twice {
			return nil, &violation{field + "." + name, "must be once in its object"}
		}
		value, v := parseValue(decoder, field+"."+name, depth+1)
		if v != nil {
			return nil, v
		}
		object[name] = value
	}
	_, _ = decoder.Token() // the closing brace
	return object, nil
}

func parseArray(decoder *json.Decoder, field string, depth int) (any, *violation) {
	array := []any{}
	for decoder.More() {
		value, v := parseValue(decoder, field+"[]", depth+1)
		if v != nil {
			return nil, v
		}
		array = append(array, value)
	}
	_, _ = decoder.Token() // the closing bracket
	return array, nil
}
