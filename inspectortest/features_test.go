package inspectortest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go"
	"github.com/playline/playline-go/emulator"
)

// The forms and buttons of the page, and that everything on it can be read.

// cut returns the texts that do not fit where they are, as the page is now: of controls, of labels,
// and of every cell that must be whole.
const cut = `[...document.querySelectorAll("button, .figures dt, .figures dd, #services th, #services td, #rows th, #rows td.time, #rows td.number, .foot, .note, [role=tab], h1, h2, .status, label, #tabs, .controls, .bar, .tools")]
	.filter((e) => e.checkVisibility() && e.textContent.trim() !== "" && (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline" || e.scrollHeight > e.clientHeight + 3 && e.clientHeight > 0 && e.tagName === "BUTTON"))
	.map((e) => e.tagName + "#" + e.id + "." + e.className + ": " + e.textContent.trim().slice(0, 40))`

// neighbours returns the cells of the services' table whose text reaches into the next one.
const neighbours = `(() => {
	const box = (e) => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect(); };
	const bad = [];
	for (const row of document.querySelectorAll("#services tbody tr, #services thead tr")) {
		const cells = [...row.cells].filter((cell) => cell.checkVisibility() && cell.textContent.trim() !== "");
		for (let i = 1; i < cells.length; i++) if (box(cells[i - 1]).right > box(cells[i]).left - 1) bad.push(cells[i - 1].textContent + " | " + cells[i].textContent);
	}
	return bad;
})()`

func TestEverythingFitsAndCanBeRead(t *testing.T) {
	p := open(t, "view=events")
	s := p.session()
	for range 6 {
		require.NoError(t, s.Notify(t.Context()))
	}
	for _, service := range []string{"playsmart", "smooven", "fyno", "smartsender", "sunshine"} {
		require.NoError(t, Flip(t.Context(), p.server, service, "limit", true))
	}
	for range 25 { // "25 hit" beside a switch
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+emulator.SmartSenderPath+"/contacts", nil)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	}
	for _, service := range []string{"playsmart", "smooven", "fyno", "sunshine"} {
		require.NoError(t, Flip(t.Context(), p.server, service, "limit", false))
	}
	p.play(s, 20, 300)
	for _, width := range []int64{360, 400, 768, 1100, 1280, 1440} {
		require.NoError(t, Screen(p.tab, width, 900, 1, "light"))
		for _, view := range []string{"events", "players", "messages", "requests", "refusals"} {
			p.visit("view=" + view)
			p.wait(`document.querySelectorAll("#rows tbody tr").length > 0`)
			p.wait(`document.getElementById("shown").innerText !== ""`)
			assert.Empty(t, eval[[]string](p, cut), "cut at %d in %s", width, view)
			assert.Empty(t, eval[[]string](p, neighbours), "at %d in %s", width, view)
			assert.True(t, eval[bool](p, `(() => { const c = document.createElement("canvas").getContext("2d"); const i = document.getElementById("filter"); const s = getComputedStyle(i); c.font = s.font; return c.measureText(i.placeholder).width <= i.clientWidth - parseFloat(s.paddingLeft) - parseFloat(s.paddingRight); })()`),
				"the placeholder %q is cut at %d in %s", eval[string](p, `document.getElementById("filter").placeholder`), width, view)
		}
		p.visit("view=events")
		p.wait(`document.querySelectorAll("#rows tbody tr").length > 0`)
		p.wait(`[...document.querySelectorAll("#rows td.time")].every((cell) => /^\d\d:\d\d:\d\d/.test(cell.innerText) && cell.scrollWidth <= cell.clientWidth)`)
		data := eval[bool](p, `document.querySelector("#rows td.data").checkVisibility() || getComputedStyle(document.querySelector("#rows td[data-more]"), "::after").content.includes("{")`)
		assert.True(t, data, "at %d an event's data is not to be seen", width)
	}
	p.quiet()
}

func TestFiguresAgree(t *testing.T) {
	p := open(t, "view=events")
	assert.Equal(t, "Total events", eval[string](p, `document.getElementById("figure-total").previousElementSibling.innerText`))
	assert.Equal(t, "No active faults", eval[string](p, `document.getElementById("clear").innerText`))
	s := p.session()
	p.play(s, 10, 200)
	p.wait(`parseInt(document.getElementById("count-events").innerText.replaceAll(",", "")) > 300`)
	assert.False(t, eval[bool](p, `document.getElementById("scale-refused").checkVisibility()`), "nothing was refused, and nothing says so in red")
	assert.False(t, eval[bool](p, `document.getElementById("figure-failed").classList.contains("bad")`))
	// the total and the tab are written in the same frame
	p.wait(`(window.disagree = 0, new MutationObserver(() => { if (document.getElementById("figure-total").innerText !== document.getElementById("count-events").innerText) window.disagree++; }).observe(document.getElementById("count-requests"), {childList: true, characterData: true, subtree: true}), true)`)
	before := eval[string](p, `document.getElementById("count-events").innerText`)
	p.wait(`document.getElementById("count-events").innerText !== ` + quoted(before))
	p.wait(`parseInt(document.getElementById("count-events").innerText.replaceAll(",", "")) > 900`)
	assert.Zero(t, eval[int](p, `window.disagree`))

	// one refusal, and then many in a second: the strip says which is which
	client, err := playline.New(append(p.server.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))...)
	require.NoError(t, err)
	refuse := func(times int) {
		for range times {
			_, err := client.Players.Get(t.Context(), "ply_nobody")
			require.ErrorIs(t, err, playline.ErrNotFound)
		}
	}
	heights := `[...document.querySelector("#chart .failed").getAttribute("d").matchAll(/M[\d.]+ ([\d.]+)V([\d.]+)/g)].map((m) => m[1] - m[2])`
	refuse(1)
	p.wait(heights + `.length === 1`)
	p.wait(`document.getElementById("scale-refused").checkVisibility()`)
	refuse(400)
	p.wait(heights + `.length > 1`)
	p.wait(`Math.max(...` + heights + `) > 2 * Math.min(...` + heights + `)`)
	// both shares are of the same ten seconds
	assert.Contains(t, eval[string](p, `document.querySelector(".rate .window").innerText`), "last 10 seconds")
	assert.Contains(t, eval[string](p, `document.querySelector(".services .window").innerText`), "last 10 seconds")
	p.quiet()
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	p := open(t, "view=refusals")
	p.wait(`document.getElementById("empty").innerText.includes("Nothing has arrived yet")`)
	for i := range 3 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+emulator.SmoovenPath+"/players/register",
			strings.NewReader(fmt.Sprintf(`{"external_id":"p%d","channels":{"sms":7}}`, i)))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+emulator.SmoovenKey)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
	}
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 1`)
	row := eval[string](p, `document.querySelector("#rows tbody tr").innerText`)
	for _, want := range []string{"3", "Smooven", "registerPlayer", "body.channels.sms must be a string", "Change channels.sms in the body"} {
		assert.Contains(t, row, want)
	}
	assert.Equal(t, "3", eval[string](p, `document.getElementById("count-refusals").innerText`))
	p.click(`#rows tbody tr`)
	p.wait(`document.getElementById("detail").innerText.includes("Change channels.sms in the body: it must be a string.")`)
	p.click(`#detail .link`)
	p.wait(`document.getElementById("detail").innerText.includes("Answer, ")`)
	detail := eval[string](p, `document.getElementById("detail").innerText`)
	assert.Contains(t, detail, "Answer, ")
	assert.Contains(t, detail, `"code": "invalid_request"`, "the answer's body")
	assert.Contains(t, detail, "emu-3", "the answer's headers")
	p.quiet()
}

func TestARequestIsSentFromTheForm(t *testing.T) {
	p := open(t, "view=events")
	p.click("#send")
	p.wait(`document.getElementById("send-operation")?.options.length === 50`) // 44 operations and 6 types of events
	assert.Contains(t, eval[string](p, `document.getElementById("send-body").value`), `"type": "AppOpen"`)
	choose := func(value string) {
		p.wait(`(() => { const s = document.getElementById("send-operation"); s.value = ` + quoted(value) + `; s.dispatchEvent(new Event("change")); return s.value !== ""; })()`)
	}
	p.click("#send-go")
	p.wait(`document.querySelector("#send-dialog .result").innerText.includes("202 Accepted")`)
	assert.Len(t, p.server.Events("device-1"), 1)
	choose("registerPlayer")
	p.click("#send-go")
	p.wait(`document.querySelector("#send-dialog .result").innerText.includes("200 OK")`)
	_, ok := p.server.Player("device-1")
	assert.True(t, ok)
	choose("getProfile")
	assert.Equal(t, emulator.FynoWorkspace, eval[string](p, `document.querySelector('#send-dialog input[name="WSID"]').value`))
	p.click("#send-go")
	p.wait(`document.querySelector("#send-dialog .result").innerText.includes("400 Bad request")`)
	assert.Contains(t, eval[string](p, `document.querySelector("#send-dialog .result").innerText`), "non existing distinct_id")
	p.click("#send-dialog .result .link")
	p.wait(`!document.getElementById("send-dialog").open && document.getElementById("detail").innerText.includes("getProfile")`)
	p.quiet()
}

func TestARequestIsEditedAndSentAgain(t *testing.T) {
	p := open(t, "view=requests")
	client, err := playline.New(p.server.Options()...)
	require.NoError(t, err)
	_, err = client.Accounts.Register(t.Context(), playline.AccountCreate{Email: "ace@example.com", Password: "correct-horse-9", DeviceID: "device-1"})
	require.NoError(t, err)
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 1`)
	p.click("#rows tbody tr")
	p.wait(`document.getElementById("resend") !== null`)
	assert.NotContains(t, eval[string](p, `document.body.innerText`), "correct-horse-9")
	p.click("#resend")
	p.wait(`document.getElementById("send-body")?.value.includes("[hidden]")`)
	p.wait(`(() => { const b = document.getElementById("send-body"); b.value = b.value.replace("ace@", "blitz@"); return true; })()`)
	p.click("#send-go")
	p.wait(`document.querySelector("#send-dialog .result").innerText.includes("201 Created")`)
	_, err = client.Accounts.Login(t.Context(), playline.Credentials{Email: "blitz@example.com", Password: "correct-horse-9"})
	assert.NoError(t, err, "the password that the page did not show was sent as it was")
	p.quiet()
}

func TestARequestIsCopiedAsACommandAndAsAProgram(t *testing.T) {
	p := open(t, "view=requests")
	client, err := playline.New(p.server.Options()...)
	require.NoError(t, err)
	const hostile = "de'vice\"$(exit 3)`exit 4`\\\n\u2028 {}"
	result, err := client.Ingest.Send(t.Context(), playline.Secret(p.server.Token(hostile, 1<<40)), playline.IngestBatch{
		UserID: hostile, GameID: "com.example.stackblaster",
		Events: []playline.GameplayEvent{{Type: playline.Custom, CustomEventName: hostile, Timestamp: p.began, CustomData: map[string]any{hostile: hostile}}},
	})
	require.NoError(t, err)
	require.NotNil(t, result)
	_, err = client.Players.Register(t.Context(), playline.Player{ExternalID: hostile})
	require.NoError(t, err)
	_, err = client.Contacts.Search(t.Context(), hostile, playline.PageOptions{})
	require.NoError(t, err)
	_, err = client.Messaging.ListClients(t.Context(), strings.ReplaceAll(hostile, "\n", ""), playline.ClientListOptions{})
	require.NoError(t, err)
	_, err = client.Suppressions.List(t.Context())
	require.NoError(t, err)

	env := append(os.Environ(), p.server.Env()...)
	_, curlErr := exec.LookPath("curl")
	for number := 1; number <= 5; number++ {
		before := p.server.Requests()[number-1]
		text := func(as string) string {
			p.wait(fmt.Sprintf(`(window.copied ??= {}, window.copied[%q] ??= (fetch("/_inspector/request/%d").then((a) => a.json()).then((full) => import("/_inspector/copy.js").then((m) => { window.copied[%q] = m.%s(full); })), ""), window.copied[%q] !== "")`,
				as+fmt.Sprint(number), number, as+fmt.Sprint(number), as, as+fmt.Sprint(number)))
			return eval[string](p, fmt.Sprintf(`window.copied[%q]`, as+fmt.Sprint(number)))
		}
		same := func(how string) {
			requests := p.server.Requests()
			last := requests[len(requests)-1]
			assert.Equal(t, before.Operation, last.Operation, how)
			assert.Equal(t, before.Status, last.Status, "%s: %s", how, last.ResponseBody)
			assert.Equal(t, before.Path, last.Path, how)
			assert.Equal(t, before.Query, last.Query, how)
			if len(before.Body) > 0 {
				assert.JSONEq(t, string(before.Body), string(last.Body), how)
			}
		}
		program := text("asGo")
		assert.NotContains(t, program, emulator.SunshineSecret)
		file := filepath.Join(t.TempDir(), "main.go")
		require.NoError(t, os.WriteFile(file, []byte(program), 0o600))
		run := exec.CommandContext(t.Context(), "go", "run", file)
		run.Env = env
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s\n%s", out, program)
		same("as Go")
		formatted, err := exec.CommandContext(t.Context(), "gofmt", "-l", file).CombinedOutput()
		assert.NoError(t, err)
		assert.Empty(t, string(formatted), program)
		if curlErr != nil {
			t.Log("SKIPPED: the command for a shell: there is no curl")
			continue
		}
		command := text("asCurl")
		assert.NotContains(t, command, emulator.SunshineSecret)
		shell := exec.CommandContext(t.Context(), "sh", "-c", command)
		shell.Env = env
		out, err = shell.CombinedOutput()
		require.NoError(t, err, "%s\n%s", out, command)
		same("as curl")
	}
	p.quiet()
}

func TestTheSwitchesThatLoseTheAnswer(t *testing.T) {
	p := open(t, "view=requests")
	client, err := playline.New(append(p.server.Options(), playline.WithRetryPolicy(playline.RetryPolicy{MaxAttempts: 1}))...)
	require.NoError(t, err)
	for i, kind := range []string{"reset-after", "hang-after"} {
		selector := `.switch[data-service="smooven"][data-switch="` + kind + `"]`
		p.click(selector)
		p.wait(`document.querySelector('` + selector + `').getAttribute("aria-checked") === "true"`)
		name := fmt.Sprint("device-", i)
		_, err := client.Players.Register(t.Context(), playline.Player{ExternalID: name}, playline.Timeout(patience/60))
		require.Error(t, err, kind)
		_, stored := p.server.Player(name)
		assert.True(t, stored, "%s carries the request out", kind)
	}
	p.wait(`document.querySelectorAll('.switch[aria-checked="true"]').length === 1`)
	p.click("#clear")
	p.wait(`document.getElementById("clear").innerText === "No active faults"`)
	p.quiet()
}

func TestClearEmptiesThePage(t *testing.T) {
	p := open(t, "view=requests")
	p.session()
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 26`)
	p.click("#rows tbody tr")
	p.wait(`!document.getElementById("detail").hidden`)
	p.click("#forget")
	p.wait(`document.getElementById("empty").innerText.includes("Nothing has arrived yet") && document.querySelectorAll("#rows tbody tr").length === 0`)
	p.wait(`document.getElementById("detail").hidden && document.getElementById("count-requests").innerText === "0"`)
	p.click("#tab-players")
	p.wait(`document.querySelectorAll("#rows tbody tr").length === 6`)
	p.quiet()
}

func TestRowsComeSlowlyWhereThatIsWanted(t *testing.T) {
	p := open(t, "view=events")
	p.play(p.session(), 20, 400)
	p.wait(`document.querySelectorAll("#rows tbody tr").length > 20`)
	p.click("#pace")
	assert.Equal(t, "Pace: slow", eval[string](p, `document.getElementById("pace").innerText`))
	eval[bool](p, `(window.added = [], new MutationObserver((list) => { const n = list.reduce((sum, one) => sum + one.addedNodes.length, 0); if (n > 0) window.added.push([performance.now(), n]); }).observe(document.querySelector("#rows tbody"), {childList: true}), true)`)
	p.wait(`window.added.length >= 4`)
	assert.LessOrEqual(t, eval[int](p, `Math.max(...window.added.map(([, n]) => n))`), 4)
	assert.GreaterOrEqual(t, eval[float64](p, `Math.min(...window.added.slice(1).map(([at], i) => at - window.added[i][0]))`), 1900.0)
	assert.Contains(t, eval[string](p, `document.getElementById("shown").innerText`), "a sample of")
	p.click("#pace")
	p.wait(`window.added.at(-1)[1] > 4`)
	p.quiet()
}

func TestPlayersAreSortedByTheirLastEvent(t *testing.T) {
	p := open(t, "view=players&only=recent")
	p.session()
	client, err := playline.New(p.server.Options()...)
	require.NoError(t, err)
	for _, id := range []string{"device-nova-01", "device-ace-01"} {
		_, err := client.Ingest.Send(t.Context(), playline.Secret(p.server.Token(id, 1<<40)), playline.IngestBatch{
			UserID: id, GameID: "com.example.stackblaster", Events: []playline.GameplayEvent{{Type: playline.AppOpen, Timestamp: p.began}},
		})
		require.NoError(t, err)
	}
	p.wait(`[...document.querySelectorAll("#rows tbody tr td.id")].slice(0, 3).map((cell) => cell.innerText).join() === "device-ace-01,device-nova-01,device-blitz-01"`)
	p.visit("view=players")
	p.wait(`document.querySelector("#rows tbody tr td.id")?.innerText === "device-ace-01" && document.querySelectorAll("#rows tbody tr td.id")[1].innerText === "device-blitz-01"`)
	p.quiet()
}
