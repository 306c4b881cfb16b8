// Package otelplayline makes OpenTelemetry spans and metrics for a playline client and its
// batchers. It needs only the API of OpenTelemetry: the program chooses the SDK and the exporter.
//
//	hooks, err := otelplayline.NewHooks()
//	client, err := playline.New(playline.WithHooks(hooks), ...)
//	metrics, err := otelplayline.NewBatcherMetrics()
//	b, err := client.NewBatcher(batcher.Config{OnOutcome: metrics.OnOutcome(report), ...})
//	registration, err := metrics.Observe(b)
//
// # Spans
//
// A call is a span of kind INTERNAL by the method's name, such as Players.Get. Each of its attempts
// is a child of kind CLIENT by the conventions for HTTP clients, such as "GET
// /v1/players/{player_id}", with http.request.resend_count from the second one on. The waits
// between them, for a pause or for the rate limit, are the gaps in the call's span. The requests of
// a batcher are calls of Ingest.Send without a parent: one request holds events of many moments.
//
// # Metrics
//
//	http.client.request.duration         histogram, s      an attempt
//	playline.client.call.duration        histogram, s      a call with its pauses
//	playline.batcher.queue.size          up-down, {event}  events waiting or under way
//	playline.batcher.queue.capacity      up-down, {event}  how many can be
//	playline.batcher.queue.memory.usage  up-down, By       JSON waiting or under way
//	playline.batcher.queue.memory.limit  up-down, By       how much can be
//	playline.batcher.processed           counter, {event}  by outcome; error.type if not delivered
//	playline.batcher.possible_duplicates counter, {event}  copies the service may have stored
//	playline.batcher.requests            counter, {request} requests made
//	playline.batcher.inflight            up-down, {request} requests under way
//	playline.batcher.lanes               up-down, {lane}   players, by playline.batcher.lane.state
//	playline.batcher.waiting             up-down, {call}   calls of Track that wait for room
//	playline.batcher.outage              gauge             1 while the service is taken to be down
//	playline.batcher.delay               histogram, s      from Track on, by outcome
//
// Outcome is the attribute playline.batcher.outcome. It has a value for each batcher.Result, in
// lower case. Accepted events are the sum of processed and queue.size. dashboard.json shows all of
// them in Grafana, by the names that a Prometheus exporter gives them.
//
// A delay costs the sending goroutine an eighth of a microsecond per event, and a collection one
// look at each player of the batcher.
//
// # Nothing private
//
// No attribute holds an id, a query, a header, a body, or anybody's words. A path is its template
// (url.template), and url.full has REDACTED instead of each id. It has the base URL as it is
// configured. error.type is a status or one of a few fixed words. A span also has
// playline.request_id, the service's own id of the request, from which credentials, addresses and
// phone numbers are left out as in a playline.Error. So the number of different attributes is
// bounded by the number of operations and statuses.
//
// Trace context is not sent: the services are other companies', and ids of traces, and what baggage
// holds, are not theirs to know. WithPropagator sends it all the same.
package otelplayline
