package playline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/playline/playline-go/internal/transport"
)

// dialect is all in which one vendor differs from the others. Nothing else in the package asks which vendor it is.
type dialect struct {
	base          string
	limiter       func() *rate.Limiter // nil: no limit by default
	throttle      time.Duration        // how long to stay away after a 429 that does not say
	maxRetryAfter time.Duration
	maxBody       int // bytes of a request's body, 0: no limit is known
	// refusal reads an answer of any status: nil is a success.
	refusal func(status int, body []byte) *transport.Refusal
	// login takes the credentials from the configuration; nil means that there are none.
	login func(*config) *login
	// hint says how to configure the service.
	hint string
}

// login is what a service's credentials come to.
type login struct {
	auth    transport.Auth    // nil: only public is there
	public  transport.Auth    // for the operations that need no secret; nil: auth is used
	path    map[string]string // placeholders that are the same in every call
	keyed   bool              // idempotency keys are honoured
	secrets []string          // must not appear in any message
}

var dialects = map[Service]dialect{
	Smooven: {
		base:          "https://api.smooven.io/v1",
		maxRetryAfter: time.Minute,
		refusal:       smoovenRefusal,
		login: func(c *config) *login {
			if !c.smooven.on {
				return nil
			}
			l := &login{secrets: []string{string(c.smooven.key), string(c.smooven.appID)}}
			if c.smooven.appID != "" {
				l.public = transport.APIKey("X-App-ID", string(c.smooven.appID))
			}
			if c.smooven.key != "" {
				l.auth, l.public = transport.Bearer(string(c.smooven.key)), nil
			}
			return l
		},
		hint: "use WithSmooven or set PLAYLINE_SMOOVEN_KEY",
	},
	Fyno: {
		base:          "https://api.fyno.io/v1",
		maxRetryAfter: time.Minute,
		refusal:       fynoRefusal,
		login: func(c *config) *login {
			if !c.fyno.on {
				return nil
			}
			return &login{
				auth:    transport.Bearer(string(c.fyno.key)),
				path:    map[string]string{"WSID": c.fyno.workspace, "version": string(c.fyno.version)},
				keyed:   c.fyno.version == FynoLive,
				secrets: []string{string(c.fyno.key)},
			}
		},
		hint: "use WithFyno or set PLAYLINE_FYNO_WORKSPACE and PLAYLINE_FYNO_KEY",
	},
	SmartSender: {
		base: "https://api.smartsender.com/v1",
		// 10 at once and 170 a minute are never more than 180 in any minute.
		limiter:       func() *rate.Limiter { return rate.NewLimiter(rate.Limit(170.0/60), 10) },
		throttle:      time.Minute,
		maxRetryAfter: 12 * time.Minute,
		refusal:       smartSenderRefusal,
		login: func(c *config) *login {
			if !c.smartSender.on {
				return nil
			}
			return &login{auth: transport.Bearer(string(c.smartSender.token)), secrets: []string{string(c.smartSender.token)}}
		},
		hint: "use WithSmartSender or set PLAYLINE_SMARTSENDER_TOKEN",
	},
	Sunshine: {
		base:          "https://api.smooch.io",
		maxRetryAfter: time.Minute,
		maxBody:       100_000,
		refusal:       sunshineRefusal,
		login: func(c *config) *login {
			if !c.sunshine.on {
				return nil
			}
			s := &c.sunshine
			l := &login{path: map[string]string{"appId": s.appID}, secrets: []string{string(s.secret), basicCredentials(s.keyID, string(s.secret))}}
			if l.auth = transport.Basic(s.keyID, string(s.secret)); s.scope != "" {
				l.auth = transport.NewJWT(s.keyID, string(s.secret), string(s.scope))
			}
			return l
		},
		hint: "use WithSunshine or set PLAYLINE_SUNSHINE_APP_ID, PLAYLINE_SUNSHINE_KEY_ID and PLAYLINE_SUNSHINE_SECRET",
	},
	PlaySmart: {
		base:          "https://playsmart-gateway-1w8ko864.uc.gateway.dev",
		maxRetryAfter: time.Minute,
		refusal:       playSmartRefusal,
		login: func(c *config) *login {
			if !c.playSmart.on {
				return nil
			}
			return &login{auth: transport.None{}}
		},
		hint: "use WithPlaySmart or set PLAYLINE_PLAYSMART_URL",
	},
}

// basicCredentials is a key as it travels with basic auth: who has it has the key.
func basicCredentials(id string, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// Each decoder below also sees successes. saysNo is a cheap look that spares those a second parse.
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
		Success *bool             `json:"success"`
		Error   codeMessage       `json:"error"`
		Errors  []json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(body, &in) // a gateway's page leaves it empty
	if status < 300 && (in.Success == nil || *in.Success || len(in.Errors) > 0) {
		return nil
	}
	return in.Error.refusal(status)
}

// fynoRefusal reads {"status":"error","_message"}. The status is 400 for everything but bad credentials, and only the message
// tells causes apart; its wording is not promised, so it is matched loosely.
func fynoRefusal(status int, body []byte) *transport.Refusal {
	if !saysNo(status, body, `"error"`) {
		return nil
	}
	var in struct {
		Status  json.RawMessage `json:"status"` // a number in a profile
		Message looseString     `json:"_message"`
	}
	_ = json.Unmarshal(body, &in)
	if status < 300 && string(in.Status) != `"error"` {
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
		State json.RawMessage `json:"state"` // a word in a contact
		Error *struct {
			codeMessage
			Description json.RawMessage `json:"description"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &in)
	switch {
	case in.Error != nil:
		r := in.Error.refusal(status)
		r.Details = in.Error.Description
		if code, err := strconv.Atoi(r.Code); err == nil && code >= 400 && code <= 599 {
			r.Status = code
		}
		return r
	case string(in.State) == "false":
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
	return r
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
