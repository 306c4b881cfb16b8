package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// operationView is an operation as the form for sending shows it, filled from its contract.
type operationView struct {
	Service string       `json:"service"`
	ID      string       `json:"id"`
	Methods []string     `json:"methods"` // of the client
	Method  string       `json:"method"`
	Path    string       `json:"path"` // a template, below the service's own path
	Fields  []fieldView  `json:"fields"`
	Body    string       `json:"body"` // JSON; "" if the operation takes none
	Events  []sampleView `json:"events,omitzero"`
}

// fieldView is a parameter in the path or in the query.
type fieldView struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
	Value    string `json:"value"` // a sample; "" for one that can be left out
}

// sampleView is a body for one type of gameplay event.
type sampleView struct {
	Name string `json:"name"`
	Body string `json:"body"`
}

// operations answers with all operations, in the order of namedOperations.
func (i *inspector) operations(w http.ResponseWriter, _ *http.Request) {
	views := []operationView{}
	for _, named := range namedOperations {
		views = append(views, i.emulator.operationView(named))
	}
	writeJSON(w, views)
}

func (e *Emulator) operationView(named namedOperation) operationView {
	view := operationView{Service: named.service, ID: named.id, Methods: named.methods, Fields: []fieldView{}}
	op, method, path := e.operation(named)
	view.Method, view.Path = method, path
	for _, p := range op.parameters {
		switch {
		case p.In == "header":
		case p.Style == "deepObject":
			for _, name := range p.Schema.names {
				view.Fields = append(view.Fields, fieldView{Name: p.Name + "[" + name + "]", In: p.In})
			}
		default:
			field := fieldView{Name: p.Name, In: p.In, Required: p.Required}
			if p.Required {
				field.Value = parameterSample(p)
			}
			view.Fields = append(view.Fields, field)
		}
	}
	if op.body == nil {
		return view
	}
	view.Body = printedSample(op.body.sample(""))
	if named.id == "ingestEvents" {
		for _, kind := range op.body.Properties["events"].Items.Properties["type"].Enum {
			view.Events = append(view.Events, eventSample(op.body, strings.Trim(kind, `"`)))
		}
	}
	return view
}

// operation finds an operation in its contract, with its method and its path's template.
func (e *Emulator) operation(named namedOperation) (op *operation, method, path string) {
	for _, m := range e.mounts {
		if m.name != named.service {
			continue
		}
		for _, r := range m.contract.routes {
			for method, op := range r.methods {
				if op.id == named.id {
					return op, method, r.template()
				}
			}
		}
	}
	panic("emulator: the contract of " + named.service + " has no operation " + named.id) // a test holds the names to the contracts
}

// template is a route's path as the contract has it.
func (r route) template() string {
	var path strings.Builder
	for _, s := range r.segments {
		path.WriteByte('/')
		if s.param {
			path.WriteString("{" + s.text + "}")
		} else {
			path.WriteString(s.text)
		}
	}
	return path.String()
}

// eventSample is an ingest request with one event of a type.
func eventSample(body *schema, kind string) sampleView {
	sample, _ := body.sample("").(map[string]any)
	event := map[string]any{"type": kind, "timestamp": sampleTime(), "customdata": map[string]any{"level": 7}}
	if kind == "Custom" {
		event["customEventName"] = "PowerUpUsed"
	}
	sample["events"] = []any{event}
	return sampleView{Name: kind, Body: printedSample(sample)}
}

func sampleTime() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000-07:00") }

func printedSample(value any) string {
	out, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic("emulator: sample: " + err.Error()) // it is made of maps, lists and texts
	}
	return string(out)
}

// samples are values for what a contract describes in words only, by name.
var samples = map[string]string{
	"WSID": FynoWorkspace, "version": FynoVersion, "appId": SunshineAppID,
	"external_id": "device-1", "distinct_id": "device-1", "user_id": "device-1", "deviceId": "device-1", "userIdOrExternalId": "device-1",
	"source_distinct_id": "device-1", "target_distinct_id": "device-2",
	"player_id": "ply_000001", "clientId": "5f0000000000000000000001", "conversationId": "5d8cff3cd55b040010928b60", "integrationId": "5d8cff3cd55b040010928b61",
	"contactId": "1", "targetContactId": "2", "channelId": "1", "subscription_id": "SNEWS",
	"email": "ace@example.com", "address": "ace@example.com", "sms": "+61400000000", "phoneNumber": "+61400000000", "destination": "+61400000000",
	"identifier": "61400000000", "firstName": "Ace", "name": "Ace", "term": "ace", "password": "correct-horse-9", "timezone": "Australia/Sydney",
	"event": "daily_reward", "channel": "sms", "otp": "123456", "request_id": "of the event that sent the code", "device_token": "device-abc-123", "token": "device-abc-123",
}

func parameterSample(p parameter) string {
	if text, ok := samples[p.Name]; ok {
		return text
	}
	switch value := p.Schema.sample(p.Name).(type) {
	case string:
		return value
	case bool, json.Number:
		return printedSample(value)
	}
	return ""
}

// sample makes a value that a schema allows: what it requires, and of an object that requires
// nothing one field.
func (s *schema) sample(name string) any {
	switch {
	case len(s.Enum) > 0:
		var value any
		_ = json.Unmarshal([]byte(s.Enum[0]), &value) // it was JSON in the contract
		return value
	case s.Format == "date-time":
		return sampleTime()
	case s.Type == "object":
		return s.sampleObject()
	case s.Type == "array":
		if s.Items == nil {
			return []any{}
		}
		return []any{s.Items.sample(strings.TrimSuffix(name, "s"))}
	case s.Type == "boolean":
		return true
	case s.Type == "integer", s.Type == "number":
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case s.Type == "" && len(s.OneOf) > 0:
		return s.OneOf[0].sample(name)
	}
	if text, ok := samples[name]; ok {
		return text
	}
	var text string
	if json.Unmarshal(s.Example, &text) == nil && text != "" {
		return text
	}
	return "text"
}

func (s *schema) sampleObject() map[string]any {
	object := map[string]any{}
	add := func(names []string) {
		for _, name := range names {
			if property := s.Properties[name]; property != nil && object[name] == nil {
				object[name] = property.sample(name)
			}
		}
	}
	add(s.Required)
	for _, forms := range [][]*schema{s.AnyOf, s.OneOf, s.AllOf} {
		if len(forms) == 0 {
			continue
		}
		form := forms[0]
		add(form.Required)
		for name, property := range form.Properties {
			if slices.Contains(form.Required, name) && object[name] == nil {
				object[name] = property.sample(name)
			}
		}
	}
	if len(object) > 0 {
		return object
	}
	for _, name := range slices.Concat([]string{"name", "sms", "email", "$set"}, s.names) {
		if s.Properties[name] != nil {
			add([]string{name})
			return object
		}
	}
	if value := s.Additional.schema; value != nil {
		object["level"] = value.sample("level")
	} else if !s.Additional.forbidden && s.MinProperties > 0 {
		object["level"] = "7"
	}
	return object
}
