package playline

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cursorOf is a cursor of the length that Sunshine's have.
func cursorOf(n int) string { return fmt.Sprintf("%024d", n) }

// TestSecurityHostilePagesEnd: an iterator goes only where its base URL is, and a server cannot keep it busy for ever.
func TestSecurityHostilePagesEnd(t *testing.T) {
	t.Parallel()
	clients := func(items int, cursor, links string) string {
		body := `{"clients":[`
		for i := range items {
			if i > 0 {
				body += ","
			}
			body += fmt.Sprintf(`{"id":"c%d"}`, i)
		}
		return body + fmt.Sprintf(`],"meta":{"hasMore":true,"afterCursor":%q},"links":%s}`, cursor, links)
	}
	for name, test := range map[string]struct {
		page     func(n int) string // the n-th answer, from 0
		requests int
		err      string // "": the walk ends well
	}{
		"a link to another host": {
			func(int) string { return clients(1, "", `{"next":"https://evil.example.net/v2/clients"}`) }, 1, "not where",
		},
		"a cursor that is an address": {
			func(int) string { return clients(1, "https://evil.example.net/", `{}`) }, 1, "must be a cursor of 24 characters",
		},
		"a cursor of 24 characters that is an address": {
			func(int) string { return clients(1, "//evil.example.net:8080/", `{}`) }, 2, "not where",
		},
		"a cursor with line breaks": {
			func(int) string { return clients(1, "a\r\nHost: evil.example.net"[:24], `{}`) }, 2, "not where",
		},
		"the same cursor for ever":    {func(int) string { return clients(1, cursorOf(0), `{}`) }, 2, "not where"},
		"two cursors in turn":         {func(n int) string { return clients(1, cursorOf(n%2), `{}`) }, 3, "in a circle"},
		"a circle of seven":           {func(n int) string { return clients(1, cursorOf(n%7), `{}`) }, 14, "in a circle"},
		"a circle behind a long tail": {func(n int) string { return clients(1, cursorOf(min(n, 40+n%3)), `{}`) }, 66, "in a circle"},
		"empty pages for ever":        {func(n int) string { return clients(0, cursorOf(n), `{}`) }, maxEmptyPages, "empty pages without end"},
		"an honest long list": {func(n int) string {
			if n == 499 {
				return `{"clients":[{"id":"last"}],"meta":{"hasMore":false}}`
			}
			return clients(n%2, cursorOf(n), `{}`)
		}, 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			c := newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				assert.Equal(t, "sunshine.example.com", req.URL.Host)
				require.Less(t, n, 1000, "the walk does not end")
				n++
				return jsonBody(200, test.page(n-1)).response(req), nil
			}))
			synctest.Test(t, func(t *testing.T) {
				_, errs := collect(c.Messaging.AllClients(t.Context(), "ace", ClientListOptions{}), func(MessagingClient) int64 { return 0 })
				if test.err == "" {
					assert.Empty(t, errs)
				} else {
					require.Len(t, errs, 1)
					require.ErrorContains(t, errs[0], test.err)
				}
			})
			assert.Equal(t, test.requests, n)
		})
	}
}

// TestSecurityPagesWithoutEndAreTheCallersToLeave: a list that always has one more page yields, so that its caller can stop; where it
// yields nothing it ends by itself.
func TestSecurityPagesWithoutEndAreTheCallersToLeave(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		collection string
		requests   int
	}{"with items": {`{"id":1}`, 3}, "empty": {"", maxEmptyPages}} {
		synctest.Test(t, func(t *testing.T) {
			n, items := 0, 0
			c := newClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				n++
				return step{body: fmt.Sprintf(`{"cursor":{"page":%d,"pages":2147483647},"collection":[%s]}`, n, test.collection)}.response(req), nil
			}))
			for _, err := range c.Contacts.All(t.Context(), PageOptions{}) {
				if err != nil {
					require.ErrorIs(t, err, ErrUnavailable)
					break
				}
				if items++; items == 3 {
					break
				}
			}
			assert.Equal(t, test.requests, n, name)
		})
	}
}
