package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contractsDir is where the documents are, seen from this package.
const contractsDir = "../contracts"

func TestWholeSDKAgainstTheContracts(t *testing.T) {
	report, err := run(t.Context(), contractsDir)
	require.NoError(t, err)
	var text strings.Builder
	report.print(&text)
	t.Log("\n" + text.String())
	require.NoError(t, report.err())
	require.NotEmpty(t, report.coverage[operations])
}
