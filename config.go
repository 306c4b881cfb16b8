package playline

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"golang.org/x/time/rate"
)

// config is what the options fill; New makes the client from it.
type config struct {
	smooven struct {
		key, appID Secret
		on         bool
	}
	fyno struct {
		workspace string
		version   FynoVersion
		key       Secret
		on        bool
	}
	smartSender struct {
		token Secret
		on    bool
	}
	sunshine  sunshineConfig
	playSmart struct{ on bool }

	base       map[Service]*url.URL
	limiters   map[Service]*rate.Limiter
	anySuccess map[Service]bool
	http       *http.Client
	log        *slog.Logger
	retry      RetryPolicy
	hooks      []Hooks
	eventTypes []EventType
	maxBody    int64
}

// sunshineConfig is how the client logs in to Sunshine: with a key, or with a source of tokens.
type sunshineConfig struct {
	appID, keyID string
	secret       Secret
	scope        SunshineScope                             // "": basic auth
	token        func(ctx context.Context) (Secret, error) // nil: there is a key
	on           bool
}
