package fleet

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulation's table and picture.

func TestPrintAndDraw(t *testing.T) {
	g, c := game(), costs()
	var plans []Plan
	for _, daily := range []float64{1e6, 1e7, 1e8} {
		plans = append(plans, Make(g, c, daily))
	}
	var out bytes.Buffer
	require.NoError(t, Print(&out, g, c, plans))
	for _, want := range []string{"50 minutes per day", "60 % of them, with 1 lost", "5µs per event and 60µs per request", "100M", "6.25M", "625k", "417k"} {
		assert.Contains(t, out.String(), want)
	}
	t.Log("\n" + out.String())

	file := filepath.Join(t.TempDir(), "fleet.svg")
	require.NoError(t, Draw(file, g, c, plans))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, want := range []string{"<svg", "NATS nodes", "100M daily players", "minutes from the beginning"} {
		assert.Contains(t, string(text), want)
	}
	assert.ErrorContains(t, Draw("fleet.pdf", g, c, plans), "must end in .svg or .png")
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"999": short(999), "1.23k": short(1234), "12M": short(12e6), "1.5B": short(1.5e9), "0": short(0),
		"1.5 MB": size(1.5e6), "2 TB": size(2e12), "3.5 GB": size(3.5e9), "0.1 kB": size(100),
		"5.12µs": round(5123 * time.Nanosecond).String(), "62ns": round(62).String(), "0s": round(0).String(),
	} {
		assert.Equal(t, want, got)
	}
}
