package playline

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the project is built with: pinned actions, the newest patch of Go, and a check for advisories that does not pass unseen.

func TestSecurityActionsArePinnedByHash(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(".github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses:\s*(.*)$`)
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		steps := uses.FindAllStringSubmatch(string(text), -1)
		assert.NotEmpty(t, steps, file)
		for _, step := range steps {
			assert.Regexp(t, pinned, step[1], file)
		}
		assert.NotContains(t, string(text), "go-version-file:", "%s: go.mod names the oldest patch of Go that works", file)
		assert.Contains(t, string(text), "check-latest: true", file)
		assert.Contains(t, string(text), "contents: read", file)
	}
}

// TestSecurityDependabotKnowsEveryModule: a module that it does not know keeps its versions until somebody thinks of it.
func TestSecurityDependabotKnowsEveryModule(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile(".github/dependabot.yml")
	require.NoError(t, err)
	work, err := os.ReadFile("go.work")
	require.NoError(t, err)
	assert.Contains(t, string(config), "package-ecosystem: github-actions")
	modules := regexp.MustCompile(`(?m)^\t(\./?[\w./]*)$`).FindAllStringSubmatch(string(work), -1)
	require.Greater(t, len(modules), 5)
	for _, module := range modules {
		folder := strings.TrimPrefix(module[1], ".")
		if strings.HasPrefix(folder, "/examples/") {
			folder = "/examples/*"
		}
		if folder == "" {
			folder = "/"
		}
		assert.Contains(t, string(config), "- "+folder+"\n", "for module %s", module[1])
	}
}

// TestSecurityTheAdvisoryCheckFailsClosed runs the gate's step with a govulncheck that answers as the real one does.
func TestSecurityTheAdvisoryCheckFailsClosed(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	gate, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	step := regexp.MustCompile(`(?ms)^vulnerabilities\(\) \{\n.*?^\}\n`).FindString(string(gate)) //nolint:gocritic // ^ is each line's beginning
	require.NotEmpty(t, step)
	const unreachable = `govulncheck: fetching vulnerabilities: Get "https://vuln.example.com/index/modules.json.gz": dial tcp: no such host`
	for name, test := range map[string]struct {
		hosted, words string
		status        int
		passes        bool
		says          string
	}{
		"nothing is known":                           {"true", "No vulnerabilities found.", 0, true, "No vulnerabilities"},
		"a finding":                                  {"true", "Vulnerability #1", 3, false, "Vulnerability #1"},
		"a finding elsewhere":                        {"", "Vulnerability #1", 3, false, "Vulnerability #1"},
		"no way to the database, hosted":             {"true", unreachable, 1, false, "nobody knows"},
		"no way to the database, elsewhere":          {"", unreachable, 1, true, "SKIPPED"},
		"the database answers with an error, hosted": {"true", `govulncheck: fetching vulnerabilities: HTTP GET https://vuln.example.com returned unexpected status 503`, 1, false, "nobody knows"},
		"it cannot load the code":                    {"", "govulncheck: loading packages: no Go files", 1, false, "loading packages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			fake := fmt.Sprintf("#!%s\ncat <<'END'\n%s\nEND\nexit %d\n", bash, test.words, test.status)
			require.NoError(t, os.WriteFile(filepath.Join(folder, "govulncheck"), []byte(fake), 0o700))
			cmd := exec.CommandContext(t.Context(), bash, "-euo", "pipefail", "-c", step+"\nvulnerabilities")
			cmd.Env = append(os.Environ(), "GITHUB_ACTIONS="+test.hosted)
			cmd.Env = append(cmd.Env, "bin="+folder, "scratch="+folder)
			cmd.Args[len(cmd.Args)-1] = "checked=(.)\n" + cmd.Args[len(cmd.Args)-1]
			out, err := cmd.CombinedOutput()
			assert.Equal(t, test.passes, err == nil, "%s", out)
			assert.Contains(t, string(out), test.says)
		})
	}
}
