package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refusalRows is how many groups of refusals the list shows.
const refusalRows = 100

// refusalView is the requests that were refused for one reason, as a row.
type refusalView struct {
	ID        string `json:"id"`
	Service   string `json:"service"`
	Operation string `json:"operation"` // or the method, where no operation has the path
	Status    int    `json:"status"`    // 0 for no reply
	Rule      string `json:"rule"`      // why, with what differs from request to request left out
	Count     int    `json:"count"`
	Last      int64  `json:"last"`    // Unix time in milliseconds
	Example   int    `json:"example"` // the number of the newest request
	Mend      string `json:"mend"`    // what to do
}

// refusals groups the refused requests of the record by their reason, the largest group first, and
// returns how many groups are left out.
func (r *record) refusals(f filter) (rows []refusalView, more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	groups := make(map[string]*refusalView)
	for i := range r.entries {
		entry := r.newest(i)
		if !entry.ended || !entry.failed() {
			continue
		}
		operation := cmp.Or(entry.Operation, entry.Method)
		rule := entry.reason()
		key := strings.Join([]string{entry.Service, operation, strconv.Itoa(entry.Status), rule}, "\n")
		group := groups[key]
		if group == nil {
			group = &refusalView{
				ID: key, Service: entry.Service, Operation: operation, Status: entry.Status, Rule: clipped(rule, 300),
				Last: entry.Time.UnixMilli(), Example: entry.Number, Mend: clipped(entry.mend(), 400),
			}
			groups[key] = group
		}
		group.Count++
	}
	rows = []refusalView{}
	for _, key := range sortedKeys(groups) {
		if group := groups[key]; f.takes(group.Service, group.Operation, strconv.Itoa(group.Status), group.Rule) {
			group.ID = clipped(key, 400)
			rows = append(rows, *group)
		}
	}
	slices.SortStableFunc(rows, func(a, b refusalView) int { return b.Count - a.Count })
	shown := min(refusalRows, len(rows))
	return rows[:shown], len(rows) - shown
}

// refusedCount returns how many requests were refused, or got no reply.
func (r *record) refusedCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// varying is what differs between refusals for the same reason: quoted text, and numbers.
var varying = regexp.MustCompile(`'[^']*'|"[^"]*"|[0-9]+`)

// reason says why a request was refused: by a fault, by a rule of the contract, or in the service's
// own words.
func (r Request) reason() string {
	switch {
	case r.Fault != "":
		return "fault: " + r.Fault
	case r.Violation != "":
		// the numbers of the items differ, those of the rule do not
		field, rule, _ := strings.Cut(r.Violation, " ")
		return varying.ReplaceAllString(field, "\u2026") + " " + rule
	case r.Status == 0:
		return "no reply"
	case r.Service == "":
		return "no service under this path"
	case r.Operation == "":
		return "no such path or method"
	}
	return varying.ReplaceAllString(cmp.Or(refusalWords(r.ResponseBody), http.StatusText(r.Status)), "\u2026")
}

// refusalWords returns what a service's refusal says.
func refusalWords(body []byte) string {
	var in struct {
		Message string `json:"_message"` // Fyno
		Error   struct {
			Message string `json:"message"` // PlaySmart, Smooven, SmartSender
		} `json:"error"`
		Errors []struct {
			Title string `json:"title"` // Sunshine
		} `json:"errors"`
	}
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	if len(in.Errors) > 0 {
		return in.Errors[0].Title
	}
	return cmp.Or(in.Message, in.Error.Message)
}

// mend says what a person can do about a refusal.
func (r Request) mend() string {
	switch {
	case r.Fault != "":
		return "A switch or a script of the emulator did this, and not your game. Turn the fault off, or watch how your game gets over it."
	case r.Violation != "":
		field, rule, _ := strings.Cut(r.Violation, " ")
		place, name, nested := strings.Cut(field, ".")
		if !nested {
			return "Change the " + place + ": it " + rule + "."
		}
		return "Change " + name + " in the " + place + ": it " + rule + "."
	case r.Status == 0:
		return "The client left before there was an answer: give it more time."
	case r.Service == "":
		return "Point the base URLs at the emulator: the lines of /_inspector/env set them."
	case r.Operation == "" && r.Status == http.StatusMethodNotAllowed:
		return "Use another method. The header Allow of the answer lists those that the path has."
	case r.Operation == "":
		return "Compare the path with the service's contract in contracts/. An empty id makes a path that is not there, too."
	}
	switch r.Status {
	case http.StatusUnauthorized:
		if r.Operation == "login" {
			return "Check the e-mail address and the password, and register the account first: client.Accounts.Register."
		}
		if r.Service == PlaySmart {
			return "Send a token of the player that has not expired. For tests, /_inspector/token?user=ID makes one."
		}
		return "Use the emulator's own credentials: the lines of /_inspector/env set them."
	case http.StatusForbidden:
		switch r.Service {
		case PlaySmart:
			return "Send each player's events with that player's own token: user_id must be the token's sub, which is the deviceId of the account."
		case Smooven:
			return "Use the secret key: the app id registers players, and does nothing else."
		}
		return "Use credentials with the right scope: app or account."
	case http.StatusNotFound:
		return "Create it first, and use the id that the service gave it."
	case http.StatusConflict:
		return "It is there already: log in, or use another e-mail address."
	case http.StatusRequestEntityTooLarge:
		return "Send less in one request."
	case http.StatusTooManyRequests:
		return "Send less often, and wait as long as Retry-After says. A request during the lock makes it longer."
	}
	switch words := refusalWords(r.ResponseBody); {
	case strings.Contains(words, "already exists"):
		return "It is there already: update it, or use another id."
	case strings.Contains(words, "event name"):
		return "Declare the event: emulator.WithFynoEvents, or in Fyno's own console."
	case strings.Contains(words, "exist"):
		return "Create the profile or the channel first, and use the same version, live or test."
	case strings.Contains(words, "OTP") || strings.Contains(words, "otp"):
		return "The inspector's notifications show the code that was sent. A code can be used once, within ten minutes."
	}
	return "The answer says what is wrong: open the newest request."
}
