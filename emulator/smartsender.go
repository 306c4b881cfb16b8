package emulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// smartSenderTime is how SmartSender prints a moment: 2019-10-23 16:16:38, with no zone.
const smartSenderTime = time.DateTime

// contactsPage is the page where no limitation is asked for; the contract allows no larger one.
const contactsPage = 20

// smartSender is the emulated SmartSender project: its contacts, and the two channels through which
// they write.
type smartSender struct {
	operations map[string]func(*call) reply

	mu       sync.Mutex // guards everything below; one operation at a time
	quota    smartSenderQuota
	lastID   int64                  // ids of contacts, gates, variables, tags and chats come from one sequence
	contacts map[int64]*contact     // by id
	channels map[int64]gateChannel  // by id
	fired    map[int64][]FiredEvent // by contact, also of contacts that are gone
}

func newSmartSender(o *options) *smartSender {
	now := time.Now().UTC().Format(smartSenderTime)
	s := &smartSender{
		quota:    smartSenderQuota{perMinute: o.smartSender.quota},
		contacts: map[int64]*contact{},
		channels: map[int64]gateChannel{
			1: {ID: 1, Active: true, Occupied: true, Type: "whatsapp", Name: "Support", App: "whatsapp", CreatedAt: now, UpdatedAt: now},
			2: {ID: 2, Active: true, Occupied: true, Type: "telegram", Name: "Community", App: "telegram", CreatedAt: now, UpdatedAt: now},
		},
		fired: map[int64][]FiredEvent{},
	}
	s.operations = map[string]func(*call) reply{
		"listContacts":      s.listContacts,
		"searchContacts":    s.searchContacts,
		"getContact":        s.getContact,
		"updateContact":     withBody(s, s.updateContact),
		"deleteContact":     s.deleteContact,
		"getContactInfo":    s.getContactInfo,
		"getContactChat":    s.getContactChat,
		"listContactGates":  s.listContactGates,
		"fireContactEvent":  withBody(s, s.fireContactEvent),
		"uniteContacts":     s.uniteContacts,
		"createContactGate": withBody(s, s.createContactGate),
	}
	return s
}

// authorize wants the project's token and, under a quota, takes one request from it.
func (s *smartSender) authorize(r *http.Request, _ string) (string, *reply) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !ok || token != SmartSenderToken {
		return "", new(smartSenderRefusal(http.StatusUnauthorized, "Unauthenticated"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if locked := s.quota.take(time.Now()); locked > 0 {
		refusal := smartSenderRefusal(http.StatusTooManyRequests, "Too many requests: the project is locked for %.0f s", locked.Seconds())
		refusal.header = s.quota.header()
		return "", &refusal
	}
	return "project", nil
}

func (s *smartSender) invalid(_ string, v violation) reply {
	refusal := smartSenderRefusal(http.StatusBadRequest, "%s", v)
	s.mu.Lock()
	defer s.mu.Unlock()
	refusal.header = s.quota.header()
	return refusal
}

func (s *smartSender) refusal(status int, message string) reply {
	return smartSenderRefusal(status, "%s", message)
}

func (s *smartSender) handle(c *call) reply {
	operation, ok := s.operations[c.operation]
	if !ok {
		return s.refusal(http.StatusNotFound, "no operation "+c.operation)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := operation(c)
	answer.header = s.quota.header()
	return answer
}

// smartSenderError is the body of every refusal.
type smartSenderError struct {
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func smartSenderRefusal(status int, format string, args ...any) reply {
	var body smartSenderError
	body.Error.Code, body.Error.Message = status, fmt.Sprintf(format, args...)
	return reply{status: status, body: body}
}

// smartSenderDone is the answer of the operations that show nothing.
func smartSenderDone() reply {
	return reply{status: http.StatusOK, body: map[string]bool{"state": true}}
}

// pageOf answers with one page of all: 20 items where no limitation is asked for, and none beyond
// the last page.
func pageOf[T any](c *call, all []T) reply {
	page, limit, count := int64(1), int64(contactsPage), int64(len(all))
	for name, value := range map[string]*int64{"page": &page, "limitation": &limit} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return smartSenderRefusal(http.StatusBadRequest, "query.%s must be an integer of 64 bits", name)
		}
		*value = number
	}
	pages := max(1, (count+limit-1)/limit)
	items := []T{}
	if page <= pages {
		start := (page - 1) * limit
		items = append(items, all[start:min(start+limit, count)]...)
	}
	return reply{status: http.StatusOK, body: map[string]any{
		"cursor":     map[string]int64{"page": page, "pages": pages},
		"collection": items,
	}}
}

func (s *smartSender) nextID() int64 {
	s.lastID++
	return s.lastID
}
