package playline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// playersUpTo yields n players lazily, each with its place as external id; change may spoil some.
func playersUpTo(n int, change func(i int, p *Player)) iter.Seq[Player] {
	return func(yield func(Player) bool) {
		for i := range n {
			p := Player{ExternalID: fmt.Sprintf("player-%d", i)}
			if change != nil {
				change(i, &p)
			}
			if !yield(p) {
				return
			}
		}
	}
}

// importServer counts how often each player arrived. answer decides on a request before it is stored: nil takes all of it.
type importServer struct {
	mu       sync.Mutex
	stored   map[string]int
	requests [][]string
	answer   func(n int, ids []string) (s step, stores bool)
	delay    func(n int) time.Duration
}

func (s *importServer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var in struct{ Players []Player }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Players))
	for i, p := range in.Players {
		ids[i] = p.ExternalID
	}
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, ids)
	s.mu.Unlock()
	if s.delay != nil {
		time.Sleep(s.delay(n))
	}
	answer, stores := step{body: fmt.Sprintf(`{"success":true,"imported":%d,"errors":[]}`, len(ids))}, true
	if s.answer != nil {
		if a, st := s.answer(n, ids); a.status != 0 || a.body != "" || a.lose || a.hang {
			answer, stores = a, st
		}
	}
	s.mu.Lock()
	if stores {
		if s.stored == nil {
			s.stored = map[string]int{}
		}
		for _, id := range ids {
			s.stored[id]++
		}
	}
	s.mu.Unlock()
	switch {
	case answer.lose:
		return nil, io.ErrUnexpectedEOF
	case answer.hang:
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return answer.response(req), nil
}

func importAll(t *testing.T, server http.RoundTripper, players iter.Seq[Player], o ImportOptions, opts ...RequestOption) (*ImportSummary, error) {
	t.Helper()
	return newClient(t, server).Players.ImportAll(t.Context(), players, o, opts...)
}

func TestImportAllSendsEverybodyOnceInChunks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 999, 1000, 1001, 2500} {
		for _, concurrency := range []int{0, 1, 4} {
			synctest.Test(t, func(t *testing.T) {
				server := &importServer{}
				summary, err := importAll(t, server, playersUpTo(n, nil), ImportOptions{Concurrency: concurrency})
				require.NoError(t, err)
				assert.Equal(t, ImportProgress{Read: n, Imported: n, Resume: ImportPoint{Next: n}}, summary.ImportProgress)
				assert.Equal(t, ImportPoint{Next: n, Done: summary.Resume.Done}, summary.Resume)
				assert.Empty(t, summary.Resume.Done)
				assert.Empty(t, summary.Failures)
				assert.Len(t, server.stored, n)
				assert.Len(t, server.requests, (n+999)/1000)
				for _, ids := range server.requests {
					assert.LessOrEqual(t, len(ids), 1000)
				}
			})
		}
	}
}

func TestImportAllNamesEveryFailedPlayer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &importServer{answer: func(_ int, ids []string) (step, bool) {
			i := slices.Index(ids, "player-2100")
			if i < 0 {
				return step{}, true
			}
			return step{body: fmt.Sprintf(`{"success":false,"imported":%d,"errors":[{"index":%d,"code":"blocked"}]}`, len(ids)-1, i)}, true
		}}
		players := playersUpTo(2500, func(i int, p *Player) {
			switch i {
			case 0:
				p.ExternalID = ""
			case 1200, 2000: // 1200 doubles one of its own chunk, 2000 one of the chunk before
				p.ExternalID = "player-1100"
			case 2499:
				p.Channels.SMS = "none"
			}
		})
		summary, err := importAll(t, server, players, ImportOptions{})
		require.NoError(t, err, "failed players are no failed import")
		assert.Equal(t, ImportProgress{Read: 2500, Imported: 2496, Failed: 4, Resume: ImportPoint{Next: 2500}}, summary.ImportProgress)
		var places []int
		for _, f := range summary.Failures {
			places = append(places, f.Index)
			require.Error(t, f)
			assert.Contains(t, f.Error(), fmt.Sprintf("player %d: ", f.Index))
		}
		assert.Equal(t, []int{0, 1200, 2100, 2499}, places)
		assert.Equal(t, "none", summary.Failures[3].Player.Channels.SMS)
		require.ErrorIs(t, summary.Failures[0], ErrInvalid)
		require.ErrorContains(t, summary.Failures[1], "external_id must be unique within 1000 players")
		var item ItemError
		require.ErrorAs(t, summary.Failures[2], &item)
		assert.Equal(t, []any{2100, "blocked"}, []any{item.Index, item.Code}, "the place is that in the whole input")
		assert.Equal(t, 2500, summary.Resume.Next)
		assert.Equal(t, 2, server.stored["player-1100"], "an id twice in different chunks is an update")
	})
}

func TestImportAllBlamesAllWhereTheServiceNamesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &importServer{answer: func(int, []string) (step, bool) {
			return step{body: `{"success":true,"imported":2,"errors":[{"message":"one failed"},{"index":1,"message":"and this"}]}`}, true
		}}
		summary, err := importAll(t, server, playersUpTo(3, nil), ImportOptions{})
		require.NoError(t, err)
		require.Len(t, summary.Failures, 3, "saying so loses nobody")
		for i, want := range []string{"one failed", "and this", "one failed"} {
			require.ErrorContains(t, summary.Failures[i], want)
		}
	})
}

func TestImportAllGoesOnAfterARefusedChunk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &importServer{answer: func(_ int, ids []string) (step, bool) {
			if slices.Contains(ids, "player-1000") {
				return step{status: 422, body: `{"success":false,"error":{"code":"odd","message":"no"}}`}, false
			}
			return step{}, true
		}}
		summary, err := importAll(t, server, playersUpTo(2500, nil), ImportOptions{})
		require.NoError(t, err)
		assert.Equal(t, ImportProgress{Read: 2500, Imported: 1500, Failed: 1000, Resume: ImportPoint{Next: 2500}}, summary.ImportProgress)
		assert.Equal(t, 1000, summary.Failures[0].Index)
		assert.Equal(t, 1999, summary.Failures[999].Index)
		var e *Error
		require.ErrorAs(t, summary.Failures[0], &e)
		assert.Equal(t, "odd", e.Code)
		assert.Equal(t, 2500, summary.Resume.Next)
	})
}

func TestImportAllStopsWhereGoingOnWouldNotHelp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step    step
		is      error
		unknown bool
	}{
		"unauthorized":    {refusedBy(Smooven, 401), ErrUnauthorized, false},
		"forbidden":       {refusedBy(Smooven, 403), ErrForbidden, false},
		"a page with 403": {failed(403), ErrUnavailable, true},
		"throttled":       {failed(429), ErrRateLimited, false},
		"down for now":    {failed(503, "Retry-After", "1"), ErrUnavailable, false},
		"broken":          {failed(500), ErrUnavailable, true},
		"a lost answer":   {step{lose: true}, ErrUnavailable, true},
		"unreadable":      {step{body: "{"}, ErrOutcomeUnknown, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				works := false
				server := &importServer{answer: func(n int, _ []string) (step, bool) {
					if works || n == 0 {
						return step{}, true
					}
					return test.step, test.unknown
				}}
				read := 0
				players := playersUpTo(5500, func(i int, p *Player) { read = max(read, i+1) })
				summary, err := importAll(t, server, players, ImportOptions{Concurrency: 1})
				require.ErrorIs(t, err, test.is)
				require.NotNil(t, summary)
				assert.LessOrEqual(t, read, 3001, "it went on reading")
				assert.Equal(t, read, summary.Read)
				assert.Equal(t, 1000, summary.Imported)
				if test.unknown {
					assert.Equal(t, 1000, summary.Failed, "the players in doubt are failures")
					assert.Equal(t, 2000, summary.Resume.Next, "and are not sent again")
					require.ErrorIs(t, summary.Failures[0], ErrOutcomeUnknown)
				} else {
					assert.Zero(t, summary.Failed)
					assert.Equal(t, 1000, summary.Resume.Next)
					require.ErrorContains(t, err, "stopped before player 1000")
				}

				works = true
				rest, err := importAll(t, server, playersUpTo(5500, nil), ImportOptions{Concurrency: 1, Resume: summary.Resume})
				require.NoError(t, err)
				assert.Equal(t, ImportProgress{Read: 5500, Imported: 4500 - summary.Failed, Resume: ImportPoint{Next: 5500}}, rest.ImportProgress)
				assert.Equal(t, 5500, rest.Resume.Next)
				for i := range 5500 {
					require.Equal(t, 1, server.stored[fmt.Sprintf("player-%d", i)], "player %d", i)
				}
			})
		})
	}
}

func TestImportAllEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &importServer{answer: func(n int, _ []string) (step, bool) {
			if n < 2 {
				return step{}, true
			}
			return step{hang: true}, true
		}}
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(time.Second, cancel).Stop()
		started := time.Now()
		summary, err := newClient(t, server).Players.ImportAll(ctx, playersUpTo(10_000, nil), ImportOptions{Concurrency: 2})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Second, time.Since(started))
		assert.Equal(t, 2000, summary.Imported)
		assert.Equal(t, 2000, summary.Failed, "what was under way is in doubt")
		require.ErrorIs(t, summary.Failures[0], ErrOutcomeUnknown)
		assert.Equal(t, 4000, summary.Resume.Next)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server := &importServer{}
	summary, err := newClient(t, server).Players.ImportAll(ctx, playersUpTo(5000, nil), ImportOptions{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, summary.Resume.Next)
	assert.Empty(t, server.requests)
}
