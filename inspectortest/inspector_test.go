package inspectortest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
)

// The page as a person uses it.

func TestThePageTellsWhatToDoAndThenShowsWhatHappens(t *testing.T) {
	p := open(t, "")
	p.wait(`document.getElementById("empty").innerText.includes("Nothing has arrived yet")`)
	assert.Contains(t, eval[string](p, `document.querySelector("#empty .command code").innerText`), p.server.URL+"/_inspector/env")

	s := p.session()
	p.play(s, 10, 50)
	p.wait(`document.querySelectorAll("#rows tbody tr").length > 20`)
	assert.False(t, eval[bool](p, `document.getElementById("empty").checkVisibility()`))
	p.wait(`document.querySelector("#chart .events").getAttribute("d").length > 0`)
	p.wait(`[...document.querySelectorAll("#batches .number")].some((cell) => cell.innerText !== "0")`)
	p.wait(`document.getElementById("count-players").innerText === "10"`)
	times := eval[[]string](p, `[...document.querySelectorAll("#rows tbody tr td.time")].map((cell) => cell.innerText)`)
	assert.IsNonIncreasing(t, times, "the newest comes first")
	p.quiet()
}

func TestAPlayerIsShownWithAllThatIsKnown(t *testing.T) {
	p := open(t, "view=players")
	s := p.session()
	_, err := s.client.Events.Fire(t.Context(), "login_otp", playline.Recipient{DistinctID: deviceOf("nova")})
	require.Error(t, err, "the suppressed channel makes it half a success")
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 6`)
	p.click(`#rows tbody tr:nth-child(4)`)
	p.wait(`document.getElementById("detail").innerText.includes("Preferences")`)
	detail := eval[string](p, `document.getElementById("detail").innerText`)
	for _, want := range []string{"device-nova-01", "nova@example.com", "+61400000002", "Night Owls", "tutorial_done", "Daily rewards", "always", "asked support to stop", "Smooven player", "login_otp", "not sent: suppressed"} {
		assert.Contains(t, detail, want)
	}
	assert.NotContains(t, detail, "fcm-token-of-nova")

	// what changes is there without a click
	_, err = s.client.Properties.Set(t.Context(), deviceOf("nova"), playline.Properties{"clan": "Day Owls"})
	require.NoError(t, err)
	p.wait(`document.getElementById("detail").innerText.includes("Day Owls")`)

	p.click("#tab-messages")
	p.wait(`document.querySelectorAll("#rows .code").length === 2`)
	code := p.server.Messages()[0].OTP + p.server.Messages()[1].OTP
	assert.Contains(t, eval[string](p, `document.getElementById("rows").innerText`), code[:6])
	p.quiet()
}

func TestFiltersAndAReload(t *testing.T) {
	p := open(t, "view=requests")
	p.session()
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 26`)
	p.click("#filter")
	p.press("setproperties")
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 6`)
	assert.True(t, eval[bool](p, `[...document.querySelectorAll("#rows tbody tr")].every((row) => row.innerText.includes("setProperties"))`))
	p.visit("view=requests&q=nothing")
	p.wait(`document.getElementById("empty").innerText.includes("No requests match the filter")`)
	p.click("#empty button")
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 26`)
	p.visit("view=requests&only=smooven&q=200")
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 6`)
	assert.Equal(t, []string{"smooven", "200"}, eval[[]string](p, `["only", "filter"].map((id) => document.getElementById(id).value)`))
	p.quiet()
}

func TestAnOutageIsFlippedAndAClientSeesIt(t *testing.T) {
	p := open(t, "view=requests")
	client, err := playline.New(append(p.server.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))...)
	require.NoError(t, err)
	register := func() error {
		_, err := client.Players.Register(t.Context(), playline.Player{ExternalID: "device-abc-123"})
		return err
	}
	require.NoError(t, register())
	const outage = `.switch[data-service="smooven"][data-switch="outage"]`
	p.click(outage)
	p.wait(`document.querySelector('` + outage + `').getAttribute("aria-checked") === "true"`)
	var refused *playline.Error
	require.ErrorAs(t, register(), &refused)
	assert.Equal(t, 503, refused.StatusCode)
	require.ErrorIs(t, register(), playline.ErrUnavailable)
	p.wait(`[...document.querySelectorAll("#rows td.status")].filter((cell) => cell.innerText.includes("503 Unavailable")).length === 2`)
	p.wait(`document.querySelector("#services .hits").parentElement.parentElement.parentElement.innerText.includes("2 hit")`)
	assert.Contains(t, eval[string](p, `document.title`), "(1 fault) playline inspector")
	p.click(`.switch[data-service="smooven"][data-switch="limit"]`)
	p.wait(`document.querySelector('` + outage + `').getAttribute("aria-checked") === "false"`)
	require.ErrorIs(t, register(), playline.ErrRateLimited)
	p.click("#clear")
	p.wait(`document.querySelectorAll('.switch[aria-checked="true"]').length === 0`)
	require.NoError(t, register())
	p.quiet()
}

func TestPauseAndScrollingKeepTheRowsStill(t *testing.T) {
	p := open(t, "view=events")
	p.play(p.session(), 20, 200)
	p.wait(`document.querySelectorAll("#rows tbody tr").length > 100`)
	const first = `document.querySelector("#rows tbody tr").drawn`

	p.click("#pause")
	p.wait(`document.getElementById("status").dataset.state === "paused"`)
	still := eval[string](p, first)
	p.wait(`document.getElementById("shown").innerText.includes("more since the pause")`)
	assert.Equal(t, still, eval[string](p, first))
	p.click("#pause")
	p.wait(`document.getElementById("status").dataset.state === "live" && ` + first + ` !== ` + quoted(still))

	eval[bool](p, `document.getElementById("scroll").scrollTop = 300, true`)
	p.wait(`!document.getElementById("fresh").hidden`)
	still = eval[string](p, first)
	p.wait(`parseInt(document.getElementById("fresh").innerText.replace(",", "")) > 200`)
	assert.Equal(t, still, eval[string](p, first))
	p.click("#fresh")
	p.wait(first + ` !== ` + quoted(still))
	p.quiet()
}

func TestALostConnectionIsShownAndFoundAgain(t *testing.T) {
	p := open(t, "")
	p.session()
	p.wait(`document.getElementById("count-players").innerText === "6"`)
	p.server.Close()
	p.wait(`document.getElementById("status-text").innerText === "Reconnecting"`)
}

func TestEverythingWithTheKeyboard(t *testing.T) {
	p := open(t, "view=events")
	p.session()
	focused := func() string {
		return eval[string](p, `(() => { const e = document.activeElement; return e.id || e.getAttribute("aria-label") || e.tagName; })()`)
	}
	// the tabs, with arrows
	p.press("/", kb.Escape)
	assert.Equal(t, "filter", focused())
	eval[bool](p, `document.getElementById("tab-events").focus(), true`)
	p.press(kb.ArrowRight)
	assert.Equal(t, "tab-players", focused())
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 6`)
	// the rows, with arrows; Enter for details, Escape for back
	p.press(kb.ArrowDown, kb.ArrowDown, kb.Enter)
	p.wait(`document.getElementById("detail").innerText.includes("device-blitz-01")`)
	p.press(kb.Escape)
	p.wait(`document.getElementById("detail").hidden`)
	assert.Equal(t, "device-blitz-01", eval[string](p, `document.activeElement.key`))
	p.press("p")
	p.wait(`document.getElementById("status").dataset.state === "paused"`)
	p.press("p")
	p.wait(`document.getElementById("status").dataset.state === "live"`)
	p.press("/")
	assert.Equal(t, "filter", focused())
	eval[bool](p, `document.getElementById("filter").value = "", true`) // the protocol types the slash though the page has taken the key
	p.press("blitz")
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 1`)
	p.press(kb.Escape)
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 6`)

	// every control is reached by the Tab key, with a ring that is seen; a switch turns with the
	// space bar
	eval[bool](p, `document.getElementById("pause").focus(), true`)
	reached := map[string]bool{"pause": true}
	for range 60 {
		p.press(kb.Tab)
		name := focused()
		if name == "BODY" {
			break
		}
		reached[name] = true
		assert.True(t, eval[bool](p, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; })()`), "no ring at %s", name)
	}
	all := eval[[]string](p, `[...document.querySelectorAll("button, select, input")].filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0).map((e) => e.id || e.getAttribute("aria-label"))`)
	require.Greater(t, len(all), 22)
	for _, name := range all {
		assert.True(t, reached[name], "%s is not reached", name)
	}
	eval[bool](p, `document.querySelector('.switch[data-service="fyno"][data-switch="slow"]').focus(), true`)
	p.press(" ")
	p.wait(`document.querySelector('.switch[data-service="fyno"][data-switch="slow"]').getAttribute("aria-checked") === "true"`)
	p.quiet()
}

func TestNothingIsWiderThanTheScreen(t *testing.T) {
	p := open(t, "view=events")
	p.play(p.session(), 20, 100)
	for _, width := range []int64{360, 400, 768, 1024, 1280, 1440} {
		require.NoError(t, Screen(p.tab, width, 900, 1, "light"))
		for _, view := range []string{"events", "players&person=device-ace-01", "messages", "requests"} {
			p.visit("view=" + view)
			over := eval[[]string](p, `[...document.querySelectorAll("body, header, main, .panel, .list, .scroll, #rows, #services, aside")].filter((e) => e.checkVisibility() && (e.getBoundingClientRect().right > innerWidth + 0.5 || (e.scrollWidth > e.clientWidth + 1 && e.tagName !== "TABLE"))).map((e) => e.tagName + "#" + e.id + "." + e.className)`)
			assert.Empty(t, over, "at %d in %s", width, view)
			assert.LessOrEqual(t, eval[int64](p, `document.documentElement.scrollWidth`), width, "at %d in %s", width, view)
		}
	}
	p.quiet()
}

func TestHostileNamesAreText(t *testing.T) {
	p := open(t, "view=players")
	s := p.session()
	names := []string{
		`<script>window.pwned=1</script>`, `<img/src=x/onerror=window.pwned=1>`, `"><svg/onload=window.pwned=1>`, "\u202egnp.exe\u202e", `javascript:window.pwned=1`,
		strings.Repeat("long", 200), "{{constructor.constructor('window.pwned=1')()}}", "line\nfeed", "عربي",
	}
	for _, name := range names {
		_, err := s.client.Profiles.Create(t.Context(), playline.ProfileCreate{DistinctID: name, Name: name})
		require.NoError(t, err, name)
		_, err = s.client.Properties.Set(t.Context(), name, playline.Properties{name[:min(50, len(name))]: name[:min(200, len(name))]})
		require.NoError(t, err, name)
		result, err := s.client.Ingest.Send(t.Context(), playline.Secret(p.server.Token(name, time.Hour)), playline.IngestBatch{
			UserID: name, GameID: name, Events: []playline.GameplayEvent{{Type: playline.Custom, CustomEventName: name, Timestamp: time.Now(), CustomData: map[string]any{name: name}}},
		})
		require.NoError(t, err, name)
		require.NotNil(t, result)
	}
	for _, view := range []string{"players", "events", "requests", "messages"} {
		p.visit("view=" + view)
		if view != "messages" {
			p.wait(`document.querySelectorAll("#rows tbody tr").length >= 9`)
		}
		for row := range eval[int](p, `Math.min(15, document.querySelectorAll("#rows tbody tr").length)`) {
			eval[bool](p, fmt.Sprintf(`document.querySelectorAll("#rows tbody tr")[%d].dispatchEvent(new PointerEvent("pointerdown", {bubbles: true, button: 0}))`, row))
			p.wait(`!document.getElementById("detail").hidden`)
		}
		assert.True(t, eval[bool](p, `window.pwned === undefined`), view)
		assert.Zero(t, eval[int](p, `document.querySelectorAll("#rows img, #rows svg, #rows script, #detail img, #detail svg, #detail script, #detail a").length`), view)
		assert.LessOrEqual(t, eval[int](p, `document.documentElement.scrollWidth`), 1280, view)
		assert.True(t, eval[bool](p, `[...document.querySelectorAll("#rows tbody tr")].every((row) => row.getBoundingClientRect().height < 30)`), "every row has one line")
	}
	p.visit("view=players&person=" + "%3Cscript%3Ewindow.pwned%3D1%3C%2Fscript%3E")
	p.wait(`document.querySelector("#detail h2")?.innerText.includes("<script>window.pwned=1</script>")`)
	assert.True(t, eval[bool](p, `window.pwned === undefined`))
	// and were one to get through, the policy would stop it
	eval[bool](p, `(() => { const s = document.createElement("script"); s.textContent = "window.pwned = 2"; document.body.append(s); return true; })()`)
	assert.True(t, eval[bool](p, `window.pwned === undefined`))
}

func TestALongStreamStaysBounded(t *testing.T) {
	p := open(t, "view=events")
	p.play(p.session(), 50, 4000)
	p.wait(`parseInt(document.getElementById("count-events").innerText.replaceAll(",", "")) > 3000`)
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 200`)
	before := eval[int](p, `document.getElementsByTagName("*").length`)
	seen := eval[int](p, `(window.began = performance.now(), window.updates = 0, new MutationObserver(() => window.updates++).observe(document.querySelector("#rows tbody"), {childList: true}), parseInt(document.getElementById("count-events").innerText.replaceAll(",", "")))`)
	p.wait(fmt.Sprintf(`parseInt(document.getElementById("count-events").innerText.replaceAll(",", "")) > %d`, seen+5_000))
	assert.Equal(t, 200, eval[int](p, `document.querySelectorAll("#rows tbody tr").length`))
	assert.InDelta(t, before, eval[int](p, `document.getElementsByTagName("*").length`), 300)
	assert.Less(t, before, 2500)
	assert.LessOrEqual(t, eval[float64](p, `window.updates - 5 * (performance.now() - window.began) / 1000`), 5.0, "at most four updates a second")
	p.quiet()
}

// quoted writes a text as JavaScript does.
func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}
