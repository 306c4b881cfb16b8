// Package relay delivers the events of a fleet of game servers through NATS JetStream: the servers
// publish to a stream, and relays consume it, batch per player, and send.
//
//	err := relay.CreateStream(ctx, js, relay.StreamConfig{Name: "EVENTS"})
//	b, err := relay.NewPublisher(ctx, js, "EVENTS", cfg)     // in a game server, in the place of client.NewBatcher(cfg)
//	sender, err := client.BatchSender()                      // in a relay
//	r, err := relay.Start(ctx, js, relay.Config{Stream: "EVENTS", Sender: sender, Batcher: cfg})
//
// js is a jetstream.JetStream of a connection to the fleet's NATS servers, 2.12 or newer.
//
// # Promises
//
//   - Accepted means kept. An event that Track took is in the publisher's memory, and in its Store
//     if it has one, until the stream has acknowledged it, and in the stream until the service has
//     accepted it or a dead letter says why not. A relay that is killed loses nothing. The stream
//     itself can lose what it has acknowledged, see below.
//   - Order. A player's events go out in the order in which the stream has them, which is the order
//     of Track for events of one publisher, over any number of relays that come and go.
//   - Bounds. Publishers and relays hold what their Config allows. Where the service is down the
//     stream holds the rest, and where the stream is full it refuses, and Track waits.
//   - No token is in the stream. The relays have a token source.
//
// # Who may do what
//
// A stream is one trust domain. A game server needs one right, to publish its own game's events,
// and that right ends at its game. Relays, erasers and support need rights that NATS cannot bound
// by a game, so give each game that must be kept apart a stream of its own, or an account.
// [Permissions] returns the least rights of each [Role], and tests hold each role to them on a real
// server; [ServerConfig] returns the accounts of a game for the servers' configuration.
//
// Give game servers an account of their own, as ServerConfig does. In NATS, whoever publishes to a
// stream names the subject of the stream's answer, and the server does not check that subject:
// inside one account a program that is meant ill has such answers written to a lease, a dead letter
// or another game's events. Between accounts the server translates the subject. Give connections
// nats.CustomInboxPrefix with Permission.Inbox, so that no program can read what the servers send
// to others.
//
// A stream refuses to purge and to delete events unless it was made with StreamConfig.Erasable, for
// an [Eraser]. An Eraser's word comes on subjects that game servers may not publish to.
//
// # What an acknowledgement of the stream is worth
//
// CreateStream asks for three replicas on disk, refuses instead of discarding, and checks a stream
// that exists. That is not enough: a server acknowledges before it has synced to its disk, which it
// does every two minutes by default. Jepsen found in NATS 2.12.1
// (https://jepsen.io/analyses/nats-2.12.1) that power failures of several nodes at once, or a crash
// of one operating system together with a pause or a partition, lose what was acknowledged. So set
// on every server
//
//	jetstream { sync_interval: always }
//
// A client of the stream's account cannot see it; VerifyServers checks it over the system account.
// Three nodes in one rack without it are one power cut away from losing up to two minutes.
//
// With sync_interval: always it is still not a guarantee. Open issues of nats-server report
// acknowledged messages lost in spite of it: process kills, partitions and membership changes
// (https://github.com/nats-io/nats-server/issues/7545), whole streams forgotten after processes
// were killed (6888, in 2.10.20 to 2.10.22), nodes that disagree after a power failure of one of
// them together with pauses or partitions (7567), and single-bit errors in the files of a minority
// of nodes (7549). What the stream loses after it has acknowledged it, a Publisher has already let
// go: this package cannot bring it back. Do not change the membership of a cluster while nodes are
// down, and watch Stats.StreamError.
//
// # A partition has one relay
//
// Players are dealt into partitions by the server's subject transform, so publishers cannot
// disagree. A partition belongs to the relay that has its lease, a message that expires. The relay
// stops sending after two thirds of the lease without a renewal, and ends the requests under way;
// another can begin only when all of it has passed. It makes the partition's consumer anew and gets
// what the stream has, in order. What of that was settled before, and what may have been sent, it
// knows from a note that the relay before has left in the stream of the leases: a replicated stream
// removes a message only some time after it has confirmed the acknowledgement.
//
// # Players without a token
//
// Their events wait in the relay, Config.Batcher.MaxPlayerEvents for each; what does not fit
// becomes a dead letter, "set aside". A partition holds Config.Batcher.MaxEvents in all: where so
// many wait for tokens, its other players wait too, and the stream holds what comes. Set
// Config.Batcher.MaxAge where tokens may stay away for long.
//
// # What was not delivered
//
// An event that the service rejected, that expired, or that nobody can read becomes a dead letter,
// with the cause, in a stream of its own. It stays there for StreamConfig.DeadMaxAge, 30 days by
// default, because it holds personal data. [DeadLetters] lists them; each can be tracked again and
// removed.
//
// # Erasing a player
//
// An Eraser drops what the fleet has of a player: in the stream, in the relays, and among the dead
// letters. The stream must be made for it, with StreamConfig.Erasable.
//
//	eraser, err := relay.NewEraser(ctx, js, "EVENTS", gameID)
//	report, err := client.Forget(ctx, who, playline.ForgetOptions{Events: []playline.EventEraser{publisher, eraser}})
//
// # Duplicates
//
// The stream drops a second copy of an event by its id, within StreamConfig.Duplicates. The service
// cannot: it does not know ids. An event can reach it twice if an answer was lost, or if a relay
// was killed between sending and acknowledging; Stats counts both as possible duplicates.
//
// Types in Config.Batcher.AtMostOnce become dead letters instead. A relay notes such events in the
// stream of the leases before it sends them, so that after its death exactly the events of its
// requests under way are unknown. That costs one write per request with such events.
//
// Attempts of a relay that was killed count once. If all NATS servers restart at once, they forget
// what they had delivered of a partition until its relay has written its note, within a second or
// two: of a relay that is killed in that moment some copies are not counted.
package relay
