package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// service is one of the five vendors: its state, its auth and its way to say no.
//
// The emulator matches a request to an operation of the service's contract, asks authorize, holds
// the request against the contract, and only then calls handle. So a handler never checks a shape:
// what reaches it is valid.
type service interface {
	// authorize returns who is calling (PlaySmart: the token's sub), or a refusal in the service's
	// own words. The path's parameters are in r.PathValue; the body is not there.
	authorize(r *http.Request, operation string) (principal string, refusal *reply)
	// invalid is the service's answer to a request that its contract forbids for an operation.
	invalid(operation string, v violation) reply
	// refusal is the service's error body for what the emulator itself decides: no such path (404)
	// or method (405), a body that is too large (413), a fault's status.
	refusal(status int, message string) reply
	// handle carries one operation out. It is called concurrently; each service guards its own
	// state.
	handle(c *call) reply
}

// call is one request that the contract allows and the service has authorized.
type call struct {
	operation string            // the contract's operationId
	path      map[string]string // path parameters, unescaped
	query     url.Values
	header    http.Header
	body      json.RawMessage // nil where the request has none
	principal string          // what authorize returned
}

// violation is the first rule of the contract that a request broke.
type violation struct {
	field string // where: "body.channels.sms", "query.limitation", "path.version"
	rule  string // what it must be: "must be at most 20"
}

func (v violation) String() string { return v.field + " " + v.rule }

// reply is an answer before it is written: body is encoded as JSON, nil sends none.
type reply struct {
	status int
	header http.Header
	body   any
}
