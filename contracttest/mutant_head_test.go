package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// variant is a whole request with one thing changed.
type variant struct {
	what string
	message
}

// variants are all requests that differ from a valid one in one thing: in its parameters, its
// headers or its body.
func variants(in *openapi3filter.RequestValidationInput, m message) []variant {
	all := headerVariants(m)
	for _, ref := range parameters(in.Route) {
		all = append(all, parameterVariants(in, ref.Value, m)...)
	}
	if in.Route.Operation.RequestBody == nil {
		return append(all, bodyVariant("a body where none is known", m, []byte("{}")))
	}
	all = append(all,
		bodyVariant("no body", m, nil),
		bodyVariant("half a body", m, m.body[:len(m.body)/2]),
		bodyVariant("a body and more", m, append(bytes.Clone(m.body), "{}"...)),
		bodyVariant("a body in white space", m, fmt.Appendf(nil, " \r\n\t%s\n", m.body)),
		bodyVariant("no JSON", m, []byte("NaN")),
	)
	decoder := json.NewDecoder(bytes.NewReader(m.body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		panic(err) // it was valid
	}
	schema := in.Route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
	for _, mutant := range mutants("body", []*openapi3.Schema{schema}, value) {
		body, err := json.Marshal(mutant.value)
		if err != nil {
			panic(fmt.Sprint(mutant.what, ": ", err))
		}
		all = append(all, bodyVariant(mutant.what, m, body))
	}
	return all
}

func bodyVariant(what string, m message, body []byte) variant {
	m.body = body
	return variant{what, m}
}

// headerVariants change the credentials and the headers that describe the body.
func headerVariants(m message) []variant {
	set := func(what, name, value string) variant {
		changed := m
		changed.header = m.header.Clone()
		changed.header.Del(name)
		if value != "" {
			changed.header.Set(name, value)
		}
		return variant{what, changed}
	}
	var all []variant
	if m.header.Get("Authorization") != "" {
		all = append(all, set("no credentials", "Authorization", ""), set("credentials of no scheme", "Authorization", "secret"))
	}
	if len(m.body) == 0 {
		return all
	}
	return append(all,
		set("no content type", "Content-Type", ""),
		set("plain text", "Content-Type", "text/plain"),
		set("a form", "Content-Type", "application/x-www-form-urlencoded"),
		set("JSON with a charset", "Content-Type", "application/json; charset=utf-8"),
	)
}

// parameterVariants change one parameter: its value, or that it is there.
func parameterVariants(in *openapi3filter.RequestValidationInput, p *openapi3.Parameter, m message) []variant {
	var all []variant
	query := in.Request.URL.Query()
	set := func(name, value string, has bool) {
		changed, place := m, p.In+"."+name
		switch p.In {
		case openapi3.ParameterInQuery:
			edited := url.Values{}
			for other, values := range query {
				edited[other] = slices.Clone(values)
			}
			if edited.Del(name); has {
				edited.Set(name, value)
			}
			path, _, _ := strings.Cut(m.uri, "?")
			changed.uri = path + "?" + edited.Encode()
		case openapi3.ParameterInHeader:
			changed.header = m.header.Clone()
			if changed.header.Del(name); has {
				changed.header[http.CanonicalHeaderKey(name)] = []string{value}
			}
		case openapi3.ParameterInPath:
			old := "/" + url.PathEscape(in.PathParams[name])
			if !has || value == "" || !strings.Contains(m.uri, old) {
				return // then it is another path
			}
			changed.uri = strings.Replace(m.uri, old, "/"+url.PathEscape(value), 1)
		}
		if !has {
			value = "(dropped)"
		}
		all = append(all, variant{fmt.Sprintf("%s: %.40q", place, value), changed})
	}
	if p.Style != openapi3.SerializationDeepObject {
		set(p.Name, "", false)
		for _, text := range texts(p.Schema.Value) {
			set(p.Name, text, true)
		}
		return all
	}
	for name, ref := range p.Schema.Value.Properties {
		for _, text := range texts(ref.Value) {
			set(p.Name+"["+name+"]", text, true)
		}
	}
	set(p.Name+"[unknown]", "text", true)
	return all
}

// texts are values of a parameter, right and wrong ones.
func texts(s *openapi3.Schema) []string {
	all := []string{"", "text", "1", "0", "-1", "1.5", "+1", " 1", "1 ", "01", "1e1", "0x1", "true", "false", "TRUE", "yes", "null", "é"}
	for _, m := range bounds(s, "text") {
		all = append(all, fmt.Sprint(m.value))
	}
	return all
}
