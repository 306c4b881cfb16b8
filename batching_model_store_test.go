package playline_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/playline/playline-go/batcher"
)

// clientProcess is the life of one batcher of the model, and the store that it has: events in memory that outlive it. A third of the seeds
// have one. Once it is dead nothing that it does has an effect.
type clientProcess struct {
	*clientModel
	dead bool // guarded by the model's mutex
}

var errClientKilled = errors.New("model: this process is dead")

// start begins a process.
func (m *clientModel) start() {
	p := &clientProcess{clientModel: m}
	cfg := m.cfg
	cfg.OnOutcome = p.outcome
	if m.kept != nil {
		cfg.Store = p
	}
	m.mu.Lock()
	m.process = p
	m.mu.Unlock()
	b, err := m.client.NewBatcher(cfg)
	require.NoError(m.t, err)
	m.b = b
}

// kill ends a process in a moment in which all of its goroutines wait.
func (m *clientModel) kill() {
	synctest.Wait()
	m.mu.Lock()
	m.process.dead = true
	m.mu.Unlock()
	ctx, cancel := context.WithCancel(m.t.Context())
	cancel()
	_, _ = m.b.Close(ctx) // only so that the bubble can end
	synctest.Wait()
}

// playUntilKilled is the life of a process that does not get to its end.
func (m *clientModel) playUntilKilled(r *rand.Rand, players int) {
	m.start()
	var wait sync.WaitGroup
	m.playAll(&wait, r.Uint64(), players)
	time.Sleep(time.Duration(r.Int64N(int64(10 * time.Second))))
	m.kill()
	wait.Wait()
}

// finish delivers what Close left to the store, and returns the report of the process that did it.
func (m *clientModel) finish(report batcher.Report) batcher.Report {
	assert.Equal(m.t, report.Spooled, int64(len(m.kept)), "what Close left is in the store")
	assert.Empty(m.t, report.LeftOver)
	m.start()
	require.NoError(m.t, m.b.Flush(m.t.Context()))
	last, err := m.b.Close(m.t.Context())
	require.NoError(m.t, err)
	assert.Equal(m.t, report.Spooled, last.Accepted)
	assert.Empty(m.t, m.kept, "everything has its result")
	return last
}

func (p *clientProcess) outcome(out batcher.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead {
		p.told(out)
	}
}

// Append implements batcher.Store.
func (p *clientProcess) Append(_ context.Context, e batcher.StoredEvent) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return 0, errClientKilled
	}
	p.next++
	e.ID, e.JSON = p.next, slices.Clone(e.JSON)
	p.kept[e.ID] = e
	return e.ID, nil
}

// Sending implements batcher.Store.
func (p *clientProcess) Sending(_ context.Context, ids []uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errClientKilled
	}
	for _, id := range ids {
		e := p.kept[id]
		e.InDoubt = true
		p.kept[id] = e
	}
	return nil
}

// Settled implements batcher.Store.
func (p *clientProcess) Settled(_ context.Context, ids []uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errClientKilled
	}
	for _, id := range ids {
		assert.Contains(p.t, p.kept, id)
		delete(p.kept, id)
	}
	return nil
}

// Recover implements batcher.Store.
func (p *clientProcess) Recover(context.Context) iter.Seq2[batcher.StoredEvent, error] {
	return func(yield func(batcher.StoredEvent, error) bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(p.kept)) {
			if !yield(p.kept[id], nil) {
				return
			}
		}
	}
}
