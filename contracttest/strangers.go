package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/batcher"
)

// Answers that are not a service's own, for every operation: each required member of its success
// taken away, what a proxy or a mock answers under each success status, and pages under each
// refusal status. Whatever the SDK takes for a success, or for a refusal, is believed.

// strangers count them.
type strangers struct {
	asked    int
	believed []string
}

// lenient are the operations whose answer no vendor documents, or documents as {}. Their successes
// do not count: any object is one.
var lenient = map[string]bool{
	"deleteContact": true, "deletePlayer": true, "getContactChat": true, "getContactInfo": true,
	"getPlayer": true, "getPreferences": true, "removeClient": true, "updatePreference": true,
	"updatePreferences": true,
}

// oddItems are the places in which an odd item costs nothing beside it, so what the items lack does
// not count.
var oddItems = map[string]string{
	"listContacts": "collection[]", "searchContacts": "collection[]", "listContactGates": "collection[]",
	"getProfile": "channel.",
}

// bodies are answers of strangers in place of any service.
var bodies = []string{"", "null", "{}", "[]", `"ok"`, `{"error":{"code":"X"}}`, "<html>welcome</html>"}

// The statuses under which they do.
var (
	successStatuses = []int{200, 201, 202, 203, 206}
	refusalStatuses = []int{400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451}
)

// stranger answers in the place of all services.
type stranger struct {
	status int
	body   string
}

// RoundTrip implements http.RoundTripper.
func (s *stranger) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}, nil
}

// meetStrangers makes one call of each operation for each answer. samples has a success of each.
func meetStrangers(ctx context.Context, cs contracts, samples map[string]answer) (all strangers, err error) {
	next := &stranger{}
	client, err := newClient("http://127.0.0.1", playline.FynoLive,
		playline.WithHTTPClient(&http.Client{Transport: next}),
		playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		return all, err
	}
	sender, err := client.BatchSender()
	if err != nil {
		return all, err
	}
	batch := batcher.NewBatch("ace", gameID, batcher.Token{Value: "token"}, json.RawMessage(`{"type":"AppOpen"}`))
	for _, route := range cs.operations() {
		id := route.Operation.OperationID
		do := calls[id]
		sample, known := samples[id]
		if do == nil || !known {
			return all, fmt.Errorf("strangers: no call or no success of %s", id)
		}
		meet := func(what string, status int, body string) {
			*next = stranger{status, body}
			all.asked++
			if _, err := do(ctx, client); !disbelieved(err) {
				all.believed = append(all.believed, fmt.Sprintf("%s: %d %s: %v", id, status, what, err))
			}
			if id != "ingestEvents" {
				return
			}
			all.asked++
			if _, err := sender.Send(ctx, batch); !disbelieved(err) || !inDoubt(err, status) {
				all.believed = append(all.believed, fmt.Sprintf("the batcher: %d %s: %v", status, what, err))
			}
		}
		if !lenient[id] {
			for _, status := range successStatuses {
				for _, body := range bodies {
					if id == "listSuppressions" && body == "[]" {
						continue // the list of a workspace without any
					}
					meet(body, status, body)
				}
			}
			for place, body := range without(route.Operation, sample.body) {
				if odd := oddItems[id]; odd == "" || !strings.HasPrefix(place, odd) {
					meet("without "+place, sample.status, string(body))
				}
			}
		}
		for _, status := range refusalStatuses {
			for _, body := range []string{"", "{}", "<html>sorry</html>"} {
				meet(body, status, body)
			}
		}
	}
	return all, nil
}

// disbelieved reports whether the caller learns that nothing is known: it is neither a success, nor
// a refusal, nor "gone". A gateway's 401 may also match ErrUnauthorized.
func disbelieved(err error) bool {
	if _, partial := errors.AsType[*playline.PartialError](err); partial {
		return false
	}
	return errors.Is(err, playline.ErrUnavailable) && !slices.ContainsFunc(
		[]error{playline.ErrNotFound, playline.ErrInvalid, playline.ErrForbidden, playline.ErrConflict},
		func(refused error) bool { return errors.Is(err, refused) })
}

// inDoubt reports whether the batcher learns the same as the caller of Ingest.Send: a success may
// have been one, and nobody refused anything.
func inDoubt(err error, status int) bool {
	failure, ok := errors.AsType[*batcher.SendError](err)
	return ok && failure.Stranger && (status >= 300 || failure.Failure == batcher.InDoubt)
}

// without returns a success with each of its required members taken away in turn, by their place.
func without(operation *openapi3.Operation, sample []byte) map[string][]byte {
	all := map[string][]byte{}
	decoder := json.NewDecoder(bytes.NewReader(sample))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return all
	}
	for status, ref := range operation.Responses.Map() {
		content := ref.Value.Content.Get("application/json")
		if code, err := strconv.Atoi(status); err != nil || code >= 300 || content == nil {
			continue
		}
		take([]*openapi3.Schema{content.Schema.Value}, "", value, func(place string) {
			if body, err := json.Marshal(value); err == nil {
				all[place] = body
			}
		})
	}
	return all
}

// take takes each required member of a value away, calls taken, and puts it back.
func take(schemas []*openapi3.Schema, place string, value any, taken func(place string)) {
	schemas = alternativesOf(schemas)
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at, kept := strings.TrimPrefix(place+"."+name, "."), value[name]
			if slices.ContainsFunc(schemas, func(s *openapi3.Schema) bool { return slices.Contains(s.Required, name) }) {
				delete(value, name)
				taken(at)
				value[name] = kept
			}
			var below []*openapi3.Schema
			for _, s := range schemas {
				if property := s.Properties[name]; property != nil {
					below = append(below, property.Value)
				}
			}
			take(below, at, kept, taken)
		}
	case []any:
		if len(value) == 0 {
			return
		}
		var below []*openapi3.Schema
		for _, s := range schemas {
			if s.Items != nil {
				below = append(below, s.Items.Value)
			}
		}
		take(below, place+"[]", value[0], taken)
	}
}

// alternativesOf are schemas with all that they are made of.
func alternativesOf(schemas []*openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	for _, s := range schemas {
		all = append(all, s)
		for _, ref := range s.AllOf {
			all = append(all, alternativesOf([]*openapi3.Schema{ref.Value})...)
		}
	}
	return all
}
