package playline

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/playline/playline-go/internal/wire"
)

// maxDepth is how deep a free-form value may nest. A map that holds itself would never end.
const maxDepth = 100

// checkJSON finds what encoding/json would refuse or change without a word: NaN, infinities, channels, functions, and text
// that is not UTF-8, at any depth. It names the place.
func checkJSON(field string, v any) error { return checkValue(field, v, 0) }

// checkObject is checkJSON for the free-form objects of a request; nil is none.
func checkObject(field string, v map[string]any) error {
	if v == nil {
		return nil
	}
	return checkValue(field, v, 0)
}

func checkValue(field string, v any, depth int) error {
	if depth > maxDepth {
		return &ValidationError{field, fmt.Sprintf("must not nest deeper than %d levels", maxDepth)}
	}
	switch v := v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return nil
	case string:
		return firstOf(check{field, optionalText(v)})
	case json.Number: // encoding/json sends an empty one as 0
		return firstOf(check{field, ruleIf(!isJSONNumber(v), "must be a number as JSON writes it")})
	case []json.Number:
		for i, n := range v {
			if err := checkValue(fmt.Sprintf("%s[%d]", field, i), n, depth); err != nil {
				return err
			}
		}
		return nil
	case map[string]json.Number:
		for key, n := range v {
			if err := checkValue(field+"."+key, n, depth); err != nil {
				return err
			}
		}
		return nil
	case float64:
		return firstOf(check{field, numberRule(v)})
	case float32:
		return firstOf(check{field, numberRule(float64(v))})
	case time.Time:
		return firstOf(check{field, ruleIf(v.Year() < 0 || v.Year() > 9999, "must be a time in the years 0 to 9999")})
	case map[string]any:
		for key, value := range v {
			if !utf8.ValidString(key) {
				return &ValidationError{field, "must have keys of valid UTF-8"}
			}
			if err := checkValue(field+"."+key, value, depth+1); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, value := range v {
			if err := checkValue(fmt.Sprintf("%s[%d]", field, i), value, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return checkByEncoding(field, v)
}

// isJSONNumber reports whether a number is written as JSON writes one: json.Number can hold any text.
func isJSONNumber(n json.Number) bool {
	return n != "" && (n[0] == '-' || '0' <= n[0] && n[0] <= '9') && json.Valid([]byte(n)) && n[len(n)-1] > ' '
}

// checkByEncoding covers the types that have no case above: they are encoded once to see.
func checkByEncoding(field string, v any) error {
	encoded, err := json.Marshal(v)
	if err != nil {
		return &ValidationError{field, "cannot be encoded as JSON: " + err.Error()}
	}
	if wire.ReplacedBytes(encoded) {
		return &ValidationError{field, "must be valid UTF-8"}
	}
	return nil
}

func numberRule(f float64) string {
	return ruleIf(math.IsNaN(f) || math.IsInf(f, 0), "must be a finite number: NaN and infinities have no JSON")
}
