package playline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/internal/shape"
)

// The table of shapes against the contracts, and what each call makes of an answer that is not the service's own.

// lenient are the operations whose answer no vendor documents, or documents as {}: any object is one.
var lenient = []string{
	"deleteContact", "deletePlayer", "getContactChat", "getContactInfo", "getPlayer", "getPreferences", "removeClient",
	"updatePreference", "updatePreferences",
}

// odd are members that a contract requires inside of an answer and the table does not, because what is odd there must not cost the rest.
var odd = map[string]string{
	"getProfile":       "channel.", // of a profile's channels only their tokens have members
	"listContacts":     "collection[]",
	"searchContacts":   "collection[]",
	"listContactGates": "collection[]",
}

// schema is what of a contract's schema the table has.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	AllOf      []schema          `json:"allOf"`
}

type contractFile struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas   map[string]schema           `json:"schemas"`
		Responses map[string]contractResponse `json:"responses"`
	} `json:"components"`
}

type contractResponse struct {
	Ref     string `json:"$ref"`
	Content map[string]struct {
		Schema schema `json:"schema"`
	} `json:"content"`
}

// requires lists the required members of a schema, by their path, with their types.
func (c *contractFile) requires(s schema, place string, all map[string]string) {
	if s.Ref != "" {
		s = c.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	for _, part := range s.AllOf {
		c.requires(part, place, all)
	}
	if s.Items != nil {
		c.requires(*s.Items, place+"[]", all)
	}
	for name, property := range s.Properties {
		path := strings.TrimPrefix(place+"."+name, ".")
		if slices.Contains(s.Required, name) {
			resolved := property
			if property.Ref != "" {
				resolved = c.Components.Schemas[strings.TrimPrefix(property.Ref, "#/components/schemas/")]
			}
			all[path] = resolved.Type
		}
		c.requires(property, path, all)
	}
}

func (c *contractFile) answer(r contractResponse) (schema, bool) {
	if r.Ref != "" {
		r = c.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
	}
	content, ok := r.Content["application/json"]
	return content.Schema, ok
}

func contractOf(t *testing.T, s Service) *contractFile {
	t.Helper()
	content, err := os.ReadFile("emulator/contract/" + string(s) + ".json")
	require.NoError(t, err)
	c := &contractFile{}
	require.NoError(t, json.Unmarshal(content, c))
	return c
}

// sameMembers holds a shape against a schema; members with one of the prefixes are the contract's alone.
func sameMembers(t *testing.T, name string, want map[string]string, s *shape.Shape, but string) {
	t.Helper()
	maps.DeleteFunc(want, func(path, _ string) bool { return but != "" && strings.HasPrefix(path, but) })
	got := s.Requires()
	assert.ElementsMatch(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)), name)
	kinds := map[string]string{"object": "an object", "array": "a list", "string": "text", "number": "a number", "integer": "a number", "boolean": "true or false"}
	for path, kind := range got {
		if kind != "any value" {
			assert.Equal(t, kinds[want[path]], kind, "%s: %s", name, path)
		}
	}
}

func TestTheWordOfEachOperationIsTheContracts(t *testing.T) {
	t.Parallel()
	var loose []string
	for _, o := range ops {
		c, found := contractOf(t, o.service), false
		for _, methods := range c.Paths {
			for _, raw := range methods {
				var operation struct {
					ID        string                      `json:"operationId"`
					Responses map[string]contractResponse `json:"responses"`
				}
				if json.Unmarshal(raw, &operation) != nil || operation.ID != o.id { // parameters are a list
					continue
				}
				for status, response := range operation.Responses {
					s, documented := c.answer(response)
					want := map[string]string{}
					c.requires(s, "", want)
					switch {
					case !documented:
					case status[0] != '2':
						sameMembers(t, string(o.service)+" "+status, want, dialects[o.service].errorWord, "")
					case o.word == anObjectWord:
						for path := range want {
							assert.Contains(t, path, ".", "%s documents a member of its answer", o.id)
						}
						found = true
					default:
						sameMembers(t, o.id, want, o.word, odd[o.id])
						found = true
					}
				}
			}
		}
		assert.True(t, found, "%s has no success in its contract", o.id)
		if o.word == anObjectWord {
			loose = append(loose, o.id)
		}
	}
	slices.Sort(loose)
	assert.Equal(t, lenient, loose)
}

// TestNoStrangerIsBelieved goes through all operations and what strangers answer; contracttest does so with every member taken away.
func TestNoStrangerIsBelieved(t *testing.T) {
	t.Parallel()
	eachRow(t, func(t *testing.T, r row) {
		t.Helper()
		for _, body := range []string{"", "null", "{}", "[]", `"ok"`, `{"error":{"code":"X"}}`, "<html>welcome</html>", "\ufeff{}", "{} {}"} {
			for _, status := range []int{200, 201, 202, 203, 204, 206, 299} {
				object := r.op.word == anObjectWord && (strings.Contains(body, "{}") || strings.HasPrefix(body, "{")) && body != "{} {}"
				if object || body == "" && r.op.has(mayBeEmpty) || body == "[]" && r.op == opListSuppressions {
					continue
				}
				result, err := r.call(t.Context(), r.client(t, script(jsonBody(status, body))), Retry(RetryPolicy{MaxAttempts: 1}))
				require.Error(t, err, "%d %s", status, body)
				assert.True(t, isNil(result))
				assert.Equal(t, r.retryClass(t) >= 2, errors.Is(err, ErrOutcomeUnknown), "%d %s: %v", status, body, err)
			}
		}
		for _, body := range []string{"", "{}", "<html>sorry</html>", `{"message":"no Route matched with those values"}`, `{"error":"not found"}`} {
			for _, status := range []int{400, 403, 404, 405, 409, 410, 413, 418, 422} {
				_, err := r.call(t.Context(), r.client(t, script(jsonBody(status, body))), Retry(RetryPolicy{MaxAttempts: 1}))
				require.ErrorIs(t, err, ErrUnavailable, "%d %s", status, body)
				for _, refused := range []error{ErrNotFound, ErrInvalid, ErrForbidden, ErrConflict} {
					require.NotErrorIs(t, err, refused, "%d %s", status, body)
				}
				assert.Equal(t, r.retryClass(t) >= 2, errors.Is(err, ErrOutcomeUnknown), "%d %s: %v", status, body, err)
			}
		}
	})
}

// TestAStrangers404IsNotGone: a deletion of unknown outcome is done only if the service itself says that nothing is there.
func TestAStrangers404IsNotGone(t *testing.T) {
	t.Parallel()
	quick := Retry(RetryPolicy{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1})
	_, err := newClient(t, script(step{lose: true}, failed(404))).Players.Delete(t.Context(), "ply_1", quick)
	require.ErrorIs(t, err, ErrUnavailable)
	require.NotErrorIs(t, err, ErrNotFound)
	_, err = newClient(t, script(failed(404), refusedBy(Smooven, 404))).Players.Delete(t.Context(), "ply_1", quick)
	require.NoError(t, err, "the stranger's 404 may have stood for a deletion that worked")
}

// TestOnlyTheDocumentedSuccessValidatesAPassword: everything else would let anybody in.
func TestOnlyTheDocumentedSuccessValidatesAPassword(t *testing.T) {
	t.Parallel()
	check := OTPCheck{RequestID: "r1", OTP: "000000"}
	for _, extra := range [][]Option{nil, {WithAnySuccess(Fyno)}} {
		for _, answer := range []step{
			{body: `{}`},
			{body: `{"status":"failed"}`},
			{body: `{"status":"failed","_message":"no"}`},
			{body: `{"status":"pending","_message":"wait"}`},
			{body: `{"status":"expired","_message":"too late"}`},
			{body: `{"status":"ERROR","_message":"no"}`},
			{body: `{"status":"error","_message":"no"}`},
			{body: `{"status":"OK","_message":"yes"}`},
			{body: `{"status":"ok"}`},
			{body: `{"status":"ok","_message":null}`},
			{body: `{"status":"ok","_message":"yes","status":"error"}`},
			{body: `{"status":"ok","_message":"yes","Status":"error"}`},
			{body: `[{"status":"ok","_message":"yes"}]`},
			{body: `true`},
			{status: 201, body: `{"status":"ok","_message":"yes"}`},
			{status: 202, body: `{"status":"ok","_message":"yes"}`},
			{status: 203, body: `{"status":"ok","_message":"yes"}`},
			{status: 302, body: `{"status":"ok","_message":"yes"}`},
		} {
			status, err := newClient(t, script(answer), extra...).Verify.Validate(t.Context(), check)
			require.Error(t, err, "%v", answer)
			assert.Nil(t, status)
		}
		status, err := newClient(t, script(step{body: `{"_message":"OTP successfully validated.","status":"ok"}`}), extra...).Verify.Validate(t.Context(), check)
		require.NoError(t, err)
		assert.Equal(t, "ok", status.Status)
	}
}

func TestWhyAOneTimePasswordWasRefused(t *testing.T) {
	t.Parallel()
	all := []error{ErrOTPWrong, ErrOTPUsed, ErrOTPExpired, ErrOTPAttempts, ErrOTPUnknown}
	for message, want := range map[string]error{
		"user entered the wrong OTP":                   ErrOTPWrong,
		"Invalid OTP":                                  ErrOTPWrong,
		"wrong otp for request_id 7":                   ErrOTPWrong,
		"otp already used":                             ErrOTPUsed,
		"OTP is already verified":                      ErrOTPUsed,
		"otp expired":                                  ErrOTPExpired,
		"OTP validity time exceeded, it has expired":   ErrOTPExpired,
		"otp attempts exceeded":                        ErrOTPAttempts,
		"Maximum retries reached":                      ErrOTPAttempts,
		"no otp was sent: request_id 'x' not known":    ErrOTPUnknown,
		"Invalid request_id":                           ErrOTPUnknown,
		"OTP for this destination does not exist":      ErrOTPUnknown,
		"something else":                               nil,
		"the service is not in the mood for passwords": nil,
	} {
		body, err := json.Marshal(map[string]string{"status": "error", "_message": message})
		require.NoError(t, err)
		_, err = newClient(t, script(step{status: 400, body: string(body)})).Verify.Validate(t.Context(), OTPCheck{RequestID: "r1", OTP: "000000"})
		for _, sentinel := range all {
			assert.Equal(t, errors.Is(sentinel, want), errors.Is(err, sentinel), "%s: %v", message, sentinel)
		}
		if want != nil {
			require.ErrorIs(t, err, ErrInvalid, message)
		}
		assert.NotErrorIs(t, err, ErrOutcomeUnknown)
	}
	for _, sentinel := range all {
		require.ErrorIs(t, sentinel, ErrInvalid)
	}
	_, err := newClient(t, script(step{status: 400, body: "the wrong OTP"})).Verify.Validate(t.Context(), OTPCheck{RequestID: "r1", OTP: "000000"})
	require.NotErrorIs(t, err, ErrOTPWrong, "a stranger's words")
	require.ErrorIs(t, err, ErrOutcomeUnknown, "the attempt may have counted")
}

func TestSendSaysWhatWasNotConfirmed(t *testing.T) {
	t.Parallel()
	three := gameplayBatch()
	three.Events = slices.Repeat(three.Events[:1], 3)
	for message, missing := range map[string]int{
		"accepted:3 buffered:3": 0, "accepted:1 buffered:1": 2, "accepted:0 buffered:9": 3, "accepted:9 buffered:9": 0, "accepted:2": 1,
		"buffered:1": 0, "taken": 0, "": 0, "accepted:many": 0, "accepted:-1": 3, "unaccepted:1": 0, "accepted:99999999999999999999": 0, "ok, accepted:1": 2,
	} {
		body, err := json.Marshal(map[string]any{"success": true, "message": message})
		require.NoError(t, err)
		result, err := newClient(t, script(jsonBody(202, string(body)))).Ingest.Send(t.Context(), tokenPlayer, three)
		require.NotNil(t, result, message)
		if missing == 0 {
			require.NoError(t, err, message)
			continue
		}
		var partial *PartialError
		require.ErrorAs(t, err, &partial, message)
		assert.Equal(t, []int{3, missing, 0}, []int{partial.Total, partial.Unconfirmed, len(partial.Items)}, message)
		require.ErrorContains(t, err, fmt.Sprintf("%d of 3 items were not confirmed", missing))
	}
}

func TestImportAccountsForItsPlayers(t *testing.T) {
	t.Parallel()
	three := []Player{{ExternalID: "ace"}, {ExternalID: "blitz"}, {ExternalID: "nova"}}
	for body, want := range map[string]struct{ imported, unaccounted, failed int }{
		`{"success":true,"imported":3,"errors":[]}`:                        {3, 0, 0},
		`{"success":true,"imported":1,"errors":[]}`:                        {1, 2, 0},
		`{"success":true,"imported":0,"errors":[]}`:                        {0, 3, 0},
		`{"success":false,"imported":1,"errors":[]}`:                       {1, 2, 0},
		`{"success":true,"imported":1,"errors":[{"index":1}]}`:             {1, 1, 1},
		`{"success":true,"imported":1,"errors":[{"index":1},{"index":1}]}`: {1, 1, 1},
		`{"success":true,"imported":2,"errors":[{"index":1}]}`:             {2, 0, 1},
		`{"success":true,"imported":9,"errors":[]}`:                        {3, 0, 0},
		`{"success":true,"imported":-1,"errors":[]}`:                       {0, 3, 0},
	} {
		var log strings.Builder
		c := newClient(t, script(step{body: body}), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		result, err := c.Players.Import(t.Context(), three)
		require.NotNil(t, result, body)
		assert.Equal(t, want.unaccounted, result.Unaccounted, body)
		assert.Equal(t, want.failed == 0, err == nil, body)
		assert.Equal(t, want.unaccounted > 0, strings.Contains(log.String(), fmt.Sprintf("level=WARN msg=\"playline: the answer to an import does not account for all players\" service=smooven operation=Players.Import players=3 unaccounted=%d", want.unaccounted)), body)

		var told ImportProgress
		s := script(step{body: body})
		summary, err := newClient(t, s).Players.ImportAll(t.Context(), slices.Values(three), ImportOptions{Progress: func(p ImportProgress) { told = p }})
		require.NoError(t, err, body)
		assert.Equal(t, ImportProgress{Read: 3, Imported: want.imported, Failed: want.failed, Unaccounted: want.unaccounted, Resume: ImportPoint{Next: 3}}, summary.ImportProgress, body)
		assert.Equal(t, summary.ImportProgress, told)
		assert.Equal(t, 1, s.count(), "nothing is sent again")
	}
	_, err := newClient(t, script(step{body: `{"success":false,"imported":0,"errors":[]}`})).Players.Import(t.Context(), three, Retry(RetryPolicy{MaxAttempts: 1}))
	require.ErrorIs(t, err, ErrUnavailable, "it says no, and not why")
	require.NotErrorIs(t, err, ErrOutcomeUnknown, "it says that it took nothing")
}

// TestAnySuccess: the option takes a 2xx for what it says, except where the answer is what was asked for.
func TestAnySuccess(t *testing.T) {
	t.Parallel()
	send := func(ctx context.Context, c *Client) error {
		_, err := c.Ingest.Send(ctx, tokenPlayer, gameplayBatch())
		return err
	}
	for name, test := range map[string]struct {
		answer step
		option Option
		call   func(context.Context, *Client) error
		fine   bool
	}{
		"an empty 202":              {step{status: 202}, WithAnySuccess(PlaySmart), send, true},
		"a page":                    {step{status: 200, body: "<html>"}, WithAnySuccess(PlaySmart), send, true},
		"{}":                        {step{status: 202, body: "{}"}, WithAnySuccess(PlaySmart), send, true},
		"success:false":             {step{status: 202, body: `{"success":false,"message":"full"}`}, WithAnySuccess(PlaySmart), send, false},
		"a page with 400":           {failed(400), WithAnySuccess(PlaySmart), send, false},
		"another service's":         {step{status: 202}, WithAnySuccess(Fyno), send, false},
		"a player who is asked for": {step{body: "<html>"}, WithAnySuccess(Smooven), func(ctx context.Context, c *Client) error { return getPlayer(ctx, c) }, false},
		"a token that is asked for": {step{body: "{}"}, WithAnySuccess(PlaySmart), func(ctx context.Context, c *Client) error {
			_, err := c.Accounts.Login(ctx, Credentials{"ace@example.com", "x"})
			return err
		}, false},
		"a registration that is not": {step{body: "[]"}, WithAnySuccess(Smooven), func(ctx context.Context, c *Client) error {
			_, err := c.Players.Register(ctx, Player{ExternalID: "ace"})
			return err
		}, true},
	} {
		err := test.call(t.Context(), newClient(t, script(test.answer), test.option, WithRetryPolicy(RetryPolicy{MaxAttempts: 1})))
		assert.Equal(t, test.fine, err == nil, "%s: %v", name, err)
	}
	_, err := New(WithPlaySmart(), WithAnySuccess("elsewhere"))
	require.ErrorContains(t, err, "WithAnySuccess: service must be one of the five services")
}

// TestATyped429DoesNotHoldTheBatcher: they share the limiter, and the pause of one player is not that of all.
func TestATyped429DoesNotHoldTheBatcher(t *testing.T) {
	t.Parallel()
	c := newClient(t, script(failed(429, "Retry-After", "3600")))
	sender, err := c.newIngestSender()
	require.NoError(t, err)
	_, err = c.Ingest.Send(t.Context(), tokenPlayer, gameplayBatch(), Retry(RetryPolicy{MaxAttempts: 1}))
	require.ErrorIs(t, err, ErrRateLimited)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(t, sender.request.Service.Gate.Wait(ctx), "the batcher's requests are held")
	require.Error(t, c.endpoints[PlaySmart].Gate.Wait(ctx), "the typed calls are not")
}
