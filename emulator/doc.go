// Package emulator is the five services of playline in one process: stateful, strict against their contracts, with
// faults by script and a record of every request. It is made for testing code that talks to them.
//
// # Three ways in
//
// [Start] gives a server for a test, on a free loopback port, closed with the test. [Listen] gives one for a program, and the command
// playline-emulator is that one ready-made. [New] gives an [Emulator] that is both a handler to embed and an [http.RoundTripper] that
// needs no socket, which makes it fit for testing/synctest bubbles. [Server.Options] and [Emulator.Options] configure a client for it.
//
//	server := emulator.Start(t)
//	client, err := playline.New(server.Options()...)
//
// # Stateful and strict
//
// What one call stores the next one reads: a registered player can be fetched, a suppressed one gets no message, an OTP can be used once.
// A request is held against its service's contract, and what the contract does not allow is refused as the service would refuse it;
// [Request].Violation says which rule it was. Each service takes the credentials that stand among the constants, and no others.
//
// # Looking at it
//
// A test asks for what the services' own interfaces do not show: [Emulator.Players], [Emulator.Messages] (with the OTP in each),
// [Emulator.Events], [Emulator.Fired], [Emulator.Clients]. [Emulator.Requests] is the record of every request with its status, latency,
// fault and violation; [Emulator.Calls] counts them by operation. [Emulator.Token] makes a token for any player.
//
// A person looks at the inspector, a live web page with switches for faults: the command serves it, and [Listen] with [WithInspector].
// It shows the codes of one-time passwords, because whoever plays the player must type them, and no other secret.
//
// # Faults
//
// [Emulator.Inject] takes a [Fault]: which requests it hits (a service, an operation, a function of the request; after so many, so
// often, with a probability) and what happens to them: a delay, a status with Retry-After, or a [Mode]. The modes that matter most are
// the ones in which the client cannot know: [ResetAfter] and [HangAfter] carry the request out and lose the answer.
//
//	server.Inject(emulator.Fault{Operation: "registerPlayer", Mode: emulator.ResetAfter, Times: 1})
//
// # Time
//
// The emulator's clock is time.Now: tokens and OTPs expire, a project over its quota is locked, a buffer drains. In a synctest bubble,
// where a lock of twelve minutes takes none, make the emulator inside of the bubble and use it as a RoundTripper.
package emulator
