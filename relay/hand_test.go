package relay

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
)

// TestHandTake: what the batcher tells is told of the right messages.
func TestHandTake(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		once   string // of five entries, which must not be sent twice
		n      int
		result batcher.Result
		want   []uint64
		left   []uint64
	}{
		"delivered: the first ones":          {".....", 2, batcher.Delivered, []uint64{1, 2}, []uint64{3, 4, 5}},
		"delivered, with some that are once": {"1.1..", 3, batcher.Delivered, []uint64{1, 2, 3}, []uint64{4, 5}},
		"rejected: the first":                {"..1..", 1, batcher.Rejected, []uint64{1}, []uint64{2, 3, 4, 5}},
		"expired":                            {".....", 5, batcher.Expired, []uint64{1, 2, 3, 4, 5}, nil},
		"unknown: the first that are once":   {".1.11", 2, batcher.Unknown, []uint64{2, 4}, []uint64{1, 3, 5}},
		"unknown, fewer than told":           {"....1", 2, batcher.Unknown, []uint64{5}, []uint64{1, 2, 3, 4}},
		"more than there are":                {".....", 7, batcher.Delivered, []uint64{1, 2, 3, 4, 5}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHand()
			for i, c := range test.once {
				h.line("ace", &entry{seq: uint64(i + 1), once: c == '1'})
			}
			h.line("blitz", &entry{seq: 9})
			seqs := func(entries []*entry) (out []uint64) {
				for _, e := range entries {
					out = append(out, e.seq)
				}
				return out
			}
			assert.Equal(t, test.want, seqs(h.take("ace", test.n, test.result)))
			assert.Equal(t, test.left, seqs(h.lines["ace"]))
			assert.Equal(t, []uint64{9}, seqs(h.lines["blitz"]), "another player's")
		})
	}
}
