package emulator

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// playSmart is the accounts, their tokens, and the event ingest with its buffer.
type playSmart struct {
	options  playSmartOptions
	activity *activity

	mu       sync.Mutex
	accounts map[string]*playSmartAccount // by email, in lower case
	tokens   int
	events   map[string][]Event // by user, in the order of arrival
	count    int
	newest   []eventPlace // a ring: event number n is at n modulo its length
	buffered float64      // at the time drained
	drained  time.Time
}

func newPlaySmart(o playSmartOptions, counts *activity) *playSmart {
	return &playSmart{options: o, activity: counts, accounts: make(map[string]*playSmartAccount), events: make(map[string][]Event)}
}

// playSmartDetail is one entry of an error's details.
type playSmartDetail struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p *playSmart) refuse(status int, code, message string, details []playSmartDetail) reply {
	body := map[string]any{"code": code, "message": message}
	if len(details) > 0 {
		body["details"] = details
	}
	return reply{status: status, body: map[string]any{"error": body}}
}

func (p *playSmart) refusal(status int, message string) reply {
	return p.refuse(status, strings.ToUpper(codeOf(status)), message, nil)
}

func (p *playSmart) invalid(_ string, v violation) reply {
	field := strings.TrimPrefix(v.field, "body.")
	return p.refuse(http.StatusBadRequest, "BAD_REQUEST", "invalid_payload", []playSmartDetail{{field, v.rule}})
}

func (p *playSmart) handle(c *call) reply {
	switch c.operation {
	case "registerAccount":
		return p.registerAccount(c)
	case "login":
		return p.login(c)
	case "ingestEvents":
		return p.ingest(c)
	}
	return p.refusal(http.StatusNotFound, "no operation "+c.operation)
}
