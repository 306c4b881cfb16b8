package emulator

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// InspectorPath is the path of the inspector. No service has a path that begins with it.
const InspectorPath = "/_inspector"

// inspectorFiles are the page: HTML, CSS and JavaScript modules, as they are served.
//
//go:embed inspector
var inspectorFiles embed.FS

// maxViewers bounds how many pages can watch at the same time.
const maxViewers = 16

// inspector serves the page, the stream of what happens, and the switches.
type inspector struct {
	emulator *Emulator
	files    fs.FS
	viewers  atomic.Int32
}

// Inspector returns a handler for InspectorPath and everything below: a web page that shows, live,
// what arrives at the emulator and what it holds, and has switches for faults. WithInspector serves
// it beside the services; with a handler of your own, mount it at InspectorPath.
//
// It costs nothing to speak of while nobody looks: no goroutine runs, and a request adds to a few
// counters. Each viewer reads the emulator's state four times per second at most, on a goroutine of
// its own, so that a slow one holds nobody up and gets less.
//
// Credentials, tokens and passwords are never shown. The codes of one-time passwords are, among the
// notifications: they are what the player would have been sent, and whoever plays the player needs
// them. Pages of other sites can neither read it nor turn switches.
func (e *Emulator) Inspector() http.Handler {
	files, err := fs.Sub(inspectorFiles, "inspector")
	if err != nil {
		panic("emulator: the inspector's files: " + err.Error()) // they are part of the package
	}
	i := &inspector{emulator: e, files: files}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+InspectorPath, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, InspectorPath+"/", http.StatusFound)
	})
	mux.HandleFunc("GET "+InspectorPath+"/{file...}", i.file)
	mux.HandleFunc("GET "+InspectorPath+"/live", i.live)
	mux.HandleFunc("GET "+InspectorPath+"/request/{number}", i.request)
	mux.HandleFunc("GET "+InspectorPath+"/env", i.env)
	mux.HandleFunc("GET "+InspectorPath+"/counts", i.counts)
	mux.HandleFunc("GET "+InspectorPath+"/events", i.events)
	mux.HandleFunc("GET "+InspectorPath+"/token", i.token)
	mux.HandleFunc("GET "+InspectorPath+"/operations", i.operations)
	mux.HandleFunc("POST "+InspectorPath+"/send", i.send)
	mux.HandleFunc("POST "+InspectorPath+"/clear", i.clear)
	mux.HandleFunc("POST "+InspectorPath+"/switches", i.flip)
	return e.guarded(mux)
}

// guarded keeps other sites out. The page runs nothing but its own files. A link on another site
// may lead to the page, and to nothing else: a stream that another site opens takes the place of a
// viewer, even where that site cannot read it.
func (e *Emulator) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		why := e.guard.refuses(r)
		link := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header["Origin"] == nil &&
			(r.URL.Path == InspectorPath || r.URL.Path == InspectorPath+"/")
		if why != "" && !(link && e.guard.answersTo(r.Host)) {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// file serves one of the page's files.
func (i *inspector) file(w http.ResponseWriter, r *http.Request) {
	// Go reads media types from the machine, where .js may be anything
	if strings.HasSuffix(r.URL.Path, ".js") {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	}
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	http.ServeFileFS(w, r, i.files, name)
}

// env writes the lines that point a shell at the emulator. The credentials in them are constants of
// this package, and the guard has looked at the Host header; the values are quoted all the same,
// because a shell runs what is not.
func (i *inspector) env(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, line := range environment("http://" + r.Host) {
		name, value, _ := strings.Cut(line, "=")
		fmt.Fprintf(w, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
}

// flip turns a switch, and answers with the positions of all.
func (i *inspector) flip(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Service string `json:"service"`
		Switch  string `json:"switch"`
		On      bool   `json:"on"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in)
	if err == nil {
		err = i.emulator.flip(in.Service, in.Switch, in.On)
	}
	if err != nil {
		http.Error(w, "switches: "+err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, i.services())
}

// request answers with one request in full, secrets left out.
func (i *inspector) request(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("number")) // what is no number finds no request
	entry, ok := i.emulator.record.find(number)
	if !ok {
		http.Error(w, "no such request: the record keeps the newest only", http.StatusNotFound)
		return
	}
	writeJSON(w, detailOf(entry))
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = viewerJSON(w).Encode(value) // the viewer may have left; there is nobody to tell
}
