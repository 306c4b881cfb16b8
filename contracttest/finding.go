package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// finding is one request or answer that its contract forbids.
type finding struct {
	operation string // "" where no operation fits
	side      string // request or response
	place     string // such as body/events/0/type, query.page, status; "" for the message as a whole
	rule      string // what it breaks: a keyword of JSON schema, or path, method, security, content type, status, json, overlooked
	err       error
}

func (f finding) String() string {
	reason, _, _ := strings.Cut(f.err.Error(), "\n") // behind it are the whole schema and the whole value
	return fmt.Sprintf("%s: %s: %s breaks %s: %s", f.operation, f.side, f.place, f.rule, reason)
}

// newFinding takes the validator's error apart.
func newFinding(operation, side string, err error) finding {
	f := finding{operation: operation, side: side, err: err}
	request, isRequest := errors.AsType[*openapi3filter.RequestError](err)
	if isRequest && request.Parameter != nil {
		f.place = request.Parameter.In + "." + request.Parameter.Name
	} else if isRequest && request.RequestBody != nil || side == "response" {
		f.place = "body"
	}
	text := err.Error()
	switch {
	case errors.Is(err, routers.ErrPathNotFound):
		f.rule = "path"
	case errors.Is(err, routers.ErrMethodNotAllowed):
		f.rule = "method"
	case isSecurity(err):
		f.rule = "security"
	case errors.Is(err, errOverlooked), text == "request body not allowed for this request":
		f.rule = "overlooked"
	case strings.Contains(text, "Content-Type has unexpected value"):
		f.place, f.rule = "header.Content-Type", "content type"
	case text == "status is not supported":
		f.place, f.rule = "status", "status"
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		f.rule = "required"
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		f.rule = "empty"
	default:
		f.fromSchema(err)
	}
	return f
}

// fromSchema reads the place and the rule of a schema's error, or says that the value could not
// even be read.
func (f *finding) fromSchema(err error) {
	if broken, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		f.place = strings.Join(append([]string{f.place}, broken.JSONPointer()...), "/")
		f.rule = broken.SchemaField
		if f.rule == "properties" { // its word for a field that additionalProperties forbids
			f.rule = "additionalProperties"
		}
		return
	}
	if _, ok := errors.AsType[*openapi3filter.ParseError](err); ok {
		f.rule = "json"
		if strings.Contains(f.place, ".") { // a parameter is a text that is no number, or no boolean
			f.rule = "type"
		}
	}
}

func isSecurity(err error) bool {
	_, ok := errors.AsType[*openapi3filter.SecurityRequirementsError](err)
	return ok
}
