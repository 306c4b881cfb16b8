// Package playline reaches a game's players and learns what they do: one client for five services.
//
//   - Smooven: players and their channels ([PlayersService])
//   - Fyno: profiles, properties, subscriptions, suppressions, notification events, one-time passwords ([ProfilesService],
//     [PropertiesService], [SubscriptionsService], [SuppressionsService], [EventsService], [VerifyService])
//   - SmartSender: contacts ([ContactsService])
//   - Sunshine Conversations: messaging clients ([MessagingService])
//   - PlaySmart: accounts and gameplay events ([AccountsService], [IngestService])
//
// This page is a tour. Each method's own comment says what it takes, what it returns and when it is repeated, and has an example
// that the tests run.
//
// # A first call
//
//	client, err := playline.New(playline.WithSmooven("sk_live_..."))
//	player, err := client.Players.Register(ctx, playline.Player{
//		ExternalID: "device-abc-123",
//		Channels:   playline.PlayerChannels{Email: "ace@example.com"},
//	})
//
// [New] takes an option a service: [WithSmooven], [WithFyno], [WithSmartSender], [WithSunshine], [WithPlaySmart]. [NewFromEnv] takes
// everything from PLAYLINE_... variables. A service that is not configured fails with [ErrNotConfigured] before any network.
//
// A [Client] is made once and shared: it is safe for concurrent use, keeps its connections warm, and starts no goroutines.
//
// # Every method
//
// takes a context first and [RequestOption] values last, and returns a pointer to its result and an error. The options are for this
// call alone: [Timeout], [Retry], [RetryInDoubt], [IdempotencyKey], [Header], [CaptureResponse].
//
// A field that is empty is not sent. Where the zero value means something, the field is a pointer: new("") empties
// [ProfileUpdate].Name, nil leaves it alone.
//
// # Errors
//
// Input that is surely wrong is a [*ValidationError]: it names the field and the rule, and nothing was sent. What a service refuses or
// does not answer is an [*Error], one type for all five, with the status, the service's own code and words, its request id, and the
// number of attempts. [errors.Is] tells causes apart, however the service puts them:
//
//	switch _, err := client.Players.Get(ctx, id); {
//	case errors.Is(err, playline.ErrNotFound):
//	case errors.Is(err, playline.ErrRateLimited):
//	case errors.Is(err, playline.ErrOutcomeUnknown): // look before you send it again
//	}
//
// Answers of 2xx that say that they failed are errors too.
//
// # Many at once
//
// Where one request holds many items and some fail, the result comes together with a [*PartialError] that names them, each by its
// place: see [PlayersService.Import], [EventsService.FireBulk], [PropertiesService.Batch]. [PlayersService.ImportAll] takes any number
// of players from an iterator, says what became of each, and can be resumed.
//
// Lists come as one page ([ContactsService.List]) or as an iterator over all pages ([ContactsService.All]): lazy, and ended by its
// first error.
//
// # Gameplay events
//
// [IngestService.Send] sends up to 200 events of one player, once. A game server has thousands of players and wants neither to count
// nor to lose: [Client.NewBatcher] returns a [batcher.Batcher], which gathers the events of all of them, sends them, repeats what
// failed, and says of each event what became of it. The package [batcher] has a tour of its own.
//
// # Testing
//
// The package [github.com/playline/playline-go/emulator] is the five services in one process, with faults by script and a record of
// every request. It needs no network: it serves on loopback, or stands in for an [http.RoundTripper] inside a testing/synctest bubble.
//
//	client, err := playline.New(emulator.Start(t).Options()...)
//
// # Retries
//
// Each operation has a class, and its method's comment names it:
//
//   - safe: repeated on connection errors, timeouts, 408, 429, 500, 502, 503 and 504
//   - key: as safe, because an idempotency key goes with it
//   - unsent: repeated only where the service cannot have taken the request: no connection, the request not fully written,
//     429, and 503 with Retry-After. Any other failure that leaves the outcome open matches [ErrOutcomeUnknown]
//   - never: one attempt ([VerifyService.Validate], because each counts)
//
// Every attempt passes its service's rate limiter. SmartSender's is on by default; [WithLimiter] sets the others. A 429 holds all
// callers of that service for as long as it asks. [RetryInDoubt] lets one call of class unsent be repeated in doubt too.
//
// Pauses are exponential with full jitter and not shorter than Retry-After, which is capped. The context ends every wait, and
// a pause that its deadline would cut is not begun. [WithRetryPolicy] and [Retry] change the numbers.
//
// # Telemetry
//
// None by default: nothing is logged ([WithLogger] changes that) and nothing is measured. [WithHooks] takes functions that are called
// as calls and attempts begin and end; the module otelplayline makes OpenTelemetry spans and metrics of them.
//
// # One person everywhere
//
// [Client.Identify] makes a person in every configured service or brings the one there up to date,
// [Client.Find] returns what the services know of a person, and [Client.Forget] answers an erasure
// request. All three go on if one service fails and return a [FlowReport] of what was done, whom they could
// not ask, what failed and what no operation can do. Called again with its Identity they do the rest.
//
// # Safety
//
// Credentials go only to the configured scheme, host and port, over https unless that is a loopback address. Redirects are
// refused. Errors and logs ([WithLogger]) hold method, route, status, attempt and request id: no URL, no header, no body. A [Secret]
// prints as [REDACTED]. The caller's http.Client ([WithHTTPClient]) and http.DefaultClient are not changed.
package playline
