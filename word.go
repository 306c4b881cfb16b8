package playline

import (
	"bytes"
	"net/http"

	"github.com/playline/playline-go/internal/shape"
)

// Whether an answer is the service's word. A proxy, a captive portal, a maintenance page, a mock
// and a gateway answer too, with any status, and nothing that they say is about the request. So an
// answer counts only if it has the shape that the contract gives for its operation: as a success
// these of the operations (ops.go names one for each), as a refusal the body of the service's
// errors (dialects.go). Everything else is a stranger's: internal/retry says by the operation's
// class what follows.
//
// Shapes name required members only, so that a service may add to its answers. A test holds them to
// the contracts.

// anObjectWord is the leniency where a vendor documents no shape, or {}: deletions, preferences, a
// player, a contact's info and chat. Any object counts, and with mayBeEmpty no body at all.
var anObjectWord = shape.Object()

// Smooven.
var (
	registeredWord = shape.Object(
		shape.Has("success", shape.Bool),
		shape.Has("player_id", shape.Text),
		shape.Has("external_id", shape.Text),
		shape.Has("channels_registered", shape.ListOf(shape.Text)),
		shape.Has("created", shape.Bool),
	)
	importedWord = shape.Object(shape.Has("success", shape.Bool), shape.Has("imported", shape.Number), shape.Has("errors", shape.ListOf(nil)))
	smoovenError = shape.Object(shape.May("success", shape.No), shape.Has("error", shape.Object(shape.Has("code", shape.Text))))
)

// Fyno.
var (
	statusOKWord           = shape.Object(shape.Has("_message", shape.Text), shape.Has("status", shape.Word("ok")))
	propertiesAcceptedWord = shape.Object(shape.Has("request_id", shape.Text))
	propertyBatchWord      = shape.Object(shape.Has("request_id", shape.Text), shape.Has("batch", shape.ListOf(shape.Object())))
	suppressionsWord       = shape.ListOf(shape.Object())
	// A profile is read leniently, so of most members it counts only that they are there.
	profileWord = shape.Object(
		shape.Has("distinct_id", shape.Text), shape.Has("profile_id", shape.Text), shape.Has("version", shape.Any),
		shape.Has("status", shape.Any), shape.Has("country_code", shape.Any), shape.Has("timezone", shape.Any),
		shape.Has("timezone_offset", shape.Any), shape.Has("created_at", shape.Any), shape.Has("updated_at", shape.Any),
		shape.Has("id_list", shape.Any), shape.Has("channel", shape.Object()), shape.Has("channel_raw", shape.Any),
		shape.Has("properties", shape.Any),
	)
	eventAcceptedWord = shape.Object(
		shape.Has("event", shape.Text),
		shape.Has("received_time", shape.Any), // a text, or milliseconds
		shape.Has("request_id", shape.Text),
		shape.Has("response", messageStatuses),
	)
	bulkAcceptedWord = shape.Object(shape.Has("response", shape.ListOf(messageStatuses)))
	messageStatuses  = shape.Object(
		shape.May("discord", messageStatus), shape.May("email", messageStatus), shape.May("inapp", messageStatus),
		shape.May("push", messageStatus), shape.May("slack", messageStatus), shape.May("sms", messageStatus),
		shape.May("teams", messageStatus), shape.May("voice", messageStatus), shape.May("whatsapp", messageStatus),
	)
	messageStatus = shape.Object(shape.Has("destination", shape.Text), shape.Has("msg_id", shape.Text), shape.Has("status", shape.Text))
	fynoError     = shape.Object(shape.Has("_message", shape.Text), shape.Has("status", shape.Word("error")))
)

// SmartSender, which documents no types. An odd item of a list costs nothing beside it, so what the
// items are does not count.
var (
	cursor           = shape.Object(shape.Has("page", shape.Any), shape.Has("pages", shape.Any))
	contactWord      = shape.Object(shape.Has("id", shape.Any))
	gateWord         = shape.Object(shape.Has("id", shape.Any))
	contactPageWord  = shape.Object(shape.Has("cursor", cursor), shape.Has("collection", shape.ListOf(nil)))
	gatePageWord     = shape.Object(shape.Has("cursor", cursor), shape.Has("collection", shape.ListOf(nil)))
	stateWord        = shape.Object(shape.Has("state", shape.Bool))
	smartSenderError = shape.Object(shape.Has("error", shape.Object(shape.Has("code", shape.Number), shape.Has("message", shape.Text))))
)

// Sunshine.
var (
	sunshineClient    = shape.Object(shape.Has("id", shape.Text))
	createdClientWord = shape.Object(shape.Has("client", sunshineClient))
	clientPageWord    = shape.Object(
		shape.Has("clients", shape.ListOf(sunshineClient)),
		shape.Has("meta", shape.Object(shape.Has("hasMore", shape.Bool))),
	)
	sunshineError = shape.Object(
		shape.Has("errors", shape.SomeOf(shape.Object(shape.Has("code", shape.Text), shape.Has("title", shape.Text)))),
	)
)

// PlaySmart.
var (
	ingestedWord = shape.Object(shape.Has("success", shape.Bool), shape.Has("message", shape.Text))
	sessionWord  = shape.Object(shape.Has("data", shape.Object(
		shape.Has("access_token", shape.Text), shape.Has("refresh_token", shape.Text), shape.Has("user", shape.Object()),
	)))
	playSmartError = shape.Object(shape.Has("error", shape.Object(shape.Has("code", shape.Text), shape.Has("message", shape.Text))))
)

// lacks says what an answer to an operation lacks to be the service's word, "" if it is.
func (e *endpoint) lacks(o *op, status int, body []byte) string {
	switch {
	case status >= http.StatusMultipleChoices:
		return e.errorWord.Lacks(body)
	case o.has(onlyOK) && status != http.StatusOK:
		return "it has another status than 200"
	case o.has(mayBeEmpty) && len(bytes.TrimSpace(body)) == 0, e.takesAny(o):
		return ""
	}
	return o.word.Lacks(body)
}

// takesAny reports whether WithAnySuccess covers an operation. It does not cover those that ask for
// something.
func (e *endpoint) takesAny(o *op) bool {
	return e.anySuccess && !o.has(onlyOK) && o.method != http.MethodGet
}
