package playline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contactPages serves pages of two contacts each and returns the queries that were asked.
func contactPages(pages int, fail int) (*httpmock.MockTransport, *[]string) {
	var asked []string
	mock := httpmock.NewMockTransport()
	serve := func(req *http.Request) (*http.Response, error) {
		asked = append(asked, req.URL.RawQuery)
		page, _ := strconv.Atoi(req.URL.Query().Get("page"))
		page = max(page, 1)
		if page == fail {
			return httpmock.NewStringResponse(403, `{"error":{"code":403,"message":"no"}}`), nil
		}
		body := fmt.Sprintf(`{"cursor":{"page":%d,"pages":%d},"collection":[{"id":%d},{"id":%d}]}`, page, pages, 2*page-1, 2*page)
		return httpmock.NewStringResponse(200, body), nil
	}
	for _, path := range []string{"/contacts", "/contacts/search", "/contacts/101/gates"} {
		mock.RegisterResponder(http.MethodGet, baseOf(SmartSender)+path, serve)
	}
	return mock, &asked
}

// collect walks an iterator and returns the ids of its items, and its errors.
func collect[T any](seq iter.Seq2[T, error], id func(T) int64) (ids []int64, errs []error) {
	for item, err := range seq {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids = append(ids, id(item))
	}
	return ids, errs
}

func contactID(c Contact) int64 { return c.ID }

func TestIteratorsWalkAllPagesWithTheirOptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		walk func(context.Context, *Client) ([]int64, []error)
		want []string
	}{
		"Contacts.All": {
			func(ctx context.Context, c *Client) ([]int64, []error) {
				return collect(c.Contacts.All(ctx, PageOptions{Size: 2}), contactID)
			},
			[]string{"limitation=2", "limitation=2&page=2", "limitation=2&page=3"},
		},
		"Contacts.SearchAll": {
			func(ctx context.Context, c *Client) ([]int64, []error) {
				return collect(c.Contacts.SearchAll(ctx, "ace", PageOptions{Size: 2}), contactID)
			},
			[]string{"limitation=2&term=ace", "limitation=2&page=2&term=ace", "limitation=2&page=3&term=ace"},
		},
		"Contacts.AllGates": {
			func(ctx context.Context, c *Client) ([]int64, []error) {
				return collect(c.Contacts.AllGates(ctx, 101, PageOptions{Size: 2}), func(g Gate) int64 { return g.ID })
			},
			[]string{"limitation=2", "limitation=2&page=2", "limitation=2&page=3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock, asked := contactPages(3, 0)
			ids, errs := test.walk(t.Context(), newClient(t, mock))
			assert.Empty(t, errs)
			assert.Equal(t, []int64{1, 2, 3, 4, 5, 6}, ids)
			assert.Equal(t, test.want, *asked)
		})
	}
}

func TestIteratorsAreLazyAndStopAtABreak(t *testing.T) {
	t.Parallel()
	mock, asked := contactPages(3, 0)
	all := newClient(t, mock).Contacts.All(t.Context(), PageOptions{})
	assert.Empty(t, *asked, "a page was fetched before the walk")
	for c, err := range all {
		require.NoError(t, err)
		assert.Len(t, *asked, int(c.ID+1)/2, "a page was fetched before its time")
		if c.ID == 4 {
			break
		}
	}
	assert.Len(t, *asked, 2)

	ids, errs := collect(all, contactID) // a second walk starts over
	assert.Empty(t, errs)
	assert.Equal(t, []int64{1, 2, 3, 4, 5, 6}, ids)
	assert.Equal(t, []string{"", "page=2", "", "page=2", "page=3"}, *asked)
}

func TestIteratorsGiveAnErrorOnceAndEnd(t *testing.T) {
	t.Parallel()
	mock, asked := contactPages(3, 2)
	ids, errs := collect(newClient(t, mock).Contacts.All(t.Context(), PageOptions{}), contactID)
	assert.Equal(t, []int64{1, 2}, ids)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrForbidden)
	assert.Len(t, *asked, 2)

	_, errs = collect(newClient(t, mock).Contacts.All(t.Context(), PageOptions{Size: 21}), contactID)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ErrInvalid)
	assert.Len(t, *asked, 2, "a wrong option was sent")
}

func TestIteratorsStartAtTheirPage(t *testing.T) {
	t.Parallel()
	mock, asked := contactPages(3, 0)
	ids, errs := collect(newClient(t, mock).Contacts.All(t.Context(), PageOptions{Page: 3}), contactID)
	assert.Empty(t, errs)
	assert.Equal(t, []int64{5, 6}, ids)
	assert.Equal(t, []string{"page=3"}, *asked)
}

func TestIteratorsEndWhereAServerRepeatsItsPages(t *testing.T) {
	t.Parallel()
	const page = `{"cursor":{"page":1,"pages":3},"collection":[{"id":1}]}`
	s := script(step{body: page})
	ids, errs := collect(newClient(t, s).Contacts.All(t.Context(), PageOptions{}), contactID)
	assert.Empty(t, errs)
	assert.Len(t, ids, 3)
	assert.Equal(t, 3, s.count())

	const cursor = "aaaaaaaaaaaaaaaaaaaaaaaa"
	for name, o := range map[string]ClientListOptions{"forwards": {}, "backwards": {Before: "bbbbbbbbbbbbbbbbbbbbbbbb"}} {
		s = script(step{body: `{"clients":[{"id":"c1"}],"meta":{"hasMore":true,"afterCursor":"` + cursor + `","beforeCursor":"` + cursor + `"}}`})
		_, errs = collect(newClient(t, s).Messaging.AllClients(t.Context(), "ace", o), func(MessagingClient) int64 { return 0 })
		require.Len(t, errs, 1, name)
		require.ErrorIs(t, errs[0], ErrUnavailable, name)
		assert.Equal(t, 2, s.count(), name)
	}
	for _, o := range []ClientListOptions{{}, {After: cursor}, {Before: cursor}} {
		s = script(step{body: `{"clients":[{"id":"c1"}],"meta":{"hasMore":true}}`})
		ids, errs := collect(newClient(t, s).Messaging.AllClients(t.Context(), "ace", o), func(MessagingClient) int64 { return 1 })
		assert.Len(t, ids, 1, "what there is comes first")
		require.Len(t, errs, 1)
		require.ErrorContains(t, errs[0], "there is more and not where", "a list that is cut in silence would be taken for the whole")
		assert.Equal(t, 1, s.count())
	}
	for name, meta := range map[string]string{"no more": `{"hasMore":false,"afterCursor":"` + cursor + `"}`} {
		s = script(step{body: `{"clients":[],"meta":` + meta + `}`})
		_, errs = collect(newClient(t, s).Messaging.AllClients(t.Context(), "ace", ClientListOptions{}), func(MessagingClient) int64 { return 0 })
		assert.Empty(t, errs, name)
		assert.Equal(t, 1, s.count(), name)
	}
}

func TestAllClientsGoesByTheCursor(t *testing.T) {
	t.Parallel()
	page := func(id, after string, more bool) step {
		return step{body: fmt.Sprintf(`{"clients":[{"id":%q}],"meta":{"hasMore":%t,"afterCursor":%q}}`, id, more, after)}
	}
	s := script(page("c1", "aaaaaaaaaaaaaaaaaaaaaaaa", true), page("c2", "bbbbbbbbbbbbbbbbbbbbbbbb", true), page("c3", "", false))
	var ids []string
	var last Response
	for client, err := range newClient(t, s).Messaging.AllClients(t.Context(), "ace", ClientListOptions{Size: 1, BrandID: "b1"},
		Header("X-Trace", "t1"), CaptureResponse(&last)) {
		require.NoError(t, err)
		ids = append(ids, client.ID)
		assert.Contains(t, string(last.Body()), client.ID, "the captured response is that of the page")
	}
	assert.Equal(t, []string{"c1", "c2", "c3"}, ids)
	var queries []string
	for _, in := range s.seen {
		queries = append(queries, in.query)
		assert.Equal(t, "t1", in.header.Get("X-Trace"), "a request option was lost on the way")
	}
	assert.Equal(t, []string{
		"brandId=b1&page%5Bsize%5D=1",
		"brandId=b1&page%5Bafter%5D=aaaaaaaaaaaaaaaaaaaaaaaa&page%5Bsize%5D=1",
		"brandId=b1&page%5Bafter%5D=bbbbbbbbbbbbbbbbbbbbbbbb&page%5Bsize%5D=1",
	}, queries)
}

func TestIteratorsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	mock, asked := contactPages(3, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var errs []error
	for c, err := range newClient(t, mock).Contacts.All(ctx, PageOptions{}) {
		if err != nil {
			errs = append(errs, err)
		} else if c.ID == 2 {
			cancel()
		}
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.Canceled)
	assert.Len(t, *asked, 1)
	assert.False(t, slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, ErrUnavailable) }))
}
