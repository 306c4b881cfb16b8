package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// script is a run of the whole SDK: every method at least once, with every field of every request.
type script struct {
	emulator *emulator.Server
	proxy    *proxy
	zones    []string         // Fyno's time zones, from the contract
	client   *playline.Client // Fyno's version live
	called   map[string]bool  // methods, such as Players.Register
}

// step is one call. A step with a want must fail with that error.
type step struct {
	method string
	do     func(context.Context) error
	want   error
}

// report is the result of a run.
type report struct {
	coverage coverage
	findings []finding
	requests int
	called   map[string]bool // every method of the SDK, and whether it was called
	kept     []message       // the requests with which a field went over the wire for the first time
	met      strangers
}

// run carries the script out against a fresh emulator, through a proxy that checks it against the
// contracts of a folder.
func run(ctx context.Context, dir string) (*report, error) {
	cs, err := loadContracts(ctx, dir)
	if err != nil {
		return nil, err
	}
	e, err := emulator.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer e.Close()
	p, err := newProxy(ctx, cs, e.URL)
	if err != nil {
		return nil, err
	}
	defer p.close()
	s := &script{emulator: e, proxy: p, called: methods()}
	for _, zone := range cs.service(emulator.Fyno).doc.Components.Schemas["Timezone"].Value.Enum {
		s.zones = append(s.zones, fmt.Sprint(zone))
	}
	if s.client, err = newClient(p.url, playline.FynoLive); err != nil {
		return nil, err
	}
	test, err := newClient(p.url, playline.FynoTest)
	if err != nil {
		return nil, err
	}
	for _, steps := range [][]step{
		s.players(), s.credentials(), s.fyno(s.client), s.fyno(test), s.contacts(), s.messaging(), s.gameplay(),
	} {
		if err := s.play(ctx, steps); err != nil {
			return nil, err
		}
	}
	met, err := meetStrangers(ctx, cs, p.samples)
	if err != nil {
		return nil, err
	}
	return &report{p.coverage, p.found(), p.total, s.called, p.kept, met}, nil
}

// play takes the steps one after the other, and stops at the first that does not end as it should.
func (s *script) play(ctx context.Context, steps []step) error {
	for i, step := range steps {
		if _, known := s.called[step.method]; !known {
			return fmt.Errorf("step %d: %s is no method of the SDK", i, step.method)
		}
		s.called[step.method] = true
		switch err := step.do(ctx); {
		case step.want == nil && err != nil:
			return fmt.Errorf("step %d: %s: %w", i, step.method, err)
		case step.want != nil && !errors.Is(err, step.want):
			return fmt.Errorf("step %d: %s: the error is %w, not %w", i, step.method, err, step.want)
		}
	}
	return nil
}

// newClient returns a client whose services are all behind base. SmartSender's limiter is off: it
// would make the run wait.
func newClient(base string, version playline.FynoVersion, more ...playline.Option) (*playline.Client, error) {
	return playline.New(append([]playline.Option{
		playline.WithSmooven(emulator.SmoovenKey),
		playline.WithBaseURL(playline.Smooven, base+emulator.SmoovenPath),
		playline.WithFyno(emulator.FynoWorkspace, version, emulator.FynoKey),
		playline.WithBaseURL(playline.Fyno, base+emulator.FynoPath),
		playline.WithSmartSender(emulator.SmartSenderToken),
		playline.WithBaseURL(playline.SmartSender, base+emulator.SmartSenderPath),
		playline.WithLimiter(playline.SmartSender, nil),
		playline.WithSunshine(emulator.SunshineAppID, emulator.SunshineKeyID, emulator.SunshineSecret),
		playline.WithBaseURL(playline.Sunshine, base+emulator.SunshinePath),
		playline.WithPlaySmart(),
		playline.WithBaseURL(playline.PlaySmart, base+emulator.PlaySmartPath),
	}, more...)...)
}

// methods lists every method of every service of a client.
func methods() map[string]bool {
	all := map[string]bool{}
	for service := range reflect.TypeFor[playline.Client]().Fields() {
		if !service.IsExported() {
			continue
		}
		for method := range service.Type.Methods() {
			all[service.Name+"."+method.Name] = false
		}
	}
	return all
}

// print writes a line for each thing counted.
func (r *report) print(w io.Writer) {
	for _, k := range []kind{operations, fields, forms, enumValues} {
		fmt.Fprintf(w, "%s: %d/%d\n", k, r.coverage.count(k), len(r.coverage[k]))
	}
	fmt.Fprintf(w, "methods called: %d/%d\n", len(r.called)-len(r.uncalled()), len(r.called))
	fmt.Fprintf(w, "requests and answers checked: %d, against the contract: %d\n", r.requests, len(r.findings))
	fmt.Fprintf(w, "strangers' answers believed: %d of %d\n", len(r.met.believed), r.met.asked)
}

// uncalled are the methods that the script does not call.
func (r *report) uncalled() []string {
	var names []string
	for name, was := range r.called {
		if !was {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// err returns an error that names missing and wrong items, or nil if all was covered and allowed.
func (r *report) err() error {
	var all []error
	for _, k := range []kind{operations, fields, forms, enumValues} {
		for _, name := range r.coverage.missing(k) {
			all = append(all, fmt.Errorf("missing from %s: %s", k, name))
		}
	}
	if names := r.uncalled(); len(names) > 0 {
		all = append(all, fmt.Errorf("methods not called: %s", strings.Join(names, ", ")))
	}
	for _, f := range r.findings {
		all = append(all, errors.New(f.String()))
	}
	for _, believed := range r.met.believed {
		all = append(all, fmt.Errorf("a stranger's answer was believed: %s", believed))
	}
	for name := range unsendable {
		if _, sent := r.coverage[forms][name]; sent {
			all = append(all, fmt.Errorf("sent, although it is among the unsendable: %s", name))
		}
	}
	return errors.Join(all...)
}
