package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The rules that a service has words of its own for.
const (
	ruleRequired = "is required"
	ruleNotEmpty = "must not be empty"
)

// check returns the first rule that value breaks, nil for none. value is what parseJSON returns;
// field is its place.
func (s *schema) check(field string, value any) *violation {
	if value == nil {
		if s.Nullable || s.Type == "" {
			return s.checkForms(field, value)
		}
		return &violation{field, "must not be null"}
	}
	if rule := s.typeRule(value); rule != "" {
		return &violation{field, rule}
	}
	if len(s.Enum) > 0 && !s.lists(value) {
		return &violation{field, "must be one of " + enumText(s.Enum)}
	}
	var v *violation
	switch value := value.(type) {
	case map[string]any:
		v = s.checkObject(field, value)
	case []any:
		v = s.checkArray(field, value)
	case string:
		v = s.checkString(field, value)
	case json.Number:
		v = s.checkNumber(field, value)
	}
	if v != nil {
		return v
	}
	return s.checkForms(field, value)
}

// lists reports whether value is one of the enum's. A number counts by its size, not by its
// spelling: 1.0 is 1.
func (s *schema) lists(value any) bool {
	if number, ok := value.(json.Number); ok {
		f, err := number.Float64()
		return err == nil && slices.ContainsFunc(s.Enum, func(text string) bool {
			one, err := strconv.ParseFloat(text, 64)
			return err == nil && one == f
		})
	}
	encoded, err := json.Marshal(value)
	return err == nil && slices.Contains(s.Enum, string(encoded))
}

// typeRule returns the rule that value's type breaks.
func (s *schema) typeRule(value any) string {
	ok := true
	switch s.Type {
	case "object":
		_, ok = value.(map[string]any)
	case "array":
		_, ok = value.([]any)
	case "string":
		_, ok = value.(string)
	case "boolean":
		_, ok = value.(bool)
	case "number":
		_, ok = value.(json.Number)
	case "integer":
		var n json.Number
		if n, ok = value.(json.Number); ok {
			f, err := n.Float64()
			ok = err == nil && f == math.Trunc(f)
		}
	}
	if ok {
		return ""
	}
	if strings.ContainsAny(s.Type[:1], "aeiou") {
		return "must be an " + s.Type
	}
	return "must be a " + s.Type
}

func (s *schema) checkObject(field string, value map[string]any) *violation {
	for _, name := range s.Required {
		if _, ok := value[name]; !ok {
			return &violation{field + "." + name, ruleRequired}
		}
	}
	if len(value) < s.MinProperties {
		return &violation{field, fmt.Sprintf("must have at least %s", count(s.MinProperties, "field"))}
	}
	for _, name := range s.names {
		if sub, ok := value[name]; ok {
			if v := s.Properties[name].check(field+"."+name, sub); v != nil {
				return v
			}
		}
	}
	if !s.Additional.forbidden && s.Additional.schema == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if s.Properties[name] != nil {
			continue
		}
		if s.Additional.forbidden {
			return &violation{field + "." + name, "is not a field of this request"}
		}
		if v := s.Additional.schema.check(field+"."+name, value[name]); v != nil {
			return v
		}
	}
	return nil
}

func (s *schema) checkArray(field string, value []any) *violation {
	if len(value) < s.MinItems {
		return &violation{field, fmt.Sprintf("must have at least %s", count(s.MinItems, "item"))}
	}
	if s.MaxItems != nil && len(value) > *s.MaxItems {
		return &violation{field, fmt.Sprintf("must have at most %s", count(*s.MaxItems, "item"))}
	}
	if s.Items == nil {
		return nil
	}
	for i, item := range value {
		if v := s.Items.check(field+"["+strconv.Itoa(i)+"]", item); v != nil {
			return v
		}
	}
	return nil
}

func (s *schema) checkString(field, value string) *violation {
	switch n := utf8.RuneCountInString(value); {
	case n < s.MinLength && value == "":
		return &violation{field, ruleNotEmpty}
	case n < s.MinLength:
		return &violation{field, fmt.Sprintf("must have at least %s", count(s.MinLength, "character"))}
	case s.MaxLength != nil && n > *s.MaxLength:
		return &violation{field, fmt.Sprintf("must have at most %s", count(*s.MaxLength, "character"))}
	}
	if s.pattern != nil && !s.pattern.MatchString(value) {
		return &violation{field, "must match " + s.Pattern}
	}
	if s.Format == "date-time" && !isMoment(value) {
		return &violation{field, "must be an RFC 3339 date and time, such as 2026-04-22T14:30:00+00:00"}
	}
	return nil
}

// rfc3339 is the shape of a moment: time.Parse alone is laxer, it takes a comma before the fraction
// and one digit for the hour.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func isMoment(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil && rfc3339.MatchString(text)
}

func (s *schema) checkNumber(field string, value json.Number) *violation {
	f, err := value.Float64()
	switch {
	case err != nil:
		return &violation{field, "must fit a 64-bit floating point number"}
	case s.Minimum != nil && f < *s.Minimum:
		return &violation{field, fmt.Sprintf("must be at least %v", *s.Minimum)}
	case s.Maximum != nil && f > *s.Maximum:
		return &violation{field, fmt.Sprintf("must be at most %v", *s.Maximum)}
	}
	return nil
}

// checkForms holds value against allOf, anyOf and oneOf.
func (s *schema) checkForms(field string, value any) *violation {
	for _, form := range s.AllOf {
		if v := form.check(field, value); v != nil {
			return v
		}
	}
	if len(s.AnyOf) > 0 {
		if fit, broken := fitting(s.AnyOf, field, value); fit == 0 {
			return &violation{field, fmt.Sprintf("must have one of %d forms: %s", len(s.AnyOf), broken)}
		}
	}
	if len(s.OneOf) > 0 {
		switch fit, broken := fitting(s.OneOf, field, value); {
		case fit == 0:
			return &violation{field, fmt.Sprintf("must have one of %d forms: %s", len(s.OneOf), broken)}
		case fit > 1:
			return &violation{field, fmt.Sprintf("must have exactly one of %d forms, and has %d", len(s.OneOf), fit)}
		}
	}
	return nil
}

// fitting counts the forms that value has, and joins what the others lack.
func fitting(forms []*schema, field string, value any) (fit int, broken string) {
	var rules []string
	for _, form := range forms {
		if v := form.check(field, value); v != nil {
			rules = append(rules, v.field+" "+v.rule)
		} else {
			fit++
		}
	}
	return fit, strings.Join(rules, "; or ")
}

// enumText lists an enum's values; Fyno's time zones are too many to list.
func enumText(values []string) string {
	const most = 12
	if len(values) > most {
		return fmt.Sprintf("the %d values of the contract, such as %s", len(values), values[0])
	}
	return strings.Join(values, ", ")
}

// count says "1 item" or "3 items".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
