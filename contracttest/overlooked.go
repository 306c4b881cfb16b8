package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// errOverlooked is the cause of a finding that the validator itself does not make.
var errOverlooked = errors.New("overlooked by the validator")

// Parameters as text: the validator reads them as strconv does, which also takes +1, 1 for true,
// and TRUE.
var (
	integerText = regexp.MustCompile(`^-?[0-9]+$`)
	booleanText = regexp.MustCompile(`^(true|false)$`)
)

// overlooked finds faults that the validator misses in a request: query parameters that the
// contract does not have, texts that are not an integer or a boolean, more than one JSON value in a
// body, and credentials that the operation does not require.
func overlooked(in *openapi3filter.RequestValidationInput, body []byte) error {
	stray := func(format string, args ...any) error {
		return &openapi3filter.RequestError{Input: in, Reason: fmt.Sprintf(format, args...), Err: errOverlooked}
	}
	all := parameters(in.Route)
	for name, values := range in.Request.URL.Query() {
		s := querySchema(all, name)
		if s == nil {
			return stray("query parameter %s is not in the contract", name)
		}
		if !spelled(s, values[0]) {
			return stray("query parameter %s is no %s", name, s.Type.Slice()[0])
		}
	}
	for name, value := range in.PathParams {
		if p := all.GetByInAndName(openapi3.ParameterInPath, name); !spelled(p.Schema.Value, value) {
			return stray("path parameter %s is no %s", name, p.Schema.Value.Type.Slice()[0])
		}
	}
	if len(body) > 0 && !json.Valid(body) {
		return stray("the body is not one JSON value")
	}
	if open := in.Route.Operation.Security; open != nil && len(*open) == 0 && in.Request.Header.Get("Authorization") != "" {
		return stray("credentials are sent to an operation that asks for none")
	}
	return nil
}

// querySchema finds the schema of a query parameter, or of a member of one, such as page[after]. It
// returns nil if there is no schema.
func querySchema(all openapi3.Parameters, name string) *openapi3.Schema {
	if p := all.GetByInAndName(openapi3.ParameterInQuery, name); p != nil {
		return p.Schema.Value
	}
	outer, member, found := strings.Cut(name, "[")
	p := all.GetByInAndName(openapi3.ParameterInQuery, outer)
	if !found || p == nil || p.Style != openapi3.SerializationDeepObject {
		return nil
	}
	if ref := p.Schema.Value.Properties[strings.TrimSuffix(member, "]")]; ref != nil {
		return ref.Value
	}
	return nil
}

// spelled reports whether a text is a value of the schema's type as JSON writes it.
func spelled(s *openapi3.Schema, text string) bool {
	switch {
	case s.Type.Is("integer"):
		return integerText.MatchString(text)
	case s.Type.Is("boolean"):
		return booleanText.MatchString(text)
	}
	return true
}
