package batcher_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
)

// What a Batch gives to its Sender.

func TestBatchAll(t *testing.T) {
	t.Parallel()
	for name, events := range map[string][]json.RawMessage{
		"none": nil,
		"one":  {json.RawMessage(`{"type":"AppOpen"}`)},
		"some": {json.RawMessage(`{"type":"AppOpen"}`), json.RawMessage(`{"type":"GameEnd"}`), json.RawMessage(`{"a":"},{"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := batcher.NewBatch("ace", "com.example.stackblaster", batcher.Token{}, events...)
			var got []json.RawMessage
			for e := range b.All() {
				got = append(got, e)
			}
			assert.Equal(t, events, got)
			n := 0
			for range b.All() {
				n++
				break
			}
			assert.Equal(t, min(1, len(events)), n, "a loop that ends early")
		})
	}
}
