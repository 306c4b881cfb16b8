package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The contracts as JSON, as the emulator embeds them.

func TestTheEmulatorHasTheContractsAsTheyAre(t *testing.T) {
	documents, err := convertAll("../../../contracts")
	require.NoError(t, err)
	const embedded = "../../../emulator/contract"
	files, err := os.ReadDir(embedded)
	require.NoError(t, err)
	assert.Len(t, files, len(documents), "a file there belongs to no contract, or one is missing")
	for name, document := range documents {
		have, err := os.ReadFile(filepath.Join(embedded, name))
		require.NoError(t, err)
		require.Equal(t, string(document), string(have), "%s is out of date: run go generate ./emulator in the root", name)
	}
}

func TestConvert(t *testing.T) {
	for _, row := range []struct {
		name, yaml, json, err string
	}{
		{"an anchor stands for what it names", "b: &x {type: string}\na: *x", `{"a":{"type":"string"},"b":{"type":"string"}}`, ""},
		{"a text stays a text", `a: {"200": "on", b: <tag>, c: "1.0"}`, `{"a":{"200":"on","b":"<tag>","c":"1.0"}}`, ""},
		{"numbers, booleans and null", "a: [1, 1.5, true, null]", `{"a":[1,1.5,true,null]}`, ""},
		{"a key that is no text", "a: {200: x}", "", "map[interface {}]interface {}"},
		{"an anchor that is not there", "a: *x", "", "unknown anchor"},
		{"no document", "- a", "", "cannot unmarshal"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := convert([]byte(row.yaml))
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				return
			}
			require.NoError(t, err)
			require.JSONEq(t, row.json, string(got))
		})
	}
}

func TestNothingToConvert(t *testing.T) {
	require.ErrorContains(t, write(t.TempDir(), t.TempDir()), "-from")
}

func TestWrite(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(from, "chess.openapi.yaml"), []byte("openapi: 3.0.3"), 0o600))
	require.NoError(t, write(from, to))
	got, err := os.ReadFile(filepath.Join(to, "chess.json"))
	require.NoError(t, err)
	want, err := convert([]byte("openapi: 3.0.3"))
	require.NoError(t, err)
	require.Equal(t, want, got)
}
