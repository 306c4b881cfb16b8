package playline

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// FuzzCursors walks lists of a service that says anything of its pages: a walk ends, gives exactly the items of the pages that it
// was answered with, each page's once, asks for no page twice in a row, and gives at most one error, a typed one, at its end.
func FuzzCursors(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 0}, []byte(`{"cursor":{"page":1,"pages":3},"collection":[{"id":1}]}`), uint8(0), false)
	f.Add([]byte{0x11, 0x10}, []byte(`{}`), uint8(255), false)
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 0}, []byte(`{}`), uint8(255), true)
	f.Add([]byte{0x11, 0x10}, []byte(`{"clients":[],"meta":{"hasMore":true,"afterCursor":""}}`), uint8(3), true)
	f.Add([]byte{0x21, 0x32, 0x43, 0x21}, []byte(`{"collection":null,"cursor":null}`), uint8(1), false)
	f.Add([]byte{0xff}, []byte(`{"cursor":{"pages":9223372036854775807}}`), uint8(2), false)
	f.Add([]byte{}, []byte(`null`), uint8(9), true)
	f.Fuzz(func(t *testing.T, graph, raw []byte, at uint8, backwards bool) {
		s := &cursorService{graph: graph, raw: raw, rawAt: int(at), backwards: backwards}
		c := newClient(t, s, WithRetryPolicy(RetryPolicy{MaxAttempts: 1}), WithLimiter(SmartSender, nil))
		var o ClientListOptions
		if backwards {
			o.Before = placeCursor(0)
		}
		w := walk{t: t, service: s}
		for client, err := range c.Messaging.AllClients(t.Context(), "ace", o) {
			w.take(client.ID, err)
		}
		w.ended()

		s = &cursorService{graph: graph, raw: raw, rawAt: int(at)}
		c = newClient(t, s, WithRetryPolicy(RetryPolicy{MaxAttempts: 1}), WithLimiter(SmartSender, nil))
		w = walk{t: t, service: s}
		for contact, err := range c.Contacts.All(t.Context(), PageOptions{Page: int(at) % 3}) {
			w.take(strconv.FormatInt(contact.ID, 10), err)
		}
		w.ended()
	})
}

// cursorService answers with pages that its graph describes: of each place the low four bits say which place is next, the next two
// how many items there are, and the top ones whether there is more, and whether the cursor is left out. One answer is raw, unless it would be a late one.
type cursorService struct {
	graph, raw []byte
	rawAt      int
	backwards  bool
	asked      []string
	items      []string // that were sent, "?" for a raw answer
}

func placeCursor(place int) string { return fmt.Sprintf("%024d", place) }

// RoundTrip answers the next request. Far beyond what a walk over sixteen places can need, it fails.
func (s *cursorService) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(s.asked) > 100 {
		return nil, errEndless
	}
	s.asked = append(s.asked, req.URL.RawQuery)
	if s.rawAt < 64 && len(s.asked)-1 == s.rawAt {
		s.items = append(s.items, "?")
		return jsonBody(200, string(s.raw)).response(req), nil
	}
	q := req.URL.Query()
	place, _ := strconv.Atoi(q.Get("page[after]") + q.Get("page[before]") + q.Get("page"))
	var b byte
	if len(s.graph) > 0 {
		b = s.graph[place%len(s.graph)]
	}
	var items []map[string]any
	for i := range int(b >> 4 & 3) {
		id := len(s.items) + i + 1
		if strings.HasSuffix(req.URL.Path, "/clients") {
			items = append(items, map[string]any{"id": strconv.Itoa(id)})
		} else {
			items = append(items, map[string]any{"id": id})
		}
	}
	for i := range items {
		s.items = append(s.items, fmt.Sprint(items[i]["id"]))
	}
	meta := map[string]any{"hasMore": b&0x80 == 0}
	if b&0x40 == 0 {
		meta["afterCursor"], meta["beforeCursor"] = placeCursor(int(b&15)), placeCursor(int(b&15))
	}
	body, err := json.Marshal(map[string]any{
		"clients": items, "meta": meta, "collection": items, "cursor": map[string]any{"page": place, "pages": int(b & 15)},
	})
	if err != nil {
		return nil, err
	}
	return jsonBody(200, string(body)).response(req), nil
}

var errEndless = errors.New("the walk does not end")

// walk is what came out of an iterator.
type walk struct {
	t       *testing.T
	service *cursorService
	got     []string
	err     error
}

func (w *walk) take(id string, err error) {
	w.t.Helper()
	if w.err != nil {
		w.t.Fatalf("after the error %v came %q, %v", w.err, id, err)
	}
	if w.err = err; err == nil {
		w.got = append(w.got, id)
		return
	}
	var answer *Error // or the error of a walk in a circle, which no single answer caused
	if errors.Is(err, errEndless) || !errors.As(err, &answer) && !errors.Is(err, ErrUnavailable) {
		w.t.Fatalf("%T: %v", err, err)
	}
	if id != "" && id != "0" {
		w.t.Fatalf("%q came with the error %v", id, err)
	}
}

func (w *walk) ended() {
	w.t.Helper()
	for i := range w.service.asked[1:] {
		if w.service.asked[i] == w.service.asked[i+1] {
			w.t.Fatalf("asked twice for %q", w.service.asked[i])
		}
	}
	// The items of the raw answer are whatever it holds; those before it and behind it are known.
	want := w.service.items
	rawAt := len(want)
	for i, id := range want {
		if id == "?" {
			rawAt = i
		}
	}
	before, behind := want[:rawAt], want[min(rawAt+1, len(want)):]
	if len(w.got) < len(before)+len(behind) || strings.Join(w.got[:len(before)], " ") != strings.Join(before, " ") {
		w.t.Fatalf("got %v of %v", w.got, want)
	}
	if rest := w.got[len(w.got)-len(behind):]; strings.Join(rest, " ") != strings.Join(behind, " ") {
		w.t.Fatalf("got %v of %v", w.got, want)
	}
	if rawAt == len(want) && len(w.got) != len(want) {
		w.t.Fatalf("got %v of %v", w.got, want)
	}
}
