package inspectortest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contrasts walks over all text that is seen and returns what is below the 4.5 to 1 that WCAG asks
// of it at level AA. Colours are painted onto a canvas to be read, because that is what knows every
// notation; backgrounds are laid over each other down to the page's.
const contrasts = `(() => {
	const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
	const painted = (colours) => {
		canvas.clearRect(0, 0, 1, 1);
		for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
		return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
	};
	const luminance = (rgb) => {
		const [r, g, b] = rgb.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const bad = [];
	let checked = 0;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const element = walker.currentNode.parentElement;
		if (walker.currentNode.textContent.trim() === "" || !element.checkVisibility() || element.closest(".unseen, noscript, option")) continue;
		const layers = [];
		for (let e = element; e; e = e.parentElement) layers.unshift(getComputedStyle(e).backgroundColor);
		const behind = luminance(painted(layers));
		const front = luminance(painted([...layers, getComputedStyle(element).color]));
		const ratio = (Math.max(front, behind) + 0.05) / (Math.min(front, behind) + 0.05);
		checked++;
		if (ratio < 4.5) bad.push(element.tagName + "." + element.className + " " + ratio.toFixed(2) + ": " + walker.currentNode.textContent.trim().slice(0, 40));
	}
	return {bad: [...new Set(bad)], checked};
})()`

func TestTextCanBeReadInBothThemes(t *testing.T) {
	type finding struct {
		Bad     []string `json:"bad"`
		Checked int      `json:"checked"`
	}
	p := open(t, "view=events")
	s := p.session()
	for range 6 {
		require.NoError(t, s.Notify(t.Context()))
	}
	require.NoError(t, Flip(t.Context(), p.server, "fyno", "outage", true))
	_, err := s.client.Suppressions.List(t.Context())
	require.Error(t, err)
	for theme, background := range map[string]string{"light": "rgb(244, 245, 247)", "dark": "rgb(14, 17, 22)"} {
		for _, width := range []int64{400, 1440} {
			require.NoError(t, Screen(p.tab, width, 900, 1, theme))
			for _, view := range []string{"events", "players&person=device-nova-01", "messages", "requests"} {
				p.visit("view=" + view)
				p.wait(`document.querySelector(".switch[aria-checked=true]") !== null`)
				found := eval[finding](p, contrasts)
				assert.Greater(t, found.Checked, 50)
				assert.Empty(t, found.Bad, "%s, %s, %d", theme, view, width)
				assert.Equal(t, background, eval[string](p, `getComputedStyle(document.body).backgroundColor`))
			}
		}
	}
	// the switch: auto, light, dark; it is remembered
	require.NoError(t, Screen(p.tab, 1280, 900, 1, "light"))
	p.click("#theme")
	p.click("#theme")
	assert.Equal(t, "Theme: dark", eval[string](p, `document.getElementById("theme").innerText`))
	p.visit("")
	assert.Equal(t, "rgb(14, 17, 22)", eval[string](p, `getComputedStyle(document.body).backgroundColor`))
	p.quiet()
}
