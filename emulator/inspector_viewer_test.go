package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watch returns a viewer of a view, and what gives its next frame as the page gets it.
func watch(t testing.TB, e *Emulator, query string) (next func() answer) {
	t.Helper()
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	v := newViewer(&inspector{emulator: e}, values)
	return func() answer {
		f, ok := v.next(time.Now())
		if !ok {
			return answer{}
		}
		text, err := json.Marshal(f)
		require.NoError(t, err)
		a := answer{text: string(text)}
		require.NoError(t, json.Unmarshal(text, &a.body))
		return a
	}
}

func shownIn(a answer) []any {
	rows, _ := a.body["rows"].([]any)
	return rows
}

func TestAViewerGetsEachRowOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		token := e.Token("device-abc-123", time.Hour)
		for _, view := range []string{"events", "requests"} {
			next := watch(t, e, "view="+view)
			first := len(shownIn(next()))
			assert.Empty(t, next().body, "nothing happened, and the last frame is not a second ago")
			require.Equal(t, 202, ingest(t, e, token, "device-abc-123", appOpen).status)
			a := next()
			assert.Len(t, shownIn(a), 1)
			assert.EqualValues(t, first+1, a.body[view])
			assert.Nil(t, a.body["reset"])
			time.Sleep(time.Second)
			a = next()
			assert.NotNil(t, a.body, "after a second there is a frame, for the charts")
			assert.Empty(t, shownIn(a))
		}
	})
}

func TestAViewerSeesARequestUnderWayAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New()
		e.Inject(Fault{Delay: 3 * time.Second, Status: 503})
		all, failed := watch(t, e, "view=requests"), watch(t, e, "view=requests&only=failed")
		all()
		failed()
		var call sync.WaitGroup
		call.Go(func() { send(t, e, register(t, "device-abc-123")) })
		synctest.Wait()
		a := all()
		require.Len(t, shownIn(a), 1)
		assert.Equal(t, false, a.at("rows", 0, "ended"))
		assert.Empty(t, shownIn(failed()), "it has not failed yet")
		call.Wait()
		a = all()
		require.Len(t, shownIn(a), 1)
		assert.Equal(t, true, a.at("rows", 0, "ended"))
		assert.EqualValues(t, 503, a.at("rows", 0, "status"))
		assert.EqualValues(t, 3000, a.at("rows", 0, "latency"))
		assert.Equal(t, "unchecked", a.at("rows", 0, "verdict"))
		assert.Equal(t, "delay 3s, status 503", a.at("rows", 0, "fault"))
		assert.Len(t, shownIn(failed()), 1)
		time.Sleep(time.Second)
		assert.Empty(t, shownIn(all()), "that was the end of it")
	})
}

// gate is a response that takes nothing while it is shut, as a browser whose tab is stopped.
type gate struct {
	header http.Header
	open   chan struct{}
	frames chan string
}

func (g *gate) Header() http.Header { return g.header }
func (g *gate) WriteHeader(int)     {}
func (g *gate) FlushError() error   { return nil }
func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.frames <- string(p)
	return len(p), nil
}

func TestASlowViewerHoldsNobodyUpAndGetsLess(t *testing.T) {
	for _, view := range []string{"events", "requests"} {
		t.Run(view, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := New(WithRecordLimit(1000))
				ctx, leave := context.WithCancel(t.Context())
				g := &gate{header: http.Header{}, open: make(chan struct{}), frames: make(chan string, 100)}
				var viewer sync.WaitGroup
				r := request(t, "GET", InspectorPath+"/live?view="+view, "").WithContext(ctx)
				r.Host = "127.0.0.1"
				viewer.Go(func() { e.Inspector().ServeHTTP(g, r) })
				synctest.Wait() // it waits at its first write

				const players, each = 50, 60
				for i := range players {
					id := fmt.Sprintf("device-%d", i)
					token := e.Token(id, time.Hour)
					for range each {
						require.Equal(t, 202, ingest(t, e, token, id, appOpen+","+appOpen).status)
					}
				}
				time.Sleep(time.Minute) // it would have been two hundred frames
				close(g.open)
				time.Sleep(frameEvery)
				synctest.Wait()
				leave()
				viewer.Wait()
				require.Len(t, g.frames, 2, "the one that it did not take, and one for all that happened since")
				<-g.frames
				text := strings.TrimPrefix(strings.TrimSpace(<-g.frames), "data: ")
				var f struct {
					Rows []struct {
						N int `json:"n"`
					} `json:"rows"`
					More int `json:"more"`
				}
				require.NoError(t, json.Unmarshal([]byte(text), &f))
				total := players * each
				if view == "events" {
					total *= 2
				}
				require.Len(t, f.Rows, frameRows)
				assert.Equal(t, total-frameRows, f.More)
				assert.Equal(t, total, f.Rows[0].N, "the newest comes first")
				assert.Less(t, len(text), 300_000)
			})
		})
	}
}

func TestViewersThatLeaveLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a bubble waits for all of its goroutines, and fails where one stays
		e := New()
		ctx, leave := context.WithCancel(t.Context())
		open, frames := make(chan struct{}), make(chan string, 1000)
		close(open)
		var viewers sync.WaitGroup
		inspector := e.Inspector()
		for range 5 {
			r := request(t, "GET", InspectorPath+"/live?view=players", "").WithContext(ctx)
			r.Host = "localhost"
			viewers.Go(func() { inspector.ServeHTTP(&gate{http.Header{}, open, frames}, r) })
		}
		time.Sleep(10 * time.Second)
		leave()
		viewers.Wait()
		assert.InDelta(t, 5*10, len(frames), 10, "a frame a second while nothing happens")
	})
}

func TestMoreIsWhatWasLeftOut(t *testing.T) {
	e := New(WithRecordLimit(100))
	token := e.Token("device-abc-123", time.Hour)
	ingest(t, e, token, "device-abc-123", appOpen)
	events, requests := watch(t, e, "view=events"), watch(t, e, "view=requests")
	events()
	requests()
	for range 150 {
		ingest(t, e, token, "device-abc-123", appOpen)
	}
	a := events()
	assert.Len(t, shownIn(a), frameRows)
	assert.EqualValues(t, 150-frameRows, a.body["more"])
	a = requests()
	assert.Len(t, shownIn(a), frameRows)
	assert.EqualValues(t, 150-frameRows, a.body["more"], "those that have left the record included")
}

func TestEventsAreFoundByTheirNumber(t *testing.T) {
	e := New()
	numbers := map[string][]int{}
	for i := range 2*newestEvents + 10 {
		id := "device-a"
		if i%3 == 0 {
			id = "device-b"
		}
		numbers[id] = append(numbers[id], i+1)
		e.playSmart.mu.Lock()
		e.playSmart.arrived(id, len(e.playSmart.events[id]))
		e.playSmart.events[id] = append(e.playSmart.events[id], Event{UserID: id, Timestamp: fmt.Sprint(i + 1)})
		e.playSmart.mu.Unlock()
		if i == 0 || i == newestEvents-2 || i == newestEvents-1 || i == newestEvents || i == 2*newestEvents {
			rows, more, newest := e.eventRows(filter{}, max(1, i-4), false)
			assert.Equal(t, i+1, newest)
			assert.Zero(t, more)
			for j, row := range rows {
				assert.Equal(t, i+1-j, row.Number)
				assert.Equal(t, fmt.Sprint(i+1-j), row.Stamp)
			}
			assert.Len(t, rows, min(i, i+1-max(1, i-4)))
		}
	}
	rows, more, _ := e.eventRows(filter{}, 1, false)
	assert.Len(t, rows, frameRows)
	assert.Equal(t, 2*newestEvents+9-frameRows, more)
	assert.Equal(t, 2*newestEvents+10, rows[0].Number)
	assert.Less(t, rows[frameRows-1].Number, newestEvents+200, "a sample of all that the ring holds")
	rows, _, newest := e.eventRows(filter{player: "device-b"}, 0, true)
	assert.Len(t, rows, firstRows)
	assert.Equal(t, len(numbers["device-b"]), newest, "the events of one player are numbered by themselves")
	assert.Equal(t, fmt.Sprint(numbers["device-b"][newest-1]), rows[0].Stamp)
	rows, _, _ = e.eventRows(filter{player: "device-c"}, 0, true)
	assert.Empty(t, rows)
}

func TestFiltersShowWhatIsAskedFor(t *testing.T) {
	e := New()
	for _, id := range []string{"device-ace-01", "device-blitz-02"} {
		token := e.Token(id, time.Hour)
		require.Equal(t, 202, ingest(t, e, token, id, appOpen+`,{"type":"Custom","customEventName":"PowerUpUsed","timestamp":"2026-04-22T14:30:00+00:00","customdata":{"power":"Bomb"}}`).status)
		require.Equal(t, 200, send(t, e, register(t, id)).status)
	}
	require.Equal(t, 401, ingest(t, e, "bad", "device-ace-01", appOpen).status)
	require.Equal(t, 404, send(t, e, request(t, "GET", "/smooven/v1/players/ply_9", "", "Authorization: Bearer "+SmoovenKey)).status)
	require.Equal(t, 400, send(t, e, request(t, "POST", "/smooven/v1/players/register", `{}`, "Authorization: Bearer "+SmoovenKey)).status)
	require.Equal(t, 404, send(t, e, request(t, "GET", "/elsewhere", "")).status)
	tests := []struct {
		query string
		rows  int
	}{
		{"view=events", 4},
		{"view=events&q=bomb", 2},
		{"view=events&q=bomb+blitz", 1},
		{"view=events&q=bomb+nova", 0},
		{"view=events&q=player:device-ace-01", 2},
		{"view=events&q=player:device-ace-01+powerup", 1},
		{"view=events&q=player:device-ace", 0},
		{"view=events&only=AppOpen", 2},
		{"view=events&only=GameEnd", 0},
		{"view=requests", 8},
		{"view=requests&only=failed", 4},
		{"view=requests&only=invalid", 2},
		{"view=requests&only=faulted", 0},
		{"view=requests&only=smooven", 4},
		{"view=requests&q=ingest+202", 2},
		{"view=requests&q=404", 2},
		{"view=players", 2},
		{"view=players&q=BLITZ", 1},
		{"view=players&q=smooven", 2},
		{"view=players&q=sunshine", 0},
		{"view=players&q=player:device-ace-01", 1},
		{"view=messages", 0},
		{"view=nothing", 0},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			assert.Len(t, shownIn(watch(t, e, tt.query)()), tt.rows)
		})
	}
	verdicts := map[string]int{}
	for _, row := range shownIn(watch(t, e, "view=requests")()) {
		verdicts[row.(map[string]any)["verdict"].(string)]++
	}
	assert.Equal(t, map[string]int{"valid": 5, "invalid": 1, "unknown": 1, "unchecked": 1}, verdicts)
}

func TestAViewerStartsAgainAfterResetRecord(t *testing.T) {
	e := New()
	next := watch(t, e, "view=requests")
	send(t, e, register(t, "device-abc-123"))
	assert.Equal(t, true, next().body["reset"])
	send(t, e, register(t, "device-abc-123"))
	assert.Nil(t, next().body["reset"])
	e.ResetRecord()
	send(t, e, register(t, "device-abc-123"))
	a := next()
	assert.Equal(t, true, a.body["reset"])
	assert.EqualValues(t, 1, a.at("rows", 0, "n"))
}
