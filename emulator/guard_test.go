package emulator

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The guard before the services and the inspector: what a page in a browser on this machine can do,
// which is nothing.

func TestOtherSitesReachNoService(t *testing.T) {
	const address, local = "127.0.0.1:8787", "localhost:8787"
	tests := []struct {
		name, host string
		headers    []string
		let        bool
	}{
		{"a program", address, nil, true},
		{"a program by name", local, nil, true},
		{"a program by name in capitals", "LocalHost:8787", nil, true},
		{"without a port", "127.0.0.1", nil, true},
		{"IPv6", "[::1]:8787", nil, true},
		{"IPv6 without a port", "[::1]", nil, true},
		{"an address of the network", "192.0.2.7:8787", nil, true},
		{"a name that is allowed", "emulator.internal:8787", nil, true},
		{"it in capitals", "Emulator.Internal", nil, true},
		{"the inspector's own page", address, []string{"Sec-Fetch-Site: same-origin", "Origin: http://" + address}, true},
		{"an address that somebody typed", address, []string{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"}, true},

		{"DNS rebinding", "site.example.com:8787", nil, false},
		{"DNS rebinding, as the browser sees it", "site.example.com:8787", []string{"Sec-Fetch-Site: same-origin", "Origin: http://site.example.com:8787"}, false},
		{"a name that begins like an address", "127.0.0.1.example.com:8787", nil, false},
		{"a name that begins like localhost", "localhost.example.com", nil, false},
		{"a name that ends like one that is allowed", "other.emulator.internal", nil, false},
		{"a port that is none", "127.0.0.1:80a", nil, false},
		{"a port beyond all", "127.0.0.1:65536", nil, false},
		{"a port with a sign", "127.0.0.1:+80", nil, false},
		{"a simple post of another site", address, []string{"Sec-Fetch-Site: cross-site", "Origin: https://site.example.com", "Content-Type: text/plain"}, false},
		{"of a browser that does not say the site", address, []string{"Origin: https://site.example.com", "Content-Type: text/plain"}, false},
		{"an image of another site", address, []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, false},
		{"another port of localhost", local, []string{"Sec-Fetch-Site: same-site", "Origin: http://localhost:3000"}, false},
		{"it without an origin", local, []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"}, false},
		{"another scheme", local, []string{"Sec-Fetch-Site: same-site"}, false},
		{"a sandboxed page", address, []string{"Origin: null"}, false},
		{"a link", address, []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, false},
		{"a word that no browser sends yet", address, []string{"Sec-Fetch-Site: other"}, false},
	}
	s := Start(t, WithHosts("emulator.internal"))
	embedded := httptest.NewServer(http.Handler(New(WithHosts("emulator.internal"))))
	defer embedded.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	fault := s.inject(Fault{Operation: "registerPlayer", Status: 503})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, hits := s.TotalCalls(), fault.hit
			for path, status := range map[string]int{
				"/smooven/v1/players/register": 503, "/elsewhere": 404, "/playsmart/auth/login": 400, "/sunshine/v2/apps/x/users/y/clients": 401,
			} {
				r := s.to(request(t, "POST", path, `{"external_id":"ace","channels":{}}`, append([]string{smoovenAuth}, tt.headers...)...))
				r.Host = tt.host
				a := send(t, transport, r)
				if tt.let {
					assert.Equal(t, status, a.status, a.text)
					continue
				}
				assert.Equal(t, 403, a.status, a.text)
				assert.NotNil(t, a.body, "an answer in JSON, in the service's own words: %s", a.text)
				assert.Contains(t, a.text, "the emulator ")
			}
			if !tt.let {
				assert.Equal(t, before, s.TotalCalls(), "a stranger leaves no trace in the record")
				assert.Equal(t, hits, fault.hit, "and uses no fault up")
			}
			r := request(t, "POST", "/smooven/v1/players/register", `{"external_id":"ace","channels":{}}`, append([]string{smoovenAuth}, tt.headers...)...)
			r.URL.Host, r.Host = strings.TrimPrefix(embedded.URL, "http://"), tt.host
			assert.Equal(t, tt.let, send(t, transport, r).status != 403, "an embedded emulator has the guard too")
		})
	}
	w := httptest.NewRecorder()
	r := register(t, "ace")
	r.Host = "emulator.example.com"
	New().ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code, "where there is no network, any name will do")
}

func TestAStrangerFillsNoMemory(t *testing.T) {
	s := Start(t)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	body := strings.Repeat("x", 4<<20)
	for range 10 {
		r := s.to(request(t, "POST", "/smooven/v1/players/register", body, "Content-Type: text/plain", "Origin: https://site.example.com"))
		resp, err := transport.RoundTrip(r)
		if err == nil { // a connection may break that is closed while the body is under way
			assert.Equal(t, 403, resp.StatusCode)
			resp.Body.Close()
		}
	}
	assert.Empty(t, s.Requests())
	assert.Zero(t, s.record.bytes)
}

func TestOtherPortsDoNotLockTheInspector(t *testing.T) {
	s := Start(t, WithInspector())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	port := strings.TrimPrefix(s.URL, "http://127.0.0.1")
	for range 2 * maxViewers {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site: same-site", "Origin: http://localhost:3000", "Sec-Fetch-Mode: cors"},
			{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"},
			{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate"}, // a window, or a frame
			{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"},
		} {
			r := s.to(request(t, "GET", InspectorPath+"/live", "", headers...))
			r.Host = "localhost" + port
			a := send(t, transport, r)
			assert.Equal(t, 403, a.status)
		}
	}
	_, _, leave := firstFrame(t, s, "view=events")
	leave()
	for _, path := range []string{"", "/"} {
		r := s.to(request(t, "GET", InspectorPath+path, "", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate"))
		assert.Contains(t, []int{200, 302}, send(t, transport, r).status, "a link to the page works")
	}
}

func TestTheLinesForAShellRunNothing(t *testing.T) {
	e := New(WithHosts("emulator.internal"))
	for _, host := range []string{
		"127.0.0.1:80'; echo planted; '", "127.0.0.1:$(echo planted)", "[::1%'; echo planted; ']:80", "[::1%$(echo planted)]", "localhost:`echo planted`",
		"localhost'; echo planted; '", "", "127.0.0.1:", "emulator.internal:80\necho planted",
	} {
		w := visit(t, e, "GET", InspectorPath+"/env", "", "Host: "+host)
		if host == "127.0.0.1:" || host == "" { // the second is visit's own
			continue
		}
		assert.Equal(t, 403, w.Code, host)
		assert.NotContains(t, w.Body.String(), "export ", host)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED: there is no shell")
	}
	for _, host := range []string{"127.0.0.1:8787", "[::1]:8787", "emulator.internal:80"} {
		lines := visit(t, e, "GET", InspectorPath+"/env", "", "Host: "+host).Body.String()
		out, err := exec.CommandContext(t.Context(), sh, "-c", lines+`echo "$PLAYLINE_FYNO_URL"`).CombinedOutput()
		require.NoError(t, err, string(out))
		assert.Equal(t, "http://"+host+"/fyno/v1\n", string(out))
	}
}
