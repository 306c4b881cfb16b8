package playline

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/playline/playline-go/internal/redact"
	"github.com/playline/playline-go/internal/transport"
	"github.com/playline/playline-go/internal/wire"
)

// FuzzErrorDecoders: whatever a service or a gateway answers, each of the five decoders lives through it, knows a failure from the
// status, and its words are fit for a log.
func FuzzErrorDecoders(f *testing.F) {
	for _, r := range refusals {
		f.Add(r.status, []byte(r.body))
		f.Add(200, []byte(r.body))
	}
	for _, body := range []string{
		"", "null", "<html>", `{"error":null}`, `{"error":[]}`, `{"error":{"code":1e400}}`, `{"errors":[null,{"code":{}}]}`, `{"success":"false"}`,
		`{"state":false}`, `{"status":"error"}`, `{"error":{"message":"ace@example.com \n+61400000000"}}`, "{\"_message\":\"\xff\"}",
	} {
		f.Add(500, []byte(body))
		f.Add(202, []byte(body))
	}
	c := newClient(f, script())
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		for _, o := range []*op{opGetPlayer, opGetProfile, opGetContact, opListClients, opIngestEvents} {
			refusal := c.endpoints[o.service].Refusal(status, body)
			if refusal == nil {
				if status >= 300 {
					t.Fatalf("%s: status %d is no success", o.service, status)
				}
				continue
			}
			if refusal.Status < 300 || refusal.Status > 599 {
				t.Fatalf("%s: means status %d", o.service, refusal.Status)
			}
			err := c.failed(o, input{}, &transport.Response{Status: status, Body: body, Attempts: 1}, &transport.Failure{Refusal: refusal})
			var e *Error
			if !errors.As(err, &e) || e.StatusCode != status {
				t.Fatalf("%s: the status %d is lost: %v", o.service, status, err)
			}
			for _, words := range []string{e.Code, e.Message} {
				switch {
				case strings.ContainsFunc(words, unicode.IsControl), redact.Holds(words, nil), strings.Contains(words, keySmooven):
					t.Fatalf("%s: not fit for a log: %q", o.service, words)
				case utf8.RuneCountInString(words) > maxMessage+3:
					t.Fatalf("%s: %d characters", o.service, utf8.RuneCountInString(words))
				}
			}
		}
	})
}

// FuzzQuerystring: every text in every options struct comes out of its query as it went in, and no empty field goes out.
func FuzzQuerystring(f *testing.F) {
	f.Add("ace", "b&c=d", "\u00fcn\u00ef #?/%2F+ ", 7, true)
	f.Add("", "", "", 0, false)
	f.Add("\x00", "\xff", "a\r\nb", -1, true)
	f.Fuzz(func(t *testing.T, a, b, c string, n int, on bool) {
		for _, test := range []struct {
			options any
			want    url.Values
		}{
			{PageOptions{Page: n, Size: n}, texts("page", number10(n), "limitation", number10(n))},
			{searchQuery{PageOptions{Page: n}, a}, with(texts("page", number10(n)), "term", a)},
			{preferencesQuery{a, on}, with(texts("event_list", ifSo(on, "true")), "distinct_id", a)},
			{SuppressionKey{a, b, c}, texts("_id", a, "distinct_id", b, "destination", c)},
			{otpQuery{a, b, c}, with(texts("request_id", a, "destination", b), "otp", c)},
			{ClientListOptions{a, b, c, n}, texts("brandId", a, "page[after]", b, "page[before]", c, "page[size]", number10(n))},
			{BrandOptions{a}, texts("brandId", a)},
		} {
			query, err := wire.Query(test.options)
			if err != nil {
				t.Fatalf("%T: %v", test.options, err)
			}
			got, err := url.ParseQuery(query)
			if err != nil {
				t.Fatalf("%T: %q: %v", test.options, query, err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Fatalf("%T: %q gives %v, not %v", test.options, query, got, test.want)
			}
		}
	})
}

// texts returns a query of the pairs whose value is not empty.
func texts(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// with adds a pair that goes out empty too.
func with(v url.Values, name, value string) url.Values {
	v.Set(name, value)
	return v
}

func ifSo(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

func number10(n int) string {
	if n == 0 {
		return ""
	}
	text, _ := json.Marshal(n)
	return string(text)
}

// FuzzResponses: an answer of any operation is a result or a typed error with words that are fit for a log, never a panic, never
// nothing at all; and nothing but a 2xx is a success, whole or in part.
func FuzzResponses(f *testing.F) {
	for i, r := range rows {
		f.Add(i, r.status, []byte(r.reply))
	}
	for i := range rows {
		f.Add(i, 404, []byte(`{"error":{"code":404,"message":"ace@example.com"},"message":["+61400000000"],"errors":[{"title":"`+keyFyno+`"}]}`))
		f.Add(i, 503, []byte("<html>"))
		for _, body := range []string{"", "null", "{}", "[]", `"x"`, "1e999", `{"variables":null,"a":1}`, `{"errors":[{"index":"x"},null,7]}`, `{"response":[null,{"seq":-1}]}`} {
			f.Add(i, 200, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, i, status int, body []byte) {
		if i < 0 || i >= len(rows) || status < 200 || status > 599 {
			return
		}
		c := rows[i].client(t, script(step{status: status, body: string(body)}))
		c.retry.MaxAttempts = 1
		c.endpoints[SmartSender].Gate = transport.NewGate(nil)
		result, err := rows[i].call(t.Context(), c)
		if err == nil && isNil(result) {
			t.Fatalf("%s: neither a result nor an error", rows[i].name())
		}
		if err != nil {
			var partial *PartialError
			var e *Error
			switch isPartial := errors.As(err, &partial); {
			case !isPartial && !errors.As(err, &e):
				t.Fatalf("%s: %T: %v", rows[i].name(), err, err)
			case !isPartial && !isNil(result):
				t.Fatalf("%s: a result beside an error: %v", rows[i].name(), err)
			case isPartial && status > 299:
				t.Fatalf("%s: status %d is no success in part: %v", rows[i].name(), status, err)
			case !isPartial && e.StatusCode != status:
				t.Fatalf("%s: status %d became %d", rows[i].name(), status, e.StatusCode)
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			for _, secret := range []string{keySmooven, keyFyno, keySmartSender, keySunshine, tokenPlayer} {
				if strings.Contains(text, secret) && rows[i].auth() != "" && strings.Contains(rows[i].auth(), secret) {
					t.Fatalf("%s: a credential is seen: %s", rows[i].name(), text)
				}
			}
			if strings.ContainsFunc(text, unicode.IsControl) || redact.Holds(text, nil) {
				t.Fatalf("%s: not fit for a log: %q", rows[i].name(), text)
			}
		} else if status > 299 {
			t.Fatalf("%s: status %d is no success", rows[i].name(), status)
		}
		if !isNil(result) {
			if _, err := json.Marshal(result); err != nil {
				t.Fatalf("%s: the result cannot be written: %v", rows[i].name(), err)
			}
		}
	})
}
