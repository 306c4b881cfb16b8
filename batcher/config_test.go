package batcher

import (
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Defaults and refusals of Config.

func TestDefaults(t *testing.T) {
	t.Parallel()
	b, err := New(&service{}, Config{GameID: game, Tokens: oneToken})
	require.NoError(t, err)
	got := b.cfg
	assert.NotNil(t, got.Log)
	assert.False(t, got.Log.Enabled(t.Context(), slog.LevelError), "silence")
	got.Tokens, got.Log = nil, nil
	assert.Equal(t, Config{
		GameID:          game,
		Linger:          5 * time.Second,
		BatchEvents:     200,
		BatchBytes:      1 << 20,
		EventBytes:      32 << 10,
		MaxEvents:       1_000_000,
		MaxBytes:        256 << 20,
		MaxPlayerEvents: 100_000,
		MaxPlayerBytes:  (256 << 20) / 10,
		MaxInFlight:     64,
		SendTimeout:     30 * time.Second,
		MaxRetryAfter:   5 * time.Minute,
		IdleTimeout:     10 * time.Minute,
		TokenRenewal:    time.Minute,
	}, got)
}

func TestDefaultsFollowOtherFields(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		cfg  Config
		want func(c Config) bool
	}{
		{"EventBytes, at most BatchBytes", Config{BatchBytes: 1000}, func(c Config) bool { return c.EventBytes == 1000 }},
		{"MaxPlayerEvents, a tenth", Config{MaxEvents: 50}, func(c Config) bool { return c.MaxPlayerEvents == 5 }},
		{"MaxPlayerEvents, at least one", Config{MaxEvents: 5}, func(c Config) bool { return c.MaxPlayerEvents == 1 }},
		{"MaxPlayerBytes, a tenth", Config{MaxBytes: 10 << 20}, func(c Config) bool { return c.MaxPlayerBytes == 1<<20 }},
		{"MaxPlayerBytes, at least one event", Config{MaxBytes: 64 << 10}, func(c Config) bool { return c.MaxPlayerBytes == 32<<10 }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.cfg.GameID, row.cfg.Tokens = game, oneToken
			b, err := New(&service{}, row.cfg)
			require.NoError(t, err)
			assert.True(t, row.want(b.cfg))
		})
	}
}

func TestConfigIsValidated(t *testing.T) {
	t.Parallel()
	tooManyBytes := "MaxBytes"
	if math.MaxInt <= budgetMaxBytes {
		tooManyBytes = "" // an int of 32 bits cannot hold so many
	}
	for _, row := range []struct {
		name   string
		change func(c *Config)
		fields string // that the error names, "" where the config is good
	}{
		{"as it is", func(*Config) {}, ""},
		{"no game", func(c *Config) { c.GameID = "" }, "GameID"},
		{"a store", func(c *Config) { c.Store, c.MemoryOnStoreError = newMemoryStore(), true }, ""},
		{"kept in memory where there is no store", func(c *Config) { c.MemoryOnStoreError = true }, "MemoryOnStoreError, Store"},
		{"no tokens", func(c *Config) { c.Tokens = nil }, "Tokens"},
		{"linger at least", func(c *Config) { c.Linger = time.Millisecond }, ""},
		{"linger too short", func(c *Config) { c.Linger = time.Millisecond - 1 }, "Linger"},
		{"linger negative", func(c *Config) { c.Linger = -1 }, "Linger"},
		{"linger at most", func(c *Config) { c.Linger = time.Hour }, ""},
		{"linger too long", func(c *Config) { c.Linger = time.Hour + 1 }, "Linger"},
		{"events at least", func(c *Config) { c.BatchEvents = 1 }, ""},
		{"events negative", func(c *Config) { c.BatchEvents = -1 }, "BatchEvents"},
		{"events at most", func(c *Config) { c.BatchEvents = 200 }, ""},
		{"201 events", func(c *Config) { c.BatchEvents = 201 }, "BatchEvents"},
		{"batch bytes at least", func(c *Config) { c.BatchBytes = 256 }, ""},
		{"batch bytes too few", func(c *Config) { c.BatchBytes = 255 }, "BatchBytes"},
		{"batch bytes negative", func(c *Config) { c.BatchBytes = -1 }, "BatchBytes"},
		{"batch bytes at most", func(c *Config) { c.BatchBytes = 64 << 20 }, ""},
		{"batch bytes too many", func(c *Config) { c.BatchBytes = 64<<20 + 1 }, "BatchBytes"},
		{"event bytes at least", func(c *Config) { c.EventBytes = 256 }, ""},
		{"event bytes too few", func(c *Config) { c.EventBytes = 255 }, "EventBytes"},
		{"an event larger than a batch", func(c *Config) { c.BatchBytes, c.EventBytes = 1000, 1001 }, "BatchBytes, EventBytes"},
		{"an event larger than the default batch", func(c *Config) { c.EventBytes = 1<<20 + 1 }, "BatchBytes, EventBytes"},
		{"one event in memory", func(c *Config) { c.MaxEvents = 1 }, ""},
		{"as many events in memory as can be counted", func(c *Config) { c.MaxEvents = 100_000_000 }, ""},
		{"more events in memory", func(c *Config) { c.MaxEvents = 100_000_001 }, "MaxEvents"},
		{"as many bytes in memory as can be counted", func(c *Config) { c.MaxBytes = min(budgetMaxBytes, math.MaxInt) }, ""},
		{"more bytes in memory", func(c *Config) { c.MaxBytes = int(min(int64(budgetMaxBytes)+1, math.MaxInt)) }, tooManyBytes},
		{"negative events in memory", func(c *Config) { c.MaxEvents = -1 }, "MaxEvents"},
		{"an event larger than the memory", func(c *Config) { c.MaxBytes = 1000 }, "MaxBytes, EventBytes"},
		{"negative memory", func(c *Config) { c.MaxBytes = -1 }, "MaxBytes, EventBytes"},
		{"a player with all events", func(c *Config) { c.MaxPlayerEvents = 1_000_000 }, ""},
		{"a player with more than all", func(c *Config) { c.MaxPlayerEvents = 1_000_001 }, "MaxPlayerEvents, MaxEvents"},
		{"a player with less than none", func(c *Config) { c.MaxPlayerEvents = -1 }, "MaxPlayerEvents, MaxEvents"},
		{"a player with all memory", func(c *Config) { c.MaxPlayerBytes = 256 << 20 }, ""},
		{"a player with more than all memory", func(c *Config) { c.MaxPlayerBytes = 256<<20 + 1 }, "MaxPlayerBytes, EventBytes, MaxBytes"},
		{"an event larger than a player's memory", func(c *Config) { c.MaxPlayerBytes = 1000 }, "MaxPlayerBytes, EventBytes, MaxBytes"},
		{"one in flight", func(c *Config) { c.MaxInFlight = 1 }, ""},
		{"1024 in flight", func(c *Config) { c.MaxInFlight = 1024 }, ""},
		{"1025 in flight", func(c *Config) { c.MaxInFlight = 1025 }, "MaxInFlight"},
		{"negative in flight", func(c *Config) { c.MaxInFlight = -1 }, "MaxInFlight"},
		{"negative send timeout", func(c *Config) { c.SendTimeout = -1 }, "SendTimeout"},
		{"negative Retry-After", func(c *Config) { c.MaxRetryAfter = -1 }, "MaxRetryAfter"},
		{"negative age", func(c *Config) { c.MaxAge = -1 }, "MaxAge"},
		{"age above linger", func(c *Config) { c.MaxAge = 5*time.Second + 1 }, ""},
		{"age as linger", func(c *Config) { c.MaxAge = 5 * time.Second }, "MaxAge, Linger"},
		{"negative idle timeout", func(c *Config) { c.IdleTimeout = -1 }, "IdleTimeout"},
		{"negative renewal", func(c *Config) { c.TokenRenewal = -1 }, "TokenRenewal"},
		{"at most once", func(c *Config) { c.AtMostOnce = []EventType{LevelCompleted, Custom} }, ""},
		{"at most once, no type", func(c *Config) { c.AtMostOnce = []EventType{LevelCompleted, "Jump"} }, "AtMostOnce"},
		{"game no UTF-8", func(c *Config) { c.GameID = "\xff" }, "EventIDKey, GameID"},
		{"id key no UTF-8", func(c *Config) { c.EventIDKey = "\xff" }, "EventIDKey, GameID"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{GameID: game, Tokens: oneToken}
			row.change(&cfg)
			b, err := New(&service{}, cfg)
			if row.fields == "" {
				require.NoError(t, err)
				return
			}
			assert.Nil(t, b)
			var wrong *ConfigError
			require.ErrorAs(t, err, &wrong)
			assert.Equal(t, row.fields, wrong.Fields)
			assert.Contains(t, err.Error(), "batcher: Config."+row.fields+" ")
			assert.NotEmpty(t, wrong.Rule)
		})
	}
	_, err := New(nil, Config{GameID: game, Tokens: oneToken})
	require.EqualError(t, err, "batcher: New needs a Sender, and got nil") // it is no field of Config
}

func TestNewKeepsNothingOfTheCallersConfig(t *testing.T) {
	t.Parallel()
	once := []EventType{IAPPurchase}
	b, err := New(&service{}, Config{GameID: game, Tokens: oneToken, AtMostOnce: once})
	require.NoError(t, err)
	once[0] = AppOpen
	assert.True(t, b.sendsOnce(IAPPurchase))
	assert.False(t, b.sendsOnce(AppOpen))
}

func TestNewStartsNothing(t *testing.T) {
	t.Parallel()
	b, err := New(&service{}, Config{GameID: game, Tokens: oneToken})
	require.NoError(t, err)
	assert.Nil(t, b.sched.timer)
	assert.Equal(t, Stats{MaxEvents: 1_000_000, MaxBytes: 256 << 20}, b.Stats())
	report, err := b.Close(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Report{}, report)
}
