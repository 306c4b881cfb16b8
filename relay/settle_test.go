package relay

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/playline/playline-go/batcher"
)

// Each result of the batcher has a decision about its message.

func TestEveryResultHasADecision(t *testing.T) {
	t.Parallel()
	decided := map[batcher.Result]ending{
		batcher.Delivered: acknowledged,
		batcher.Rejected:  buried,
		batcher.Expired:   buried,
		batcher.Unknown:   buried,
		batcher.Returned:  staysInStream,
		batcher.Spooled:   staysInStream,
		batcher.Erased:    dropped,
	}
	for result := range (batcher.Ledger{}).Results() {
		want, ok := decided[result]
		assert.True(t, ok, "decide what a relay does with the message of an event that is %s", result)
		assert.Equal(t, want, endingOf(result), result.String())
		delete(decided, result)
	}
	assert.Empty(t, decided)
	assert.Equal(t, staysInStream, endingOf(255), "a result of a later version")
}
