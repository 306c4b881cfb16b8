package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Answers for scripts, in place of a person: counts and events by player, and a token for any of
// them.

// countsView is how much of everything there is.
type countsView struct {
	Requests int            `json:"requests"`
	Refused  int            `json:"refused"` // requests with a status of 400 and more, or without a reply
	Events   int            `json:"events"`
	Messages int            `json:"messages"`
	Players  int            `json:"players"`
	Calls    map[string]int `json:"calls"` // requests by operationId
	Users    map[string]int `json:"users"` // PlaySmart's events by player
}

// counts answers with the counts.
func (i *inspector) counts(w http.ResponseWriter, _ *http.Request) {
	e := i.emulator
	view := countsView{Messages: e.fyno.messageCount(), Players: len(e.playerIDs()), Calls: map[string]int{}, Users: map[string]int{}}
	e.record.mu.Lock()
	view.Requests, view.Refused = e.record.total, e.record.refused
	for operation, n := range e.record.calls {
		if operation != "" {
			view.Calls[operation] = n
		}
	}
	e.record.mu.Unlock()
	e.playSmart.mu.Lock()
	view.Events = e.playSmart.count
	for id, events := range e.playSmart.events {
		view.Users[shownID(id)] = len(events)
	}
	e.playSmart.mu.Unlock()
	writeJSON(w, view)
}

// scriptEvent is a gameplay event as a script gets it.
type scriptEvent struct {
	Type      string    `json:"type"`
	Name      string    `json:"customEventName,omitzero"`
	Game      string    `json:"game_id"`
	Timestamp string    `json:"timestamp"` // as it was sent
	Received  time.Time `json:"received"`
	Data      any       `json:"customdata,omitzero"`
}

// events answers with all events of a player, in the order of arrival.
func (i *inspector) events(w http.ResponseWriter, r *http.Request) {
	user, ok := i.user(w, r)
	if !ok {
		return
	}
	list := []scriptEvent{}
	for _, event := range i.emulator.Events(user) {
		shown := scriptEvent{
			Type: event.Type, Name: event.CustomEventName, Game: event.GameID, Timestamp: event.Timestamp, Received: event.Received,
		}
		if value, v := parseJSON(event.CustomData); len(event.CustomData) > 0 && v == nil {
			shown.Data = withoutSecrets("", value, false)
		}
		list = append(list, shown)
	}
	writeJSON(w, list)
}

// token answers with a PlaySmart access token for a player, registered or not. It lives for an
// hour, or for the ttl that is asked for.
func (i *inspector) token(w http.ResponseWriter, r *http.Request) {
	user, ok := i.user(w, r)
	if !ok {
		return
	}
	ttl := time.Hour
	if text := r.URL.Query().Get("ttl"); text != "" {
		var err error
		if ttl, err = time.ParseDuration(text); err != nil {
			http.Error(w, "token: ttl: "+err.Error()+": write a duration such as 90s or 24h; a negative one makes an expired token", http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, i.emulator.Token(user, ttl))
}

// user returns the player whom a script asks for.
func (i *inspector) user(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	id = r.URL.Query().Get("user")
	if id == "" {
		http.Error(w, "name a player: "+r.URL.Path+"?user=ID", http.StatusBadRequest)
		return "", false
	}
	return i.emulator.idOf(id), true
}

// clear forgets the requests, the events and the notifications, which are the lists of the page,
// and the charts. The services keep what they know: players, profiles, contacts, tokens and codes.
func (i *inspector) clear(w http.ResponseWriter, _ *http.Request) {
	e := i.emulator
	e.playSmart.mu.Lock()
	e.playSmart.events, e.playSmart.count, e.playSmart.newest, e.playSmart.buffered = make(map[string][]Event), 0, nil, 0
	e.playSmart.mu.Unlock()
	e.fyno.mu.Lock()
	e.fyno.sent = nil
	e.fyno.mu.Unlock()
	e.activity.forget()
	e.ResetRecord() // last, because it tells the viewers to begin again
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]bool{"cleared": true}) // the viewer may have left; there is nobody to tell
}
