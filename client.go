package playline

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"strings"

	"golang.org/x/time/rate"

	"github.com/playline/playline-go/internal/shape"
	"github.com/playline/playline-go/internal/transport"
)

// Version is the version of this package, as it stands in the User-Agent header.
const Version = "0.1.0"

const defaultMaxBody = 16 << 20

// Client reaches the services that it was configured for. It is safe for concurrent use.
type Client struct {
	Players       *PlayersService
	Profiles      *ProfilesService
	Properties    *PropertiesService
	Subscriptions *SubscriptionsService
	Suppressions  *SuppressionsService
	Events        *EventsService
	Verify        *VerifyService
	Contacts      *ContactsService
	Messaging     *MessagingService
	Accounts      *AccountsService
	Ingest        *IngestService

	transport *transport.Client
	log       *slog.Logger
	endpoints map[Service]*endpoint // only the configured ones
	retry     RetryPolicy
	hooks     []Hooks
	userAgent string

	eventTypes []EventType // of PlaySmart, beside the constants
}

// service is what the types of all services are.
type service struct{ client *Client }

// endpoint is one configured service.
type endpoint struct {
	transport.Service
	login
	baseURL    string // of the hooks
	maxBody    int
	errorWord  *shape.Shape
	anySuccess bool // see WithAnySuccess
}

// New returns a client for the services that the options configure. Without any service it is an error.
func New(opts ...Option) (*Client, error) {
	cfg := &config{
		base:       map[Service]*url.URL{},
		limiters:   map[Service]*rate.Limiter{},
		anySuccess: map[Service]bool{},
		log:        slog.New(slog.DiscardHandler),
		retry:      defaultRetry,
		maxBody:    defaultMaxBody,
	}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("playline: an option is nil")
		}
		if err := opt(cfg); err != nil {
			return nil, err
		}
	}
	c := &Client{
		transport:  transport.New(cfg.http, cfg.log, cfg.maxBody),
		log:        cfg.log,
		endpoints:  map[Service]*endpoint{},
		retry:      cfg.retry,
		hooks:      cfg.hooks,
		eventTypes: cfg.eventTypes,
		userAgent:  "playline-go/" + Version + " (" + runtime.Version() + ")",
	}
	for name, d := range dialects {
		l := d.login(cfg)
		if l == nil {
			continue
		}
		e, err := newEndpoint(name, d, l, cfg)
		if err != nil {
			return nil, err
		}
		c.endpoints[name] = e
	}
	if len(c.endpoints) == 0 {
		return nil, errors.New("playline: no service is configured: give New at least one of WithSmooven, WithFyno, WithSmartSender, WithSunshine, WithPlaySmart")
	}
	s := service{c}
	c.Players = (*PlayersService)(&s)
	c.Profiles = (*ProfilesService)(&s)
	c.Properties = (*PropertiesService)(&s)
	c.Subscriptions = (*SubscriptionsService)(&s)
	c.Suppressions = (*SuppressionsService)(&s)
	c.Events = (*EventsService)(&s)
	c.Verify = (*VerifyService)(&s)
	c.Contacts = (*ContactsService)(&s)
	c.Messaging = (*MessagingService)(&s)
	c.Accounts = (*AccountsService)(&s)
	c.Ingest = (*IngestService)(&s)
	return c, nil
}

func newEndpoint(name Service, d dialect, l *login, cfg *config) (*endpoint, error) {
	base := cfg.base[name]
	if base == nil {
		var err error
		if base, err = parseBase(d.base); err != nil {
			return nil, fmt.Errorf("playline: base URL of %s: %w", name, err)
		}
	}
	limiter, replaced := cfg.limiters[name]
	if !replaced && d.limiter != nil {
		limiter = d.limiter()
	}
	return &endpoint{
		Service: transport.Service{
			Name:          string(name),
			Base:          base,
			Gate:          transport.NewGate(limiter),
			Refusal:       d.refusal,
			Throttle:      d.throttle,
			MaxRetryAfter: d.maxRetryAfter,
		},
		login:      *l,
		baseURL:    strings.TrimRight(base.String(), "/"),
		maxBody:    d.maxBody,
		errorWord:  d.errorWord,
		anySuccess: cfg.anySuccess[name],
	}, nil
}
