package playline

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/playline/playline-go/internal/shape"
	"github.com/playline/playline-go/internal/transport"
)

// The decoders of this file read how each of the five services says no. They see successes too, of which they take for a refusal only
// what has the shape of the service's errors (word.go), or says no in the words of a success.

// saysNo is a cheap look that spares a success a second parse.
func saysNo(status int, body []byte, sign string) bool {
	return status >= 300 || bytes.Contains(body, []byte(sign))
}

// smoovenRefusal reads {"success":false,"error":{"code","message"}}. An import whose items failed is not a refusal: its
// errors list says more.
func smoovenRefusal(status int, body []byte) *transport.Refusal {
	if !saysNo(status, body, "false") {
		return nil
	}
	var in struct {
		Success  *bool             `json:"success"`
		Imported float64           `json:"imported"`
		Error    codeMessage       `json:"error"`
		Errors   []json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(body, &in) // a gateway's page leaves it empty
	if status < 300 && (in.Success == nil || *in.Success || len(in.Errors) > 0 || in.Imported > 0) {
		return nil
	}
	return bare(status, body, smoovenError, in.Error.refusal(status))
}

// bare marks the refusal of a success that does not have the shape of an error: it says no, and not why. It counts as a 503.
func bare(status int, body []byte, errorWord *shape.Shape, r *transport.Refusal) *transport.Refusal {
	if status < 300 && errorWord.Lacks(body) != "" {
		r.Status, r.Bare = http.StatusServiceUnavailable, true
	}
	return r
}

// fynoRefusal reads {"status":"error","_message"}. The status is 400 for everything but bad credentials, and only the message
// tells causes apart; its wording is not promised, so it is matched loosely.
func fynoRefusal(status int, body []byte) *transport.Refusal {
	if !saysNo(status, body, `"error"`) {
		return nil
	}
	var in struct {
		Message looseString `json:"_message"`
	}
	_ = json.Unmarshal(body, &in)
	if status < 300 && fynoError.Lacks(body) != "" {
		return nil
	}
	r := &transport.Refusal{Status: refusedStatus(status), Message: string(in.Message)}
	if r.Status != http.StatusBadRequest {
		return r
	}
	switch text := strings.ToLower(r.Message); {
	case strings.Contains(text, "does not exist"), strings.Contains(text, "doesn't exist"), strings.Contains(text, "non existing"),
		strings.Contains(text, "non-existing"), strings.Contains(text, "not found"):
		r.Status = http.StatusNotFound
	case strings.Contains(text, "already exists"):
		r.Status = http.StatusConflict
	}
	return r
}

// smartSenderRefusal reads {"error":{"code","message","description"}}, a failure on any status, and {"state":false}. The code
// is an HTTP status.
func smartSenderRefusal(status int, body []byte) *transport.Refusal {
	if !saysNo(status, body, `"error"`) && !saysNo(status, body, `"state"`) {
		return nil
	}
	var in struct {
		ID    json.RawMessage `json:"id"`
		State json.RawMessage `json:"state"` // a word in a contact
		Error *struct {
			codeMessage
			Description json.RawMessage `json:"description"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &in)
	switch {
	// A contact may have a variable of the name error.
	case in.Error != nil && (status >= 300 || smartSenderError.Lacks(body) == ""):
		r := in.Error.refusal(status)
		r.Details = in.Error.Description
		if code, err := strconv.Atoi(r.Code); err == nil && code >= 400 && code <= 599 {
			r.Status = code
		}
		return r
	// And one of the name state: an answer that names a contact is no answer to a change.
	case string(in.State) == "false" && (status >= 300 || in.ID == nil):
		return &transport.Refusal{Status: refusedStatus(status), Message: "the service answered state: false"}
	case status >= 300:
		return &transport.Refusal{Status: refusedStatus(status)}
	}
	return nil
}

// sunshineRefusal reads {"errors":[{"code","title"}]}; several are there with 400 only.
func sunshineRefusal(status int, body []byte) *transport.Refusal {
	if status < 300 {
		return nil
	}
	var in struct {
		Errors []struct {
			Code  looseString `json:"code"`
			Title looseString `json:"title"`
		} `json:"errors"`
	}
	r := &transport.Refusal{Status: status}
	if json.Unmarshal(body, &in) != nil || len(in.Errors) == 0 {
		return r
	}
	r.Code, r.Message = string(in.Errors[0].Code), string(in.Errors[0].Title)
	for _, e := range in.Errors[1:] {
		r.Message += "; " + string(e.Title)
	}
	return r
}

// playSmartRefusal reads {"error":{"code","message","details"}} and {"success":false}.
func playSmartRefusal(status int, body []byte) *transport.Refusal {
	if !saysNo(status, body, "false") {
		return nil
	}
	var in struct {
		Success *bool       `json:"success"`
		Message looseString `json:"message"`
		Error   struct {
			codeMessage
			Details json.RawMessage `json:"details"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &in)
	if status < 300 && (in.Success == nil || *in.Success) {
		return nil
	}
	r := in.Error.refusal(status)
	r.Details = in.Error.Details
	if r.Message == "" {
		r.Message = string(in.Message)
	}
	return bare(status, body, playSmartError, r)
}

// codeMessage is the heart of three of the five error bodies.
type codeMessage struct {
	Code    looseString `json:"code"`
	Message looseString `json:"message"`
}

func (e codeMessage) refusal(status int) *transport.Refusal {
	return &transport.Refusal{Status: refusedStatus(status), Code: string(e.Code), Message: string(e.Message)}
}

// refusedStatus is the status that a refusal means: a success that says no counts as a 422.
func refusedStatus(status int) int {
	if status < 300 {
		return http.StatusUnprocessableEntity
	}
	return status
}

// looseString takes a JSON string, number or anything else as text: a body of an unexpected shape must not cost the rest.
type looseString string

// UnmarshalJSON never fails.
func (s *looseString) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil && string(b) != "null" {
		text = string(b)
	}
	*s = looseString(text)
	return nil
}
