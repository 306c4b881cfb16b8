package emulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// check returns the first rule of the contract that a request to op breaks, nil for none: path,
// query, header, body.
func (op *operation) check(path map[string]string, rawQuery string, header http.Header, body []byte) (url.Values, *violation) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, &violation{"query", "must be well-formed: " + err.Error()}
	}
	for _, p := range op.parameters {
		var v *violation
		switch {
		case p.In == "path":
			v = p.checkValue(p.In, path[p.Name])
		case p.In == "query" && p.Style == "deepObject":
			v = p.checkDeep(query)
		case p.In == "query":
			v = p.checkValues(query[p.Name])
		case p.In == "header":
			v = p.checkValues(header.Values(p.Name))
		}
		if v != nil {
			return nil, v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.ContainsFunc(op.parameters, func(p parameter) bool { return p.takes(name) }) {
			return nil, &violation{"query." + name, "is not a parameter of this request"}
		}
	}
	return query, op.checkBody(header, body)
}

// takes reports whether a query parameter of this name belongs to p.
func (p parameter) takes(name string) bool {
	if p.Style == "deepObject" {
		_, ok := p.member(name)
		return p.In == "query" && ok
	}
	return p.In == "query" && p.Name == name
}

// member returns the name in the brackets of page[after].
func (p parameter) member(name string) (string, bool) {
	inner, ok := strings.CutPrefix(name, p.Name+"[")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, "]")
}

// checkValues checks a parameter that a request may hold any number of times.
func (p parameter) checkValues(values []string) *violation {
	switch {
	case len(values) == 0 && p.Required:
		return &violation{p.In + "." + p.Name, ruleRequired}
	case len(values) == 0:
		return nil
	case len(values) > 1:
		return &violation{p.In + "." + p.Name, "must be given once"}
	}
	return p.checkValue(p.In, values[0])
}

func (p parameter) checkValue(in, text string) *violation {
	return p.Schema.checkText(in+"."+p.Name, text)
}

// checkDeep checks an object that is spelled as page[after]=x&page[size]=5.
func (p parameter) checkDeep(query url.Values) *violation {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		member, ok := p.member(name)
		if !ok {
			continue
		}
		field := "query." + name
		sub := p.Schema.Properties[member]
		switch {
		case sub == nil:
			return &violation{field, "is not a parameter of this request"}
		case len(query[name]) > 1:
			return &violation{field, "must be given once"}
		}
		if v := sub.checkText(field, query.Get(name)); v != nil {
			return v
		}
	}
	return nil
}

// checkText reads a parameter's text as the type that s wants, and checks it.
func (s *schema) checkText(field, text string) *violation {
	if !utf8.ValidString(text) {
		return &violation{field, "must be valid UTF-8"}
	}
	var value any = text
	switch s.Type {
	case "integer":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil || text[0] == '+' {
			return &violation{field, "must be an integer"}
		}
		value = json.Number(text)
	case "boolean":
		if text != "true" && text != "false" {
			return &violation{field, "must be true or false"}
		}
		value = text == "true"
	}
	return s.check(field, value)
}

// withBodyQuery adds the parameters that a GET has in its JSON body to its query. An empty list is
// what PHP makes of no parameters.
func (op *operation) withBodyQuery(rawQuery string, header http.Header, body []byte) (string, *violation) {
	if v := checkMedia(header); v != nil {
		return "", v
	}
	value, v := parseJSON(body)
	if v != nil {
		return "", v
	}
	if list, isList := value.([]any); isList && len(list) == 0 {
		return rawQuery, nil
	}
	object, isObject := value.(map[string]any)
	if !isObject {
		return "", &violation{"body", "must be an object of the query's parameters"}
	}
	more := url.Values{}
	for name, value := range object {
		if !slices.ContainsFunc(op.parameters, func(p parameter) bool { return p.takes(name) }) {
			return "", &violation{"body." + name, "is not a parameter of this request"}
		}
		switch value := value.(type) {
		case nil: // as if it were not there
		case string:
			more.Set(name, value)
		case json.Number:
			more.Set(name, value.String())
		default:
			return "", &violation{"body." + name, "must be a text or a number"}
		}
	}
	if rawQuery != "" && len(more) > 0 {
		rawQuery += "&"
	}
	return rawQuery + more.Encode(), nil
}

// checkBody checks the body and the headers that describe it.
func (op *operation) checkBody(header http.Header, body []byte) *violation {
	switch {
	case op.body == nil && len(body) > 0:
		return &violation{"body", "must be absent"}
	case op.body == nil:
		return nil
	case len(body) == 0 && op.bodyRequired:
		return &violation{"body", ruleRequired}
	case len(body) == 0:
		return nil
	}
	if v := checkMedia(header); v != nil {
		return v
	}
	value, v := parseJSON(body)
	if v != nil {
		return v
	}
	return op.body.check("body", value)
}

// checkMedia checks the headers that say what a body is.
func checkMedia(header http.Header) *violation {
	if encoding := header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return &violation{"header.Content-Encoding", "must be absent"}
	}
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &violation{"header.Content-Type", "must be application/json"}
	}
	return nil
}

// bodyLimit is the largest body that an operation takes, in bytes. Fyno's and Sunshine's are
// published.
func bodyLimit(service, operation string) int {
	switch {
	case service == Sunshine:
		return 100_000
	case operation == "fireEvent" || operation == "fireEventBulk":
		return 10_000_000
	}
	return 16 << 20
}

// tooLarge is the rule that a body beyond the limit breaks.
func tooLarge(limit int) violation {
	return violation{"body", fmt.Sprintf("must be at most %d bytes", limit)}
}
