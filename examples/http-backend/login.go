package main

import (
	"crypto/rand"
	"sync"
	"time"
)

// Logins that were begun, and the messages that their codes were sent with.

// login is one attempt to log in, from the request for a code on.
type login struct {
	phone   string
	message *message // nil without an account
	ends    time.Time
	tries   int // codes that were typed
}

// message is one that was sent, or is being sent, to a number.
type message struct {
	sent    time.Time
	request string // the service's id, "" while there is none
	tried   bool   // a code was typed, for whichever login
}

// logins are those that have not ended, at most as many as max.
type logins struct {
	max int

	mu     sync.Mutex // guards the following, and every login and message
	open   map[string]*login
	order  []string            // of their ends
	latest map[string]*message // by number, of the accounts only
}

func newLogins(most int) *logins {
	return &logins{max: most, open: map[string]*login{}, latest: map[string]*message{}}
}

// begin returns the id of a new login, "" while there are too many.
func (l *logins) begin(phone string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for len(l.order) > 0 {
		first := l.open[l.order[0]]
		if first != nil && now.Before(first.ends) {
			break
		}
		delete(l.open, l.order[0])
		l.order = l.order[1:]
	}
	if len(l.order) >= l.max {
		return ""
	}
	id := rand.Text()
	l.open[id] = &login{phone: phone, ends: now.Add(codeLifetime)}
	l.order = append(l.order, id)
	return id
}

// send sends one message per login.
func (l *logins) send(id, phone string) *message {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &message{sent: time.Now()}
	l.latest[phone] = m
	if in := l.open[id]; in != nil {
		in.message = m
	}
	return m
}

// share gives a login the newest message to its number, if it lives and no code of it was typed:
// its code is on the owner's phone, or about to be. It reports whether there is one.
func (l *logins) share(id, phone string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.latest[phone]
	if m == nil || m.tried || time.Since(m.sent) >= codeLifetime {
		return false
	}
	if in := l.open[id]; in != nil {
		in.message = m
	}
	return true
}

// sent notes how the sending of a message ended.
func (l *logins) sent(phone string, m *message, request string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.request = request
	if request == "" && l.latest[phone] == m {
		delete(l.latest, phone)
	}
}

// phone returns the phone number of a login, or "" if there is no such login.
func (l *logins) phone(id string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in := l.open[id]; in != nil && time.Now().Before(in.ends) {
		return in.phone
	}
	return ""
}

// try counts a code that was typed, and returns the request id to check it with: "" if nothing was
// sent. It reports false if the login has ended, or has had its tries.
func (l *logins) try(id string) (request string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.open[id]
	if in == nil || !time.Now().Before(in.ends) || in.tries >= triesOfALogin {
		return "", false
	}
	in.tries++
	if in.message != nil {
		request, in.message.tried = in.message.request, true
	}
	return request, true
}

// end forgets a login that succeeded, and its message, whose code is used up.
func (l *logins) end(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in := l.open[id]; in != nil {
		if l.latest[in.phone] == in.message {
			delete(l.latest, in.phone)
		}
		delete(l.open, id)
	}
}
