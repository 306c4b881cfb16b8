// Package playline reaches a game's players and learns what they do: one client for five services.
//
//   - Smooven: players and their channels ([PlayersService])
//   - Fyno: profiles, properties, subscriptions, suppressions, notification events, one-time passwords ([ProfilesService],
//     [PropertiesService], [SubscriptionsService], [SuppressionsService], [EventsService], [VerifyService])
//   - SmartSender: contacts ([ContactsService])
//   - Sunshine Conversations: messaging clients ([MessagingService])
//   - PlaySmart: accounts and gameplay events ([AccountsService], [IngestService])
//
// # A first call
//
//	client, err := playline.New(playline.WithSmooven("sk_live_..."))
//	player, err := client.Players.Register(ctx, playline.Player{
//		ExternalID: "device-abc-123",
//		Channels:   playline.PlayerChannels{Email: "ace@example.com"},
//	})
//
// [NewFromEnv] takes everything from PLAYLINE_... variables. A service that is not configured fails with [ErrNotConfigured]
// before any network. The package emulator serves all five on loopback, for tests and for a first look.
//
// # Every method
//
// takes a context first and [RequestOption] values last, and returns a pointer to its result and an error. Input that is
// surely wrong is a [*ValidationError] and never leaves the process. What a service refuses is an [*Error]; errors.Is tells
// causes apart ([ErrNotFound], [ErrRateLimited], ...). Where one request holds many items and some fail, the result comes
// together with a [*PartialError] that names them. Answers of 2xx that say that they failed are errors too.
//
// Lists come as one page (List) or as an iterator over all pages (All): lazy, and ended by its first error.
//
// # Retries
//
// Each operation has a class, and its method's comment names it:
//
//   - safe: repeated on connection errors, timeouts, 408, 429, 500, 502, 503 and 504
//   - key: as safe, because an idempotency key goes with it
//   - unsent: repeated only where the service cannot have taken the request: no connection, the request not fully written,
//     429, and 503 with Retry-After. Any other failure that leaves the outcome open matches [ErrOutcomeUnknown]
//   - never: one attempt
//
// Pauses are exponential with full jitter and not shorter than Retry-After, which is capped. The context ends every wait, and
// a pause that its deadline would cut is not begun. [WithRetryPolicy] and [Retry] change the numbers.
//
// # Telemetry
//
// None by default: nothing is logged ([WithLogger] changes that) and nothing is measured. [WithHooks] takes functions that are called
// as calls and attempts begin and end; the module otelplayline makes OpenTelemetry spans and metrics of them.
//
// # Safety
//
// Credentials go only to the configured scheme, host and port, over https unless that is a loopback address. Redirects are
// refused. Errors and logs hold method, route, status, attempt and request id: no URL, no header, no body. The caller's
// http.Client and http.DefaultClient are not changed.
//
// A [Client] is safe for concurrent use. It starts no goroutines.
package playline
