package playline

import (
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
	sunshine struct {
		appID, keyID string
		secret       Secret
		scope        SunshineScope // "": basic auth
		on           bool
	}
	playSmart struct{ on bool }

	base     map[Service]*url.URL
	limiters map[Service]*rate.Limiter
	http     *http.Client
	log      *slog.Logger
	retry    RetryPolicy
	hooks    []Hooks
	maxBody  int64
}
