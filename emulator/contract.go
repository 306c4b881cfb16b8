package emulator

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ../contracttest/cmd/contractjson -from ../contracts -to contract

// contractFiles are the OpenAPI documents of contracts/, as JSON with the YAML anchors resolved.
//
//go:embed contract/*.json
var contractFiles embed.FS

// contracts reads the five documents once and returns them by service. They are part of the
// package, so a document that cannot be read is a panic.
var contracts = sync.OnceValue(func() map[string]*contract {
	all := make(map[string]*contract)
	for _, service := range []string{Smooven, Fyno, PlaySmart, SmartSender, Sunshine} {
		data, err := contractFiles.ReadFile("contract/" + service + ".json")
		if err == nil {
			all[service], err = readContract(data)
		}
		if err != nil {
			panic(fmt.Sprintf("emulator: contract of %s: %v", service, err))
		}
	}
	all[Fyno].trailingSlash = true
	all[SmartSender].queryInBody = true
	return all
})

// contract is what a service takes: the operations of its OpenAPI document, and what the vendor's
// own clients send beside it. It never changes once read.
type contract struct {
	routes []route
	// trailingSlash: a path may end in a slash. Fyno's SDK for Node creates a profile with POST
	// profiles/.
	trailingSlash bool
	// queryInBody: a GET may have its query's parameters in a JSON body instead. SmartSender's SDK
	// for PHP pages through a contact's gates this way.
	queryInBody bool
}

// route is one path template with its operations.
type route struct {
	segments []segment
	methods  map[string]*operation
}

// segment is one step of a path template: a literal, or a parameter's name.
type segment struct {
	text  string
	param bool
}

// operation is one method of one path.
type operation struct {
	id           string
	parameters   []parameter
	body         *schema // nil where the operation takes no body
	bodyRequired bool
}

// parameter is one value in a path, a query or a header.
type parameter struct {
	Name     string  `json:"name"`
	In       string  `json:"in"`
	Required bool    `json:"required"`
	Style    string  `json:"style"`
	Schema   *schema `json:"schema"`
	Ref      string  `json:"$ref"`
}

// document is the part of an OpenAPI document that a request is held against.
type document struct {
	Paths      map[string]pathItem `json:"paths"`
	Components struct {
		Parameters map[string]parameter `json:"parameters"`
		Schemas    map[string]*schema   `json:"schemas"`
	} `json:"components"`
}

// pathItem holds the operations of one path template.
type pathItem struct {
	Parameters []parameter `json:"parameters"`
	Get        *endpoint   `json:"get"`
	Put        *endpoint   `json:"put"`
	Post       *endpoint   `json:"post"`
	Patch      *endpoint   `json:"patch"`
	Delete     *endpoint   `json:"delete"`
}

// endpoint is one operation as the document has it.
type endpoint struct {
	OperationID string      `json:"operationId"`
	Parameters  []parameter `json:"parameters"`
	RequestBody *struct {
		Required bool `json:"required"`
		Content  map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

// readContract turns an OpenAPI document into routes, with every reference resolved.
func readContract(data []byte) (*contract, error) {
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	c := &contract{}
	for template, item := range doc.Paths {
		r := route{methods: make(map[string]*operation)}
		for text := range strings.SplitSeq(strings.TrimPrefix(template, "/"), "/") {
			name, param := strings.CutPrefix(text, "{")
			r.segments = append(r.segments, segment{strings.TrimSuffix(name, "}"), param})
		}
		for method, ep := range map[string]*endpoint{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post,
			http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if ep == nil {
				continue
			}
			op, err := readOperation(&doc, item, ep)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, template, err)
			}
			r.methods[method] = op
		}
		c.routes = append(c.routes, r)
	}
	// where two templates fit a path, the one with the earlier literal segment is the one meant
	slices.SortFunc(c.routes, compareRoutes)
	return c, nil
}

// compareRoutes puts the more literal of two routes first.
func compareRoutes(a, b route) int {
	return slices.CompareFunc(a.segments, b.segments, func(a, b segment) int {
		if a.param != b.param {
			if a.param {
				return 1
			}
			return -1
		}
		return strings.Compare(a.text, b.text)
	})
}

// readOperation resolves one operation. Its own parameters come before the path's.
func readOperation(doc *document, item pathItem, ep *endpoint) (*operation, error) {
	op := &operation{id: ep.OperationID}
	for _, p := range slices.Concat(ep.Parameters, item.Parameters) {
		if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
			p = doc.Components.Parameters[name]
		}
		if p.Name == "" || p.Schema == nil {
			return nil, fmt.Errorf("parameter %q (%s) has no name or no schema", p.Name, p.Ref)
		}
		if err := p.Schema.resolve(doc.Components.Schemas); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		op.parameters = append(op.parameters, p)
	}
	if ep.RequestBody != nil {
		op.bodyRequired = ep.RequestBody.Required
		op.body = ep.RequestBody.Content["application/json"].Schema
		if op.body == nil {
			return nil, fmt.Errorf("the request body has no application/json schema")
		}
		if err := op.body.resolve(doc.Components.Schemas); err != nil {
			return nil, fmt.Errorf("request body: %w", err)
		}
	}
	return op, nil
}

// match finds the operation of a method and an escaped path. Without one the status is 404, or 405
// with the methods that the path has. The path is split before it is unescaped, so that a parameter
// may hold %2F.
func (c *contract) match(method, escaped string) (op *operation, params map[string]string, status int, allow []string) {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok {
		return nil, nil, http.StatusNotFound, nil
	}
	if c.trailingSlash {
		rest = strings.TrimSuffix(rest, "/")
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		// an empty or a dot segment names nothing: proxies on the way would have removed it
		text, err := url.PathUnescape(part)
		if err != nil || text == "" || text == "." || text == ".." {
			return nil, nil, http.StatusNotFound, nil
		}
		parts[i] = text
	}
	for _, r := range c.routes {
		params, ok := r.match(parts)
		if !ok {
			continue
		}
		if op := r.methods[method]; op != nil {
			return op, params, http.StatusOK, nil
		}
		for name := range r.methods {
			allow = append(allow, name)
		}
		slices.Sort(allow)
		return nil, nil, http.StatusMethodNotAllowed, allow
	}
	return nil, nil, http.StatusNotFound, nil
}

// match holds unescaped segments against a template.
func (r route) match(parts []string) (map[string]string, bool) {
	if len(parts) != len(r.segments) {
		return nil, false
	}
	params := make(map[string]string)
	for i, seg := range r.segments {
		switch {
		case seg.param:
			params[seg.text] = parts[i]
		case seg.text != parts[i]:
			return nil, false
		}
	}
	return params, true
}
