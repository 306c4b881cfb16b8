package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// control lets a worker and the benchmark talk to a sink.
type control struct {
	base   string
	client *http.Client
}

// newControl returns a control with its own connections, which it closes after each call. They must
// not warm up the connections that the benchmark measures.
func newControl(base string) *control {
	return &control{base, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (c *control) fault(ctx context.Context, f fault) error {
	return c.call(ctx, http.MethodPut, "/-/fault", f, nil)
}

func (c *control) report(ctx context.Context) (sinkReport, error) {
	var out sinkReport
	err := c.call(ctx, http.MethodGet, "/-/report", nil, &out)
	return out, err
}

// strict makes the sink check tokens and events from now on.
func (c *control) strict(ctx context.Context, key tokenKey) error {
	return c.call(ctx, http.MethodPut, "/-/strict", key, nil)
}

func (c *control) traffic(ctx context.Context) (sinkTraffic, error) {
	var out sinkTraffic
	err := c.call(ctx, http.MethodGet, "/-/traffic", nil, &out)
	return out, err
}

// copies returns how often the sink stored each event, by eid.
func (c *control) copies(ctx context.Context) ([]uint16, error) {
	var out []uint16
	err := c.call(ctx, http.MethodGet, "/-/copies", nil, &out)
	return out, err
}

func (c *control) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("sink: %s %s: %s", method, path, resp.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
