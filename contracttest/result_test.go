package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
)

// unread are the properties that the SDK does not read, with the reason.
var unread = map[string]string{
	"fireEventBulk .event": "it repeats the request; the result has the name that was asked for, one for all parts",
}

// Every documented property of every answer must reach the caller. The test changes each one in an
// otherwise equal answer. If the SDK returns the same result for both, it has lost the property.
func TestResultsLoseNoDocumentedProperty(t *testing.T) {
	cs := loaded(t)
	checked := 0
	for _, route := range cs.operations() {
		id := route.Operation.OperationID
		call := calls[id]
		require.NotNil(t, call, "%s has no row in calls", id)
		for status, schema := range successes(t, route.Operation) {
			t.Run(id+" "+strconv.Itoa(status), func(t *testing.T) {
				base, changes := answers("", schema)
				want, err := received(t, call, status, base)
				require.NoError(t, err, "%v", base)
				for _, change := range changes {
					checked++
					got, err := received(t, call, status, change.value)
					same := err == nil && reflect.DeepEqual(want, got)
					_, known := unread[id+" "+change.what]
					switch {
					case same && !known:
						t.Errorf("%s is lost: the result is the same with another value", change.what)
					case !same && known:
						t.Errorf("%s is read, although it is among the unread", change.what)
					}
				}
			})
		}
	}
	t.Logf("properties of answers checked: %d", checked)
}

// A member that may be null must not make an answer unreadable.
func TestResultsTakeNull(t *testing.T) {
	cs := loaded(t)
	checked := 0
	for _, route := range cs.operations() {
		id := route.Operation.OperationID
		for status, schema := range successes(t, route.Operation) {
			for _, change := range nulls("", schema) {
				checked++
				_, err := received(t, calls[id], status, change.value)
				require.NoError(t, err, "%s: %s", id, change.what)
			}
		}
	}
	require.NotZero(t, checked)
	t.Logf("properties that may be null: %d", checked)
}

// successes are the schemas of an operation's answers that carry a body, by status.
func successes(t *testing.T, operation *openapi3.Operation) map[int]*openapi3.Schema {
	t.Helper()
	all := map[int]*openapi3.Schema{}
	for code, ref := range operation.Responses.Map() {
		status, err := strconv.Atoi(code)
		if err != nil || status >= 300 || ref.Value.Content == nil { // "default" is for failures
			continue
		}
		all[status] = ref.Value.Content.Get("application/json").Schema.Value
	}
	require.NotEmpty(t, all)
	return all
}

// received is the SDK's result for an answer. A partial failure is a result.
func received(t *testing.T, call call, status int, body any) (any, error) {
	t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(t, err)
	client, err := newClient("http://127.0.0.1", playline.FynoLive,
		playline.WithHTTPClient(&http.Client{Transport: canned{status, encoded}}))
	require.NoError(t, err)
	result, err := call(t.Context(), client)
	if _, partial := errors.AsType[*playline.PartialError](err); partial {
		err = nil
	}
	return result, err
}

// canned is a transport that gives every request the same answer.
type canned struct {
	status int
	body   []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	return &http.Response{
		StatusCode: c.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Body: io.NopCloser(bytes.NewReader(c.body)),
		ContentLength: int64(len(c.body)), Header: http.Header{"Content-Type": {"application/json"}},
	}, nil
}

// answers returns an answer that has everything a schema documents, and copies of it in which one
// property has another value.
func answers(place string, s *openapi3.Schema) (base any, changes []mutant) {
	if len(s.AllOf) > 0 {
		return objectAnswers(place, merged(s))
	}
	if len(s.Enum) == 1 {
		return s.Enum[0], nil // the property can only be missing: see objectAnswers
	}
	if len(s.Enum) > 1 {
		return s.Enum[0], []mutant{{place, s.Enum[1]}}
	}
	switch {
	case s.Type.Is("string"):
		return "text", []mutant{{place, "another text"}}
	case s.Type.Is("boolean"):
		return true, []mutant{{place, false}}
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 1, []mutant{{place, 2}}
	case s.Type.Is("array"):
		item, below := answers(place+"[]", s.Items.Value)
		for _, change := range below {
			changes = append(changes, mutant{change.what, []any{change.value}})
		}
		return []any{item}, changes
	case s.Type.Is("object") && (len(s.Properties) > 0 || s.AdditionalProperties.Schema != nil):
		return objectAnswers(place, s)
	case place == "": // an object of which nothing is documented
		return map[string]any{"id": 1}, nil
	}
	return map[string]any{"a": 1}, []mutant{{place, map[string]any{"a": 2}}}
}

// objectAnswers is answers for an object.
func objectAnswers(place string, s *openapi3.Schema) (any, []mutant) {
	object := map[string]any{}
	var changes []mutant
	with := func(name string, value any) map[string]any {
		changed := map[string]any{}
		for other, value := range object {
			changed[other] = value
		}
		if delete(changed, name); value != nil {
			changed[name] = value
		}
		return changed
	}
	below := map[string][]mutant{}
	for name, ref := range s.Properties {
		object[name], below[name] = answers(place+"."+name, ref.Value)
	}
	if ref := s.AdditionalProperties.Schema; ref != nil {
		object["key"], below["key"] = answers(place+".*", ref.Value)
	}
	for name, value := range object {
		if len(below[name]) == 0 && !slices.Contains(s.Required, name) {
			changes = append(changes, mutant{place + "." + name, with(name, nil)})
		}
		for _, change := range below[name] {
			changes = append(changes, mutant{change.what, with(name, change.value)})
		}
		if s.Properties[name] == nil {
			renamed := with(name, nil)
			renamed["another key"] = value
			changes = append(changes, mutant{place + ".* (its key)", renamed})
		}
	}
	return object, changes
}

// merged is an allOf of objects as one object.
func merged(s *openapi3.Schema) *openapi3.Schema {
	all := &openapi3.Schema{Type: &openapi3.Types{"object"}, Properties: openapi3.Schemas{}}
	for _, ref := range s.AllOf {
		for name, property := range ref.Value.Properties {
			all.Properties[name] = property
		}
		all.Required = append(all.Required, ref.Value.Required...)
	}
	return all
}

// nulls are answers in which one property that may be null is.
func nulls(place string, s *openapi3.Schema) []mutant {
	var all []mutant
	if len(s.AllOf) > 0 {
		s = merged(s)
	}
	if s.Nullable {
		all = append(all, mutant{place, nil})
	}
	if s.Items != nil {
		for _, change := range nulls(place+"[]", s.Items.Value) {
			all = append(all, mutant{change.what, []any{change.value}})
		}
	}
	for name, ref := range s.Properties {
		for _, change := range nulls(place+"."+name, ref.Value) {
			base, _ := answers(place, s)
			object := base.(map[string]any)
			object[name] = change.value
			all = append(all, mutant{change.what, object})
		}
	}
	return all
}
