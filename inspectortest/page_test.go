package inspectortest

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/emulator"
)

// page is the inspector in a browser.
type page struct {
	*testing.T
	tab    context.Context
	server *emulator.Server
	began  time.Time

	mu     sync.Mutex
	errors []string // that scripts threw, and that the browser's console shows
}

// patience is how long a page may take to show something; only a failure waits for it.
const patience = 30 * time.Second

// open starts an emulator and a browser that shows its inspector.
func open(t *testing.T, at string, opts ...emulator.Option) *page {
	t.Helper()
	if os.Getenv("PLAYLINE_LONG") == "" && os.Getenv("INSPECTOR_BROWSER") == "" {
		t.Skip("a browser takes long: set PLAYLINE_LONG=1, or INSPECTOR_BROWSER=required")
	}
	if _, err := Chromium(); err != nil {
		if os.Getenv("INSPECTOR_BROWSER") == "required" {
			require.NoError(t, err, "INSPECTOR_BROWSER is required")
		}
		t.Skip("SKIPPED: ", err)
	}
	server := emulator.Start(t, append(opts, emulator.WithInspector())...)
	tab, end, err := Browser(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(end)
	p := &page{T: t, tab: tab, server: server, began: time.Now()}
	require.NoError(t, chromedp.Listen(tab, p.listen))
	require.NoError(t, Screen(tab, 1280, 900, 1, "light"))
	p.visit(at)
	return p
}

// listen notes what must not happen: an exception, or an error on the console, which is where a
// breach of the policy shows.
func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, event.ExceptionDetails.Text+" "+event.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError {
			p.errors = append(p.errors, event.Entry.Text)
		}
	}
}

// visit loads the inspector again, with a fragment after the #.
func (p *page) visit(at string) {
	p.Helper()
	require.NoError(p, chromedp.Do(p.tab, chromedp.Navigate("about:blank"), chromedp.Navigate(p.server.URL+emulator.InspectorPath+"/#"+at)))
	p.wait(`document.getElementById("status")?.dataset.state === "live"`)
}

// wait waits until an expression is true.
func (p *page) wait(expression string) {
	p.Helper()
	until := time.Now().Add(patience)
	for {
		_, err := chromedp.Run(p.tab, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(30*time.Millisecond)))
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "Cannot find context") && time.Now().Before(until) {
			continue // the page that the poll was started in has just been left for the next one
		}

		text, _ := chromedp.Run(p.tab, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
		require.NoError(p, err, "%s never came true. The page says:\n%s", expression, text)
	}
}

// eval returns the value of an expression.
func eval[T any](p *page, expression string) T {
	p.Helper()
	value, err := chromedp.Run(p.tab, chromedp.Evaluate[T](expression))
	require.NoError(p, err, expression)
	return value
}

// press presses keys, one after the other.
func (p *page) press(keys ...string) {
	p.Helper()
	for _, key := range keys {
		require.NoError(p, chromedp.Do(p.tab, chromedp.KeyEvent(key)))
	}
}

// click clicks what a selector finds.
func (p *page) click(selector string) {
	p.Helper()
	require.NoError(p, chromedp.Do(p.tab, chromedp.Click(chromedp.CSS(selector))))
}

// session registers the players.
func (p *page) session() *Session {
	p.Helper()
	s, err := NewSession(p.server)
	require.NoError(p, err)
	require.NoError(p, s.Register(p.Context()))
	return s
}

// play tracks events in the background until the test ends.
func (p *page) play(s *Session, players, perSecond int) {
	ctx, stop := context.WithCancel(p.Context())
	var game sync.WaitGroup
	var err error
	game.Go(func() { err = s.Play(ctx, players, perSecond) })
	p.Cleanup(func() {
		stop()
		game.Wait()
		require.NoError(p, err)
		closing, cancel := context.WithTimeout(context.WithoutCancel(p.Context()), patience)
		defer cancel()
		require.NoError(p, s.Close(closing))
	})
}

// quiet fails where a script threw or the console shows an error.
func (p *page) quiet() {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(p, p.errors)
}
