package emulator

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// visit sends a request to the inspector alone, from a page of its own where headers say nothing
// else.
func visit(t testing.TB, e *Emulator, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := request(t, method, target, body, headers...)
	r.Host = "127.0.0.1:8787"
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	e.Inspector().ServeHTTP(w, r)
	return w
}

func TestInspectorServesItsFiles(t *testing.T) {
	e := New()
	for name, media := range map[string]string{
		"": "text/html", "style.css": "text/css", "main.js": "text/javascript", "theme.js": "text/javascript", "icon.svg": "image/svg+xml",
	} {
		w := visit(t, e, "GET", InspectorPath+"/"+name, "")
		require.Equal(t, 200, w.Code, name)
		assert.Contains(t, w.Header().Get("Content-Type"), media, name)
		assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'", name)
		assert.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe", name)
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), name)
		// nothing is loaded from elsewhere, and nothing is made from text; the only addresses are
		// names of namespaces
		text := strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", "")
		for _, forbidden := range []string{"http://", "https://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=\""} {
			assert.NotContains(t, text, forbidden, name)
		}
	}
	w := visit(t, e, "GET", InspectorPath, "")
	assert.Equal(t, 302, w.Code)
	assert.Equal(t, InspectorPath+"/", w.Header().Get("Location"))
	assert.Equal(t, 404, visit(t, e, "GET", InspectorPath+"/nothing.js", "").Code)
	assert.Equal(t, 404, visit(t, e, "GET", InspectorPath+"/request/1", "").Code)
	assert.Equal(t, 404, visit(t, e, "GET", InspectorPath+"/request/x", "").Code)
	env := visit(t, e, "GET", InspectorPath+"/env", "").Body.String()
	assert.Contains(t, env, "export PLAYLINE_FYNO_URL='http://127.0.0.1:8787/fyno/v1'\n")
	assert.Zero(t, e.TotalCalls(), "the page is no request to a service")
}

func TestInspectorIsForItsOwnPage(t *testing.T) {
	const flip = `{"service":"fyno","switch":"slow","on":true}`
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"its own page", "POST", "/switches", flip, []string{"Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1:8787"}, 200},
		{"a program", "POST", "/switches", flip, nil, 200},
		{"localhost", "POST", "/switches", flip, []string{"Host: localhost:8787", "Origin: http://localhost:8787"}, 200},
		{"an IPv6 address", "GET", "/", "", []string{"Host: [::1]:8787"}, 200},
		{"a link on another site", "GET", "/", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200},

		{"another site turns a switch", "POST", "/switches", flip, []string{"Sec-Fetch-Site: cross-site", "Origin: https://site.example.com"}, 403},
		{"another site of the same machine", "POST", "/switches", flip, []string{"Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:3000"}, 403},
		{"a browser that says only the origin", "POST", "/switches", flip, []string{"Origin: http://127.0.0.1:3000"}, 403},
		{"a sandboxed page", "POST", "/switches", flip, []string{"Origin: null"}, 403},
		{"a name that resolves to this machine", "GET", "/live", "", []string{"Host: site.example.com:8787"}, 403},
		{"such a name turns a switch", "POST", "/switches", flip, []string{"Host: site.example.com", "Origin: http://site.example.com", "Sec-Fetch-Site: same-origin"}, 403},
		{"another site listens", "GET", "/live", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"a switch by GET", "GET", "/switches", "", nil, 404},
		{"the page by POST", "POST", "/", "", nil, 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New()
			w := visit(t, e, tt.method, InspectorPath+tt.path, tt.body, tt.headers...)
			assert.Equal(t, tt.status, w.Code, w.Body)
			position, _ := e.position(Fyno)
			assert.Equal(t, tt.status == 200 && tt.body != "", position.slow, "the switch is turned where the answer says so, and nowhere else")
		})
	}
}

// firstFrame asks a server for its stream and returns the first frame. The stream stays open until
// the test ends or leave is called.
func firstFrame(t *testing.T, s *Server, query string) (f map[string]any, rest *bufio.Reader, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+InspectorPath+"/live?"+query, nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	leave = func() {
		cancel()
		resp.Body.Close()
		transport.CloseIdleConnections()
	}
	t.Cleanup(leave)
	require.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	rest = bufio.NewReader(resp.Body)
	line := func() string {
		text, err := rest.ReadString('\n')
		require.NoError(t, err)
		return strings.TrimSuffix(text, "\n")
	}
	require.Equal(t, "retry: 1000", line())
	data, ok := strings.CutPrefix(line(), "data: ")
	require.True(t, ok)
	require.Empty(t, line(), "an empty line ends the frame")
	require.NoError(t, json.Unmarshal([]byte(data), &f))
	return f, rest, leave
}

func TestInspectorStreamsFrames(t *testing.T) {
	s := Start(t, WithInspector())
	id := "device\n\ndata: {}\u2028<script>"
	token := s.Token(id, playSmartRefreshTTL)
	require.Equal(t, 202, ingest(t, s.Emulator, token, id, appOpen).status)
	f, rest, _ := firstFrame(t, s, "view=events")
	assert.Equal(t, true, f["reset"])
	assert.EqualValues(t, 1, f["events"])
	assert.Equal(t, id, answer{body: f}.at("rows", 0, "player"), "line feeds in a name do not end a frame")
	for {
		line, err := rest.ReadString('\n')
		require.NoError(t, err)
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			assert.NotContains(t, data, `"reset"`)
			break
		}
	}
	assert.Equal(t, 404, send(t, s.Emulator, request(t, "GET", InspectorPath+"/", "")).status, "an embedded emulator serves no page")
	assert.Equal(t, 404, send(t, Start(t).Emulator, request(t, "GET", InspectorPath+"/", "")).status)
}

func TestInspectorEndsWithTheServer(t *testing.T) {
	s := Start(t, WithInspector())
	_, rest, _ := firstFrame(t, s, "view=requests")
	s.Close()                        // waits for the handlers
	_, _ = io.Copy(io.Discard, rest) // the stream ends: by its handler, or by its connection, whoever is first
}

func TestInspectorHasSixteenViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inspector := New().Inspector()
		open, frames := make(chan struct{}), make(chan string, 10*maxViewers)
		close(open)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		live := func(ctx context.Context, w http.ResponseWriter) {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+InspectorPath+"/live", nil)
			if assert.NoError(t, err) {
				inspector.ServeHTTP(w, r)
			}
		}
		first, leaves := context.WithCancel(ctx)
		var viewers sync.WaitGroup
		for n := range maxViewers {
			ctx := ctx
			if n == 0 {
				ctx = first
			}
			viewers.Go(func() { live(ctx, &gate{http.Header{}, open, frames}) })
		}
		synctest.Wait()
		w := httptest.NewRecorder()
		live(ctx, w)
		assert.Equal(t, 503, w.Code)
		assert.Contains(t, w.Body.String(), "close a page")
		leaves()
		synctest.Wait()
		w = httptest.NewRecorder()
		viewers.Go(func() { live(ctx, w) })
		time.Sleep(frameEvery)
		leave()
		viewers.Wait()
		assert.Equal(t, 200, w.Code, "who leaves makes room")
		assert.Contains(t, w.Body.String(), `data: {"now":`)
	})
}
