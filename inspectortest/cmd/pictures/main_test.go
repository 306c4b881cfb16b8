package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The command without a browser: what it refuses before it begins.

func TestPicturesSayWhatTheyNeed(t *testing.T) {
	err := run(filepath.Join(t.TempDir(), "nowhere"), time.Second, nil, false)
	require.ErrorContains(t, err, "there is no such folder")
	assert.ErrorContains(t, err, "-to")
}
