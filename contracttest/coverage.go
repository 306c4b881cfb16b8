package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// kind is a kind of countable item.
type kind string

const (
	operations kind = "operations covered"
	fields     kind = "request fields sent"      // parameters, and properties of bodies
	forms      kind = "request forms sent"       // the alternatives of oneOf and anyOf
	enumValues kind = "request enum values sent" // each value of each enumeration
)

// unsendable are the entries that the SDK never sends, with the reason.
var unsendable = map[string]string{
	"fireEvent body.callback.allowlist_url<string>":             "the SDK sends a list, also of one URL",
	"fireEventBulk body.batch[].callback.allowlist_url<string>": "the SDK sends a list, also of one URL",
}

// coverage is all that can be sent, by kind and name, and whether it was.
type coverage map[kind]map[string]bool

// newCoverage lists the items of the contracts.
func newCoverage(cs contracts) coverage {
	c := coverage{operations: {}, fields: {}, forms: {}, enumValues: {}}
	for _, route := range cs.operations() {
		c.note(operations, route.Operation.OperationID, false)
		c.walk(route, nil, nil)
	}
	return c
}

// note adds an entry, or marks it as sent. An unsendable one is only there once it was sent.
func (c coverage) note(k kind, name string, sent bool) {
	if _, never := unsendable[name]; never && !sent {
		return
	}
	c[k][name] = c[k][name] || sent
}

// sent marks the items of a request, and reports whether any of its fields or forms is new.
func (c coverage) sent(in *openapi3filter.RequestValidationInput, body []byte) (fresh bool) {
	before := c.count(operations) + c.count(fields) + c.count(forms)
	c.note(operations, in.Route.Operation.OperationID, true)
	c.walk(in.Route, in, body)
	return c.count(operations)+c.count(fields)+c.count(forms) > before
}

// walk visits all parameters and the body of an operation, with their values in a request, if any.
func (c coverage) walk(route *routers.Route, in *openapi3filter.RequestValidationInput, body []byte) {
	id := route.Operation.OperationID
	for _, ref := range parameters(route) {
		p := ref.Value
		name := id + " " + p.In + "." + p.Name
		values := parameterValues(p, in)
		c.note(fields, name, len(values) > 0)
		c.schema(name, p.Schema.Value, values)
	}
	if route.Operation.RequestBody == nil {
		return
	}
	var values []any
	if len(body) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		var value any
		if decoder.Decode(&value) == nil {
			values = []any{value}
		}
	}
	c.schema(id+" body", route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value, values)
}

// parameterValues returns the value of a parameter in a request, if any.
func parameterValues(p *openapi3.Parameter, in *openapi3filter.RequestValidationInput) []any {
	if in == nil {
		return nil
	}
	query := in.Request.URL.Query()
	if p.Style == openapi3.SerializationDeepObject {
		members := map[string]any{}
		for name := range p.Schema.Value.Properties {
			if key := p.Name + "[" + name + "]"; query.Has(key) {
				members[name] = query.Get(key)
			}
		}
		if len(members) == 0 {
			return nil
		}
		return []any{members}
	}
	switch p.In {
	case openapi3.ParameterInPath:
		return []any{in.PathParams[p.Name]}
	case openapi3.ParameterInQuery:
		if query.Has(p.Name) {
			return []any{query.Get(p.Name)}
		}
	case openapi3.ParameterInHeader:
		if values := in.Request.Header[http.CanonicalHeaderKey(p.Name)]; len(values) > 0 {
			return []any{values[0]}
		}
	}
	return nil
}

// schema records everything below a place; values are the values of a request there, if any.
func (c coverage) schema(place string, s *openapi3.Schema, values []any) {
	for _, want := range s.Enum {
		sent := slices.ContainsFunc(values, func(v any) bool { return fmt.Sprint(v) == fmt.Sprint(want) })
		c.note(enumValues, fmt.Sprintf("%s=%v", place, want), sent)
	}
	for name, ref := range s.Properties {
		var below []any
		for _, value := range values {
			if object, ok := value.(map[string]any); ok && object[name] != nil {
				below = append(below, object[name])
			}
		}
		c.note(fields, place+"."+name, len(below) > 0)
		c.schema(place+"."+name, ref.Value, below)
	}
	if ref := s.AdditionalProperties.Schema; ref != nil {
		var below []any
		for _, value := range values {
			object, _ := value.(map[string]any)
			for name, member := range object {
				if s.Properties[name] == nil {
					below = append(below, member)
				}
			}
		}
		c.note(fields, place+".*", len(below) > 0)
		c.schema(place+".*", ref.Value, below)
	}
	if s.Items != nil {
		var below []any
		for _, value := range values {
			if list, ok := value.([]any); ok {
				below = append(below, list...)
			}
		}
		c.schema(place+"[]", s.Items.Value, below)
	}
	for _, ref := range slices.Concat(s.OneOf, s.AnyOf) {
		if ref.Value.Type == nil { // only says which properties are required
			continue
		}
		var fitting []any
		for _, value := range values {
			if ref.Value.VisitJSON(value) == nil {
				fitting = append(fitting, value)
			}
		}
		name := place + "<" + formName(ref) + ">"
		c.note(forms, name, len(fitting) > 0)
		c.schema(name, ref.Value, fitting)
	}
}

// formName names an alternative by its schema, by the one value of its type property, by its
// fields, or by its type.
func formName(ref *openapi3.SchemaRef) string {
	if ref.Ref != "" {
		return ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]
	}
	if kind := ref.Value.Properties["type"]; kind != nil && len(kind.Value.Enum) == 1 {
		return fmt.Sprint(kind.Value.Enum[0])
	}
	if names := slices.Sorted(maps.Keys(ref.Value.Properties)); len(names) > 0 {
		return strings.Join(names, ",")
	}
	return strings.Join(ref.Value.Type.Slice(), ",")
}

// count is how many entries of a kind were sent.
func (c coverage) count(k kind) (sent int) {
	for _, was := range c[k] {
		if was {
			sent++
		}
	}
	return sent
}

// missing are the entries of a kind that were not sent.
func (c coverage) missing(k kind) []string {
	var names []string
	for name, was := range c[k] {
		if !was {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
