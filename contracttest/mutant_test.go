package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// mutant is a value with one thing changed.
type mutant struct {
	what  string // where and how, such as channels.sms: number
	value any
}

// mutants returns a JSON value with one thing changed, in every way that its schemas suggest.
// Whether a change is allowed is not known here: some are.
func mutants(place string, schemas []*openapi3.Schema, value any) []mutant {
	var all []mutant
	add := func(how string, value any) { all = append(all, mutant{place + ": " + how, value}) }
	for how, other := range map[string]any{
		"null": nil, "text": "text", "empty text": "", "integer": json.Number("7"), "fraction": json.Number("1.5"), "boolean": true,
		"list": []any{}, "list of one": []any{"text"}, "object": map[string]any{},
	} {
		add(how, other)
	}
	schemas = alternatives(schemas)
	for _, s := range schemas {
		for _, m := range bounds(s, value) {
			add(m.what, m.value)
		}
	}
	switch value := value.(type) {
	case map[string]any:
		all = append(all, memberMutants(place, schemas, value)...)
	case []any:
		all = append(all, itemMutants(place, schemas, value)...)
	}
	return all
}

// memberMutants drops, adds and changes the members of an object.
func memberMutants(place string, schemas []*openapi3.Schema, object map[string]any) []mutant {
	more := maps.Clone(object)
	more["unknownField"] = "text"
	all := []mutant{{place + ": unknown field", more}}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := place + "." + name
		less := maps.Clone(object)
		delete(less, name)
		all = append(all, mutant{at + ": dropped", less})
		below := memberSchemas(schemas, name)
		if len(below) == 0 {
			continue // anything is allowed here
		}
		for _, m := range mutants(at, below, object[name]) {
			changed := maps.Clone(object)
			changed[name] = m.value
			all = append(all, mutant{m.what, changed})
		}
	}
	return all
}

// itemMutants changes the first and the last item of a list.
func itemMutants(place string, schemas []*openapi3.Schema, list []any) []mutant {
	var below []*openapi3.Schema
	for _, s := range schemas {
		if s.Items != nil {
			below = append(below, s.Items.Value)
		}
	}
	if len(list) == 0 || len(below) == 0 {
		return nil
	}
	var all []mutant
	for _, i := range slices.Compact([]int{0, len(list) - 1}) {
		for _, m := range mutants(place+"["+strconv.Itoa(i)+"]", below, list[i]) {
			changed := slices.Clone(list)
			changed[i] = m.value
			all = append(all, mutant{m.what, changed})
		}
	}
	return all
}

// memberSchemas are the schemas that say something about a member.
func memberSchemas(schemas []*openapi3.Schema, name string) []*openapi3.Schema {
	var below []*openapi3.Schema
	for _, s := range schemas {
		switch {
		case s.Properties[name] != nil:
			below = append(below, s.Properties[name].Value)
		case s.AdditionalProperties.Schema != nil:
			below = append(below, s.AdditionalProperties.Schema.Value)
		}
	}
	return below
}

// alternatives are schemas with all that they are made of.
func alternatives(schemas []*openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	for _, s := range schemas {
		all = append(all, s)
		for _, ref := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
			all = append(all, alternatives([]*openapi3.Schema{ref.Value})...)
		}
	}
	return all
}

// bounds are values at and just beyond the limits of a schema.
func bounds(s *openapi3.Schema, value any) []mutant {
	var all []mutant
	add := func(how string, value any) { all = append(all, mutant{how, value}) }
	text, isText := value.(string)
	if len(s.Enum) > 0 {
		add("no value of the enum", fmt.Sprint(value)+"x")
		add("enum in capitals", strings.ToUpper(fmt.Sprint(value)))
		add("enum as a number", json.Number("2"))
		add("last of the enum", s.Enum[len(s.Enum)-1])
		if number, ok := value.(json.Number); ok {
			add("enum with a fraction of zero", number+".0")
		}
	}
	if s.MaxLength != nil {
		most := int(*s.MaxLength)
		add("longest text", strings.Repeat("x", most))
		add("too long a text", strings.Repeat("x", most+1))
		add("longest text of two-byte characters", strings.Repeat("é", most))
		add("too long a text of four-byte characters", strings.Repeat("🎲", most+1))
	}
	if s.MinLength > 0 {
		add("shortest text", strings.Repeat("x", int(s.MinLength)))
		add("too short a text", strings.Repeat("x", int(s.MinLength)-1))
	}
	if s.Pattern != "" && isText {
		for _, other := range []string{text + "x", "x" + text, text + "\n", " " + text, "23:59", "24:00", "23:60", "9:00", "００:00"} {
			add("pattern "+strconv.Quote(other), other)
		}
	}
	if s.Format == "date-time" {
		for _, other := range moments {
			add("moment "+other, other)
		}
	}
	if s.Min != nil {
		add("minimum", number(*s.Min))
		add("below the minimum", number(*s.Min-1))
	}
	if s.Max != nil {
		add("maximum", number(*s.Max))
		add("above the maximum", number(*s.Max+1))
	}
	if s.Type.Is("number") || s.Type.Is("integer") {
		for _, other := range []json.Number{"0", "-3", "7.0", "0.7e1", "1e-3", "9007199254740993", "1e300"} {
			add("number "+string(other), other)
		}
	}
	if list, ok := value.([]any); ok && len(list) > 0 {
		if s.MinItems > 0 {
			add("too few items", list[:s.MinItems-1])
		}
		if s.MaxItems != nil {
			add("most items", repeat(list[0], int(*s.MaxItems)))
			add("too many items", repeat(list[0], int(*s.MaxItems)+1))
		}
	}
	return all
}

// moments are texts that are, or are nearly, a date and time of RFC 3339. Days such as February 30
// are not among them: the validator takes them, the emulator rightly does not.
var moments = []string{
	"2026-04-22T14:30:00+00:00", "2026-04-22T14:30:00.123456789-11:30", "2026-04-22T14:30:00Z", "2026-04-22T14:30:00",
	"2026-04-22 14:30:00+00:00", "2026-04-22", "14:30:00Z", "2026-4-22T14:30:00Z", "2026-13-22T14:30:00Z", "2026-04-22T24:30:00Z",
	"2026-04-22T14:60:00Z", "2026-04-22T14:30:00+0000", "2026-04-22T14:30:00,5Z", "2026-04-22T14:30:00.Z", "2026-04-22t14:30:00z",
	"1776868200", "2026-04-22T14:30Z", " 2026-04-22T14:30:00Z", "2026-04-22T14:30:00Z\n",
}

func number(f float64) json.Number { return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) }

func repeat(item any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = item
	}
	return list
}
