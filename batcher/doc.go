// Package batcher buffers the gameplay events of thousands of players and delivers them: at most 200 a request, one player a
// request under that player's own token.
//
//	b, err := client.NewBatcher(batcher.Config{GameID: "com.example.stackblaster", Tokens: tokens, OnOutcome: report})
//	p := b.Player("device-abc-123")
//	err = p.TrackAttrs(ctx, batcher.LevelCompleted, slog.Int("level", 5), slog.Int("score", 4800))
//	report, err := b.Close(ctx)
//
// A [Batcher] is made once and shared. [New] makes one over a [Sender] of your own; the client's NewBatcher brings one.
//
// # Tracking
//
// [Player.Track] takes an [Event] with any data that encodes as a JSON object; [Player.TrackAttrs] takes attributes and makes no
// garbage; [Player.TrackCustom] is for events with a name of your own. They encode the event before they return, so what it points to
// may change afterwards, and what cannot be encoded is an [*InvalidEventError] here and spoils no request later. They wait where there
// is no room. [Player.TryTrack] and [Player.TryTrackAttrs] do not wait: they are for a game's loop, and return [ErrFull].
//
// A Signal sends and does not wait: [Player.Signal] where a level or a session ends, [Batcher.Signal] where memory is short or the
// process is told to end. [NotifyContext] gives that one on SIGTERM, [Batcher.ShutdownHook] when an HTTP server shuts down.
//
// # Tokens
//
// Config.Tokens, a [TokenSource], is asked for a player's token when there is something to send, not more than once at a time, and again
// before the token ends. A player for whom it returns [ErrNoToken] is parked: its events wait, nobody else's do. [Batcher.Parked] lists
// such players; [Batcher.SetToken] or [Batcher.Resume] lets them go on.
//
// # What became of it
//
// Config.OnOutcome is told, a batch at a time and with the events in hand, as an [Outcome] of [Record] values. [Batcher.Stats] is a
// picture for a dashboard, and its [Ledger] the sum: accepted = delivered + rejected +
// expired + unknown + returned + spooled + erased + pending.
//
// # The end
//
// [Batcher.Close] takes no more events, sends what waits for as long as its context lasts, and returns a [Report]. What could not be
// delivered is in Report.LeftOver, event by event; [Record.Event] makes one of it that can be tracked again.
//
// # Promises
//
//   - Accepted means kept. When Track returns nil the event ends in exactly one Result: delivered, rejected (the service said no to
//     this very event), expired (only with Config.MaxAge or MaxParkedBytes), unknown (only with Config.AtMostOnce), returned (handed back by Close),
//     spooled (left by Close to the Store) or erased (only with Erase). The Ledger balances at every instant. Without a Config.Store
//     this holds while the process lives: what waits in memory dies with it. With one the next process takes back what had no result
//     yet, and goes on.
//   - Order. One request of a player is under way at a time, and events go out in the order in which Track took them.
//   - Isolation. A player with a bad token, bad data or throttling delays nobody else. When the whole service is down all players
//     share one gate: a pause, one probe, a slow start, and then at most twice the usual requests a second (or
//     MaxInFlight, if that is more) until the backlog is sent.
//   - Bounds. Events and bytes, for all players and for each. Track waits for room, TryTrack returns ErrFull. Goroutines run only
//     while something is sent, Config.MaxInFlight at most, and one for each player that is being erased; an idle player is forgotten.
//   - Flush returns when what was accepted before it has its result. Close sends what it can and hands back the rest. Neither
//     outlives its context.
//   - Not promised: that the service has no copies. A request whose answer was lost is sent again, and
//     the copies that this may have made are counted. A proxy in between that repeats POST requests by
//     itself makes copies that nobody here can see or count: switch that off for this service.
//   - Erase drops what waits for a player, and tells it. When it has returned nil nothing of that player is taken or sent until Readmit.
//
// # What triggers a request
//
// 200 events, Config.BatchBytes, Config.Linger after the first event, a Signal, a token about to end, a Track that finds no room,
// Flush, End and Close.
//
// # With a Store
//
// Track encodes the event, takes its room, and returns when the Store has it. Before a block is sent the Store is told so, once, and when
// its events have their result and the callback has returned it is told to forget them. New takes back what is left: in order for each
// player, before what is tracked from then on. Of that, what the earlier process may have sent is sent again and counted as possible
// duplicates, or reported as unknown where Config.AtMostOnce forbids it; so is what was refused with 503, 429 or 401 before the end, since a
// Store is not told that a request had no effect. Close waits for the calls of Track that are handing an event to the
// Store, and leaves to it what could not be sent. Everything that waits is in memory as well: a Store makes it safe, and not less.
//
// What waits for a player who does not come back expires by Config.MaxAge, counted from Track also over a restart, or by MaxParkedBytes, the
// longest parked first; without both such events stay for ever, and fill the Store.
//
// # What a failure does
//
//   - no connection, 429, 503: the player pauses, longer each time, not shorter than Retry-After (capped); nothing is lost
//   - 401: the TokenSource is asked once more, then the player is parked; 403: parked. Its events wait for SetToken or Resume
//   - 400: the batch is cut in two until the bad event stands alone; that one is rejected, the others are delivered
//   - 400 for everything: after three players, or ten single events of fewer, nothing more is rejected until the service takes an event, see
//     Config.OnAllRefused
//   - 413: cut in two by bytes. So is a batch that keeps failing in any other way while others pass; a single event that does is kept
//   - an answer that is not the service's own word, see SendError.Stranger: the events are in doubt, and a refusal is an outage, too
//   - in doubt (a timeout, a lost answer, 500, 502, 504): sent again, because the service does not say; the copies that may have been
//     stored are counted. Types in Config.AtMostOnce are not sent again but reported as unknown
//   - the Store cannot keep an event: Track says so, or keeps it in memory with Config.MemoryOnStoreError. It cannot note that events are
//     about to be sent: the player pauses, and they are not sent. It cannot forget events: they may come back, in doubt
//
// # Inside
//
// A lane is a player: a queue of blocks of encoded events, and a state; one table says what it does next. The scheduler keeps the lanes that are ready,
// that linger and that wait, and the gate. A delivery is one request and what follows from its end. The budget bounds the memory. The
// ledger counts what became of every event, in one place. An erased lane is taken from the scheduler, and dropped by a goroutine of its own.
//
// Lock order: shard, lane, the line of parked players, then scheduler, ledger or budget; none is held while the caller's code or the Store runs.
package batcher
