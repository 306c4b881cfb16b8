package emulator

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Values held against the contracts' schemas.

func TestSchemaCheck(t *testing.T) {
	named := map[string]*schema{"Pair": {Type: "array", MinItems: 2}}
	tests := []struct {
		name, schema, value string
		violation           string
	}{
		{"any", `{}`, `null`, ""},
		{"null", `{"type":"string"}`, `null`, "body must not be null"},
		{"nullable", `{"type":"string","nullable":true}`, `null`, ""},
		{"an object", `{"type":"object"}`, `[]`, "body must be an object"},
		{"an array", `{"type":"array"}`, `{}`, "body must be an array"},
		{"a string", `{"type":"string"}`, `1`, "body must be a string"},
		{"a boolean", `{"type":"boolean"}`, `"true"`, "body must be a boolean"},
		{"a number", `{"type":"number"}`, `"1"`, "body must be a number"},
		{"a number that fits", `{"type":"number"}`, `-1.5e3`, ""},
		{"an integer", `{"type":"integer"}`, `1.5`, "body must be an integer"},
		{"an integer with a point", `{"type":"integer"}`, `1.0`, ""},
		{"a large integer", `{"type":"integer"}`, `9007199254740993`, ""},
		{"an enum", `{"enum":["a","b"]}`, `"c"`, `body must be one of "a", "b"`},
		{"an enum of numbers", `{"type":"integer","enum":[0,1]}`, `1`, ""},
		{"an enum of numbers, another", `{"type":"integer","enum":[0,1]}`, `2`, "body must be one of 0, 1"},
		{"an enum of numbers, with a point", `{"type":"integer","enum":[0,1]}`, `1.0`, ""},
		{"an enum of numbers, a text", `{"enum":[0,1]}`, `"1"`, "body must be one of 0, 1"},
		{"an enum of texts, a number", `{"enum":["0","1"]}`, `1`, `body must be one of "0", "1"`},
		{"a long enum", `{"enum":["a","b","c","d","e","f","g","h","i","j","k","l","m"]}`, `"z"`, `body must be one of the 13 values of the contract, such as "a"`},
		{"a missing field", `{"required":["a","b"]}`, `{"a":1}`, "body.b is required"},
		{"a field below", `{"properties":{"a":{"properties":{"b":{"type":"string"}}}}}`, `{"a":{"b":1}}`, "body.a.b must be a string"},
		{"the first field by name", `{"properties":{"b":{"type":"string"},"a":{"type":"string"}}}`, `{"b":1,"a":1}`, "body.a must be a string"},
		{"more fields are allowed", `{"properties":{"a":{}}}`, `{"x":1}`, ""},
		{"more fields are allowed in so many words", `{"properties":{"a":{}},"additionalProperties":true}`, `{"x":1}`, ""},
		{"more fields are forbidden", `{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"x":1}`, "body.x is not a field of this request"},
		{"more fields of a type", `{"additionalProperties":{"type":"string"}}`, `{"x":1}`, "body.x must be a string"},
		{"too few fields", `{"minProperties":1}`, `{}`, "body must have at least 1 field"},
		{"too few items", `{"minItems":2}`, `[1]`, "body must have at least 2 items"},
		{"too many items", `{"maxItems":1}`, `[1,2]`, "body must have at most 1 item"},
		{"an item", `{"items":{"type":"string"}}`, `["a",1]`, "body[1] must be a string"},
		{"an empty string", `{"minLength":1}`, `""`, "body must not be empty"},
		{"a short string", `{"minLength":3}`, `"ab"`, "body must have at least 3 characters"},
		{"characters, not bytes", `{"maxLength":2}`, `"\u00e9\u00e9"`, ""},
		{"a long string", `{"maxLength":2}`, `"abc"`, "body must have at most 2 characters"},
		{"a pattern", `{"pattern":"^a+$"}`, `"ab"`, "body must match ^a+$"},
		{"a moment", `{"format":"date-time"}`, `"2026-04-22T14:30:00.5+05:30"`, ""},
		{"a moment without an offset", `{"format":"date-time"}`, `"2026-04-22T14:30:00"`, "body must be an RFC 3339 date and time, such as 2026-04-22T14:30:00+00:00"},
		{"a moment with a comma", `{"format":"date-time"}`, `"2026-04-22T14:30:00,5Z"`, "body must be an RFC 3339 date and time, such as 2026-04-22T14:30:00+00:00"},
		{"a day that is not", `{"format":"date-time"}`, `"2026-02-30T14:30:00Z"`, "body must be an RFC 3339 date and time, such as 2026-04-22T14:30:00+00:00"},
		{"too small", `{"minimum":1}`, `0`, "body must be at least 1"},
		{"too large", `{"maximum":1.5}`, `2`, "body must be at most 1.5"},
		{"all of", `{"allOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1}`, "body.b is required"},
		{"any of", `{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{"a":1,"b":1}`, ""},
		{"none of any", `{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`, "body must have one of 2 forms: body.a is required; or body.b is required"},
		{"one of", `{"oneOf":[{"type":"string"},{"type":"array"}]}`, `[]`, ""},
		{"none of one", `{"oneOf":[{"type":"string"},{"type":"array"}]}`, `1`, "body must have one of 2 forms: body must be a string; or body must be an array"},
		{"two of one", `{"oneOf":[{"type":"integer"},{"type":"number"}]}`, `1`, "body must have exactly one of 2 forms, and has 2"},
		{"a reference", `{"properties":{"p":{"$ref":"#/components/schemas/Pair"}}}`, `{"p":[1]}`, "body.p must have at least 2 items"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s schema
			require.NoError(t, json.Unmarshal([]byte(tt.schema), &s))
			require.NoError(t, s.resolve(named))
			value, v := parseJSON([]byte(tt.value))
			require.Nil(t, v)
			v = s.check("body", value)
			if tt.violation == "" {
				assert.Nil(t, v)
				return
			}
			require.NotNil(t, v)
			assert.Equal(t, tt.violation, v.String())
		})
	}
}

func TestParseJSON(t *testing.T) {
	tests := []struct {
		name, data string
		violation  string
	}{
		{"an object", `{"a":[1,"b",true,null,{"a":1}]}`, ""},
		{"a precise number", `12345678901234567890.123`, ""},
		{"the same name in two objects", `[{"a":1},{"a":1}]`, ""},
		{"nothing", ` `, "body must be one JSON value"},
		{"a trailing comma", `[1,]`, "body must be one JSON value"},
		{"trailing data", `{} {}`, "body must be one JSON value"},
		{"cut off", `{"a":`, "body must be one JSON value"},
		{"invalid UTF-8", "\"\xff\"", "body must be valid UTF-8"},
		{"a name twice", `{"a":{"b":1,"b":2}}`, "body.a.b must be once in its object"},
		{"a name twice, escaped", `{"a":1,"\u0061":2}`, "body.a must be once in its object"},
		{"a number beyond float64", `[1e400]`, "body[] must fit a 64-bit floating point number"},
		{"deep enough", strings.Repeat("[", 512) + strings.Repeat("]", 512), ""},
		{"too deep", strings.Repeat("[", 514) + strings.Repeat("]", 514), "body must not nest deeper than 512 levels"},
		{"far too deep", strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000), "body must be one JSON value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, v := parseJSON([]byte(tt.data))
			if tt.violation == "" {
				assert.Nil(t, v)
				return
			}
			require.NotNil(t, v)
			assert.Equal(t, tt.violation, v.String())
		})
	}
}
