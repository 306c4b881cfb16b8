package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/playline/playline-go/emulator"
)

// contract is the OpenAPI document of one service, and its path on the emulator.
type contract struct {
	service string
	prefix  string
	doc     *openapi3.T
	router  routers.Router
}

// contracts are the documents of all five services.
type contracts []*contract

// loadContracts reads the five documents of a folder and moves each to its place in the emulator.
func loadContracts(ctx context.Context, dir string) (contracts, error) {
	var all contracts
	for _, c := range []*contract{
		{service: emulator.Smooven, prefix: emulator.SmoovenPath},
		{service: emulator.Fyno, prefix: emulator.FynoPath},
		{service: emulator.PlaySmart, prefix: emulator.PlaySmartPath},
		{service: emulator.SmartSender, prefix: emulator.SmartSenderPath},
		{service: emulator.Sunshine, prefix: emulator.SunshinePath},
	} {
		path := filepath.Join(dir, c.service+".openapi.yaml")
		var err error
		if c.doc, err = openapi3.NewLoader().LoadFromFile(path); err != nil {
			return nil, fmt.Errorf("contract %s: %w", path, err)
		}
		c.doc.Servers = openapi3.Servers{{URL: c.prefix}}
		if err = c.doc.Validate(ctx); err != nil {
			return nil, fmt.Errorf("contract %s: %w", path, err)
		}
		if c.router, err = gorillamux.NewRouter(c.doc); err != nil {
			return nil, fmt.Errorf("contract %s: %w", path, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// service returns the contract of one service.
func (cs contracts) service(name string) *contract {
	return cs[slices.IndexFunc(cs, func(c *contract) bool { return c.service == name })]
}

// operations returns every operation of every service.
func (cs contracts) operations() []*routers.Route {
	var all []*routers.Route
	for _, c := range cs {
		for _, path := range c.doc.Paths.InMatchingOrder() {
			item := c.doc.Paths.Value(path)
			for method, operation := range item.Operations() {
				all = append(all, &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: method, Operation: operation})
			}
		}
	}
	return all
}

// options are as strict as the validator can be: nothing is filled in, and an answer's status must
// be in the contract.
var options = &openapi3filter.Options{
	IncludeResponseStatus:             true,
	RejectWhenRequestBodyNotSpecified: true,
	SkipSettingDefaults:               true,
	AuthenticationFunc:                authenticate,
}

// authenticate checks that a credential of the scheme's kind is there. Whether it is right is the
// service's business.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header
	scheme := in.SecurityScheme
	present := false
	switch {
	case scheme.Type == "http" && scheme.Scheme == "bearer":
		token, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
		present = ok && token != ""
	case scheme.Type == "http" && scheme.Scheme == "basic":
		_, _, present = in.RequestValidationInput.Request.BasicAuth()
	case scheme.Type == "apiKey" && scheme.In == "header":
		present = header.Get(scheme.Name) != ""
	}
	if !present {
		return in.NewError(nil)
	}
	return nil
}

// request checks a request against the contracts. It returns the input for the check of the answer,
// or nil if no operation fits.
func (cs contracts) request(r *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	in := &openapi3filter.RequestValidationInput{Options: options}
	err := routers.ErrPathNotFound
	for _, c := range cs {
		if strings.HasPrefix(r.URL.Path, c.prefix+"/") {
			in.Route, in.PathParams, err = c.router.FindRoute(r)
		}
	}
	if err != nil {
		return nil, err
	}
	in.Request = r.Clone(r.Context())
	in.Request.Body, in.Request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	in.Request.GetBody = nil
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		return in, err
	}
	return in, overlooked(in, body)
}

// parameters are all parameters of an operation, its path's included.
func parameters(route *routers.Route) openapi3.Parameters {
	return append(route.PathItem.Parameters[:len(route.PathItem.Parameters):len(route.PathItem.Parameters)], route.Operation.Parameters...)
}

// answer holds an answer against the contract of the request that it answers.
func (cs contracts) answer(ctx context.Context, in *openapi3filter.RequestValidationInput, status int, header http.Header, body []byte) error {
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: header, Options: options}
	out.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(ctx, out)
}
