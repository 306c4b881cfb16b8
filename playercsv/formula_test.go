package playercsv

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Cells that attack the person who opens them.

func TestSecurityACellIsNeverAFormula(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                       "",
		"ace":                    "ace",
		"+61400000000":           "+61400000000",
		"-12":                    "-12",
		"it's":                   "it's",
		"'quoted'":               "'quoted'",
		"a=b":                    "a=b",
		`=cmd|'/C calc'!A0`:      `'=cmd|'/C calc'!A0`,
		"=1":                     "'=1",
		"+1+1":                   "'+1+1",
		"+cmd|x":                 "'+cmd|x",
		"-2+3+cmd|x":             "'-2+3+cmd|x",
		"@SUM(A1)":               "'@SUM(A1)",
		"\t=cmd|x":               "'\t'=cmd|x",
		"\r=cmd|x":               "'\r'=cmd|x",
		"\n=cmd|x":               "'\n'=cmd|x",
		" =cmd|x":                " '=cmd|x",
		"\tace":                  "'\tace",
		"'\tace":                 "''\tace",
		"vip;=1,+1+1":            "vip;'=1,'+1+1",
		"\"=cmd|x":               "\"'=cmd|x",
		"\u00a0=cmd|x":           "'\u00a0=cmd|x",
		"\uff1dcmd|x":            "'\uff1dcmd|x",
		"'=cmd|x":                "''=cmd|x",
		"''=cmd|x":               "'''=cmd|x",
		"\xff":                   "\xff",
		`=HYPERLINK("http://x")`: `'=HYPERLINK("http://x")`,
	} {
		assert.Equal(t, want, asText(cell))
		assert.Equal(t, cell, fromText(asText(cell)), "read again it is what it was")
	}
}
