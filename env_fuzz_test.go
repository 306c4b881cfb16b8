package playline

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// planted is in every value that must not be seen: the credentials, and the user part of a URL.
const planted = "zq7planted"

// FuzzEnvironment: whatever the variables hold, NewFromEnv returns a client or an error, never both and never a panic; the error
// names a variable; and neither the error nor one of a call with that client repeats a credential.
func FuzzEnvironment(f *testing.F) {
	f.Add(uint(0), "", "", "")
	f.Add(^uint(0), "ace", "https://example.com/x", "live")
	f.Add(^uint(0), "a/b?c#d", "http://127.0.0.1:1", "test")
	f.Add(^uint(0), " \t\n", "https://user:"+planted+"@example.com", "app")
	f.Add(uint(0b1010101010101010), "a\x00b", "https://[::1", "\xff")
	f.Add(^uint(0), "..", "https://example.com/%zz?"+planted+"=1#"+planted, "account")
	f.Add(uint(1<<10), "", "ftp://"+planted+".example.com", "")
	names := envNames()
	f.Fuzz(func(t *testing.T, set uint, text, url, choice string) {
		values := map[string]string{}
		for i, name := range names {
			switch {
			case set>>i&1 == 0:
			case strings.HasSuffix(name, "_URL"):
				values[name] = url
			case strings.HasSuffix(name, "_VERSION"), strings.HasSuffix(name, "_SCOPE"):
				values[name] = choice
			case strings.HasSuffix(name, "_WORKSPACE"), strings.HasSuffix(name, "_APP_ID") && !strings.Contains(name, "SMOOVEN"):
				values[name] = text // ids, which stand in paths
			case text != "":
				values[name] = planted + text
			}
		}
		c, err := newFromEnv(func(name string) string { return values[name] }, []Option{
			WithHTTPClient(newHTTPClient(roundTripper(refuseWithTheKey))),
			WithRetryPolicy(RetryPolicy{MaxAttempts: 1}), WithLimiter(SmartSender, nil),
		})
		if (c == nil) == (err == nil) {
			t.Fatalf("client %v, error %v", c, err)
		}
		if err != nil {
			holdsNothingPlanted(t, err, values)
			named := func(name string) bool { return strings.Contains(err.Error(), name) }
			if !slices.ContainsFunc(names, named) {
				t.Fatalf("names no variable: %v", err)
			}
			return
		}
		for service := range c.endpoints {
			if !slices.ContainsFunc(names, func(name string) bool {
				return strings.Contains(name, strings.ToUpper(string(service))) && strings.TrimSpace(values[name]) != ""
			}) && service != PlaySmart {
				t.Fatalf("%s is configured by nothing", service)
			}
		}
		holdsNothingPlanted(t, fmt.Errorf("client: %+v %#v %+v", c, *c, *c.Players), values)
		for _, err := range []error{
			errorOf(c.Players.Get(t.Context(), "ace")), errorOf(c.Profiles.Get(t.Context(), "ace")), errorOf(c.Contacts.Get(t.Context(), 1)),
			errorOf(c.Messaging.ListClients(t.Context(), "ace", ClientListOptions{})),
			errorOf(c.Accounts.Login(t.Context(), Credentials{Email: "ace@example.com", Password: planted})),
		} {
			if err == nil {
				t.Fatal("a 403 was no error")
			}
			holdsNothingPlanted(t, err, values)
		}
	})
}

// refuseWithTheKey is a service that repeats in its refusal what it was sent as credentials.
func refuseWithTheKey(req *http.Request) (*http.Response, error) {
	key := strconv.Quote(req.Header.Get("Authorization"))
	return jsonBody(403, `{"message":`+key+`,"_message":`+key+`,"error":{"code":403,"message":`+key+`},"errors":[{"code":`+key+`,"title":`+key+`}]}`).response(req), nil
}

// envNames returns every variable that NewFromEnv reads.
func envNames() []string {
	var names []string
	for _, s := range envServices {
		names = slices.Concat(names, s.required, s.optional, []string{s.url})
	}
	return names
}

func errorOf[T any](_ T, err error) error { return err }

func holdsNothingPlanted(t *testing.T, err error, values map[string]string) {
	t.Helper()
	for _, form := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		if strings.Contains(strings.ToLower(form), planted) {
			t.Fatalf("a credential is seen: %s\nof %q", form, values)
		}
	}
}
