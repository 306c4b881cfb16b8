package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sendTimeout is how long a request that a person sends may take; a fault can make it hang.
const sendTimeout = 10 * time.Second

// sendInput is a request that a person makes: of an operation, or again one of the record.
type sendInput struct {
	Operation string            `json:"operation"`
	Fields    map[string]string `json:"fields"` // of the path and of the query, by name; "" is left out of the query
	Number    int               `json:"number"` // of the recorded request that is sent again; 0 for a new one
	Body      *string           `json:"body"`   // nil sends a recorded body as it was
}

// sentView is how such a request ended.
type sentView struct {
	Number int          `json:"number,omitzero"` // in the record
	Status int          `json:"status"`          // 0 for no reply
	Error  string       `json:"error,omitzero"`  // why there is none
	Header []namedValue `json:"header"`
	Body   string       `json:"body"`
}

// send carries a request out as a client's would be, with the emulator's own credentials, and
// answers with the reply.
func (i *inspector) send(w http.ResponseWriter, r *http.Request) {
	var in sendInput
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 32<<20)).Decode(&in)
	var request *http.Request
	if err == nil {
		ctx, cancel := context.WithTimeoutCause(r.Context(), sendTimeout, fmt.Errorf("no reply within %s", sendTimeout))
		defer cancel()
		if in.Number > 0 {
			request, err = i.emulator.again(ctx, in)
		} else {
			request, err = i.emulator.newRequest(ctx, in)
		}
	}
	if err != nil {
		http.Error(w, "send: "+err.Error(), http.StatusBadRequest)
		return
	}
	view := sentView{Header: []namedValue{}}
	resp, err := i.emulator.RoundTrip(request)
	if err != nil {
		view.Error = err.Error()
		writeJSON(w, view)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		view.Error = "the reply broke off: " + err.Error()
	}
	view.Status, view.Header = resp.StatusCode, headerView(resp.Header)
	number, _ := strings.CutPrefix(resp.Header.Get("X-Request-Id"), "emu-")
	view.Number, _ = strconv.Atoi(number) // a script can set the header; then there is no number
	if view.Body = readable(body, 8<<10); !json.Valid(body) {
		view.Body = clipped(string(body), 8<<10)
	}
	writeJSON(w, view)
}

// newRequest makes a request of an operation.
func (e *Emulator) newRequest(ctx context.Context, in sendInput) (*http.Request, error) {
	at := slices.IndexFunc(namedOperations, func(op namedOperation) bool { return op.id == in.Operation })
	if at < 0 {
		return nil, noOperation("", in.Operation)
	}
	named := namedOperations[at]
	op, method, template := e.operation(named)
	query := url.Values{}
	for _, field := range e.operationView(named).Fields {
		value := in.Fields[field.Name]
		switch {
		case field.In == "path" && value == "":
			return nil, fmt.Errorf("%s: a part of the path must not be empty", field.Name)
		case field.In == "path":
			template = strings.ReplaceAll(template, "{"+field.Name+"}", url.PathEscape(value))
		case value != "":
			query.Set(field.Name, value)
		}
	}
	target := "http://127.0.0.1" + e.pathOf(named.service) + template
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	text := ""
	if in.Body != nil && op.body != nil {
		text = *in.Body
	}
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	if text != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	e.sign(r, named, text)
	return r, nil
}

// pathOf is the path of a service.
func (e *Emulator) pathOf(service string) string {
	return e.mounts[slices.IndexFunc(e.mounts, func(m mount) bool { return m.name == service })].path
}

// sign adds the credentials that a service takes; PlaySmart's are a token of the player whom the
// body names.
func (e *Emulator) sign(r *http.Request, op namedOperation, body string) {
	switch op.service {
	case Smooven:
		r.Header.Set("Authorization", "Bearer "+SmoovenKey)
	case Fyno:
		r.Header.Set("Authorization", "Bearer "+FynoKey)
	case SmartSender:
		r.Header.Set("Authorization", "Bearer "+SmartSenderToken)
	case Sunshine:
		r.SetBasicAuth(SunshineKeyID, SunshineSecret)
	case PlaySmart:
		var about struct {
			UserID string `json:"user_id"`
		}
		if op.id == "ingestEvents" {
			_ = json.Unmarshal([]byte(body), &about) // what is no JSON names nobody, and the service says no
			r.Header.Set("Authorization", "Bearer "+e.Token(cmp.Or(about.UserID, "nobody"), time.Hour))
		}
	}
}

// again makes a recorded request once more, with the credentials that it had, and with its own body
// or an edited one. A part of the body that the page did not show is sent as it was.
func (e *Emulator) again(ctx context.Context, in sendInput) (*http.Request, error) {
	entry, ok := e.record.find(in.Number)
	if !ok {
		return nil, fmt.Errorf("the record has no request %d any more: it keeps the newest", in.Number)
	}
	body := string(entry.Body)
	if in.Body != nil {
		body = restored(*in.Body, entry.Body)
	}
	target := "http://127.0.0.1" + entry.Path
	if len(entry.Query) > 0 {
		target += "?" + entry.Query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, entry.Method, target, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = entry.Header.Clone()
	r.Header.Del("Content-Length")
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// restored puts what was hidden from the page back into a body that was edited there: wherever a
// value is what the page was shown, it is the one that was sent. A body that is no JSON is sent as
// it is.
func restored(edited string, original []byte) string {
	after, v := parseJSON([]byte(edited))
	if v != nil {
		return edited
	}
	before, v := parseJSON(original)
	shown, w := parseJSON(original) // withoutSecrets changes what it gets
	if v != nil || w != nil {
		return edited
	}
	out, err := json.Marshal(restoredValue(after, withoutSecrets("", shown, false), before))
	if err != nil {
		return edited
	}
	return string(out)
}

// restoredValue is restored for one value: after is what came back, shown is what the page got, and
// before is what was sent.
func restoredValue(after, shown, before any) any {
	switch after := after.(type) {
	case map[string]any:
		shown, _ := shown.(map[string]any)
		before, _ := before.(map[string]any)
		for name, value := range after {
			after[name] = restoredValue(value, shown[name], before[name])
		}
	case []any:
		shown, _ := shown.([]any)
		before, _ := before.([]any)
		for i := range min(len(after), len(shown), len(before)) {
			after[i] = restoredValue(after[i], shown[i], before[i])
		}
	case string:
		text, isText := shown.(string)
		if isText && (after == text || after == withoutTokens(text)) && before != nil {
			return before
		}
	}
	return after
}
