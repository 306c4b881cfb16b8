package emulator

import (
	"net/url"
	"strings"
	"time"
)

// frameRows is how many rows a frame holds at most, and firstRows how many the first one does.
const (
	frameRows = 60
	firstRows = 200
)

// rowsOf returns how many rows a frame holds.
func rowsOf(first bool) int {
	if first {
		return firstRows
	}
	return frameRows
}

// viewer is one page that watches, and what it has got already.
type viewer struct {
	inspector *inspector
	view      string // requests, refusals, events, messages or players
	filter    filter
	person    string // whose details are shown; "" for nobody's

	began   bool
	resets  int
	request int          // the newest request that was sent
	pending map[int]bool // requests that were sent while they were under way
	event   int
	message int
	second  int64 // the newest second that was sent, as Unix time
	state   fingerprint
	told    time.Time

	surveyed  time.Time     // when the players were counted last
	surveying time.Duration // how long that took
	players   int
}

// fingerprint is the same as before where nothing happened.
type fingerprint struct{ resets, total, ended, flips int }

// frame is what a viewer is sent at once.
type frame struct {
	Now      int64            `json:"now"` // Unix time in milliseconds
	Reset    bool             `json:"reset,omitzero"`
	Requests int              `json:"requests"`
	Events   int              `json:"events"`
	Messages int              `json:"messages"`
	Players  int              `json:"players"`
	Refused  int              `json:"refused"` // requests
	Buffered int              `json:"buffered"`
	Seconds  []activitySecond `json:"seconds"`
	Services []serviceView    `json:"services"`
	Scripted []scriptedFault  `json:"scripted"`
	Rows     any              `json:"rows,omitzero"` // of the view, newest first
	More     int              `json:"more,omitzero"` // rows that are left out
	Person   *personView      `json:"person,omitzero"`
}

func newViewer(i *inspector, query url.Values) *viewer {
	v := &viewer{
		inspector: i, view: query.Get("view"), person: query.Get("person"),
		filter:  newFilter(query.Get("q"), query.Get("only")),
		pending: make(map[int]bool),
	}
	v.filter.player = i.emulator.idOf(v.filter.player)
	return v
}

// next returns the next frame, unless nothing happened and the last one is not long ago.
func (v *viewer) next(now time.Time) (f frame, ok bool) {
	e := v.inspector.emulator
	state := e.fingerprint()
	changed := state != v.state
	if v.began && !changed && now.Sub(v.told) < frameAtLeast {
		return frame{}, false
	}
	if !v.began || state.resets != v.resets {
		f.Reset = true
		v.began, v.request, v.event, v.message, v.second = true, 0, 0, 0, 0
		clear(v.pending)
	}
	v.state, v.resets, v.told = state, state.resets, now
	f.Now = now.UnixMilli()
	f.Requests, f.Refused = state.total, e.record.refusedCount()
	f.Events, f.Buffered = e.EventCount(), e.Buffered()
	f.Messages = e.fyno.messageCount()
	// a second is sent until it is over, and once more
	f.Seconds = e.activity.since(v.second, now)
	v.second = now.Unix() - 1
	f.Services, f.Scripted = v.inspector.services(), e.scripted()
	switch v.view {
	case "requests":
		f.Rows, f.More = v.requests(f.Reset)
	case "events":
		var rows []eventView
		rows, f.More, v.event = e.eventRows(v.filter, v.event, f.Reset)
		f.Rows = rows
	case "messages":
		var rows []messageView
		rows, f.More, v.message = e.messageRows(v.filter, v.message, f.Reset)
		f.Rows = rows
	}
	if f.Reset {
		f.More = 0 // nobody was promised what was there before
	}
	v.survey(&f, now, changed)
	if v.person != "" {
		f.Person = e.person(v.person)
	}
	return f, true
}

// fingerprint reads what changes with every request and every switch.
func (e *Emulator) fingerprint() fingerprint {
	e.switches.mu.Lock()
	flips := e.switches.flips
	e.switches.mu.Unlock()
	e.record.mu.Lock()
	defer e.record.mu.Unlock()
	return fingerprint{e.record.resets, e.record.total, e.record.ended, flips}
}

// filter is what a person typed to see less. Words are looked for in any column and in any case,
// all of them; a word player:NAME names one player, whole.
type filter struct {
	words  []string // in lower case
	player string
	only   string // one of the view's own choices; "" for all
}

func newFilter(typed, only string) filter {
	f := filter{only: only}
	for word := range strings.FieldsSeq(typed) {
		if player, ok := strings.CutPrefix(word, "player:"); ok {
			f.player = player
			continue
		}
		f.words = append(f.words, strings.ToLower(word))
	}
	return f
}

// takes reports whether every word is in one of the columns.
func (f filter) takes(columns ...string) bool {
	if len(f.words) == 0 {
		return true
	}
	all := strings.ToLower(strings.Join(columns, "\n"))
	for _, word := range f.words {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
