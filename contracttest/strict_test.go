package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/emulator"
)

// The emulator checks requests with a validator of its own. Here the two are asked about the same
// requests: those that the run of the SDK sent, each changed in every way that its contract
// suggests.
func TestTheEmulatorIsAsStrictAsTheContracts(t *testing.T) {
	report, err := run(t.Context(), contractsDir)
	require.NoError(t, err)
	cs := loaded(t)
	var forbidden, allowed int
	var wrong []string
	for _, m := range report.kept {
		in, err := cs.request(m.request(t.Context()), m.body)
		require.NoError(t, err, "what was valid in the run is valid now")
		for _, v := range variants(in, m) {
			problem, legal := judge(t.Context(), cs, v)
			if legal {
				allowed++
			} else {
				forbidden++
			}
			if _, known := undocumented[v.operation+": "+v.what]; problem != "" && !known {
				wrong = append(wrong, fmt.Sprintf("%s: %s: %s", v.operation, v.what, problem))
			}
		}
	}
	t.Logf("%d requests of the run, %d mutants: %d forbidden by the contract, %d allowed; judged otherwise: %d",
		len(report.kept), forbidden+allowed, forbidden, allowed, len(wrong))
	slices.Sort(wrong)
	require.Empty(t, slices.Compact(wrong), strings.Join(wrong, "\n"))
	require.NotZero(t, forbidden)
	require.NotZero(t, allowed)
}

// undocumented are answers that the contract has no status for, with the reason why the emulator
// gives them.
var undocumented = map[string]string{
	"listSuppressions: a body where none is known": "the contract has 200 and 401 only, and a body is neither",
}

// request is m as an emulator in this process takes it.
func (m message) request(ctx context.Context) *http.Request {
	r, err := http.NewRequestWithContext(ctx, m.method, "http://127.0.0.1"+m.uri, bytes.NewReader(m.body))
	if err != nil {
		panic(err) // it was a URL before
	}
	r.Header = m.header.Clone()
	return r
}

// judge sends a request to a fresh emulator, and says what is wrong with how the emulator takes it:
// what the contract forbids must be refused for that reason, in the service's own words; what it
// allows must not be called a violation. It reports what the contract says, too.
func judge(ctx context.Context, cs contracts, v variant) (problem string, legal bool) {
	in, forbidden := cs.request(v.request(ctx), v.body)
	e := emulator.New()
	resp, err := e.RoundTrip(v.request(ctx))
	if err != nil {
		return "no answer: " + err.Error(), forbidden == nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "no answer: " + err.Error(), forbidden == nil
	}
	violation := e.Requests()[0].Violation
	switch {
	case forbidden == nil && violation != "":
		return fmt.Sprintf("allowed, but refused: %s", violation), true
	case forbidden == nil && (strings.Contains(string(body), "cannot be read") || strings.Contains(string(body), "unmarshal")):
		return fmt.Sprintf("allowed, but not understood: %s", body), true
	case forbidden == nil:
		if err := cs.answer(ctx, in, resp.StatusCode, resp.Header, body); err != nil {
			return fmt.Sprintf("allowed, but the answer %d is against the contract: %v", resp.StatusCode, err), true
		}
		return "", true
	case in == nil:
		return fmt.Sprintf("no operation: %v", forbidden), false
	}
	rule := newFinding(v.operation, "request", forbidden)
	switch {
	case rule.rule == "security" && resp.StatusCode != http.StatusUnauthorized:
		return fmt.Sprintf("without credentials, and the status is %d", resp.StatusCode), false
	case rule.rule != "security" && violation == "":
		return fmt.Sprintf("forbidden (%v), but let in: %d", rule, resp.StatusCode), false
	case resp.StatusCode < 400 || resp.StatusCode > 499:
		return fmt.Sprintf("forbidden (%v), and the status is %d", rule, resp.StatusCode), false
	}
	if err := cs.answer(ctx, in, resp.StatusCode, resp.Header, body); err != nil {
		return fmt.Sprintf("refused, but the answer %d is against the contract: %v", resp.StatusCode, err), false
	}
	return "", false
}
