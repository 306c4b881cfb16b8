// Package emulator is the five services of playline in one process: stateful, strict against their
// contracts, with faults by script and a record of every request. It is made for testing code that
// talks to them.
//
// # Three ways in
//
// [Start] gives a server for a test, on a free loopback port, closed with the test. [Listen] gives
// one for a program, and the command playline-emulator is that one ready-made. [New] gives an
// [Emulator] that is both a handler to embed and an [http.RoundTripper] that needs no socket, which
// makes it fit for testing/synctest bubbles. [Server.Options] and [Emulator.Options] configure a
// client for it.
//
//	server := emulator.Start(t)
//	client, err := playline.New(server.Options()...)
//
// # Stateful and strict
//
// One call reads what another one has stored: a registered player can be fetched, a suppressed one
// gets no message, an OTP can be used once. A request is held against its service's contract, and
// what the contract does not allow is refused as the service would refuse it; [Request].Violation
// says which rule it was. Each service takes the credentials of the constants, and no others.
//
// # Looking at it
//
// A test asks for what the services' own interfaces do not show: [Emulator.Players],
// [Emulator.Messages] (with the OTP in each), [Emulator.Events], [Emulator.Fired],
// [Emulator.Clients]. [Emulator.Requests] is the record of every request with its status, latency,
// fault and violation; [Emulator.Calls] counts them by operation. [Emulator.Token] makes a token
// for any player.
//
// A person looks at the inspector, a live web page with switches for faults: the command serves it,
// and [Listen] with [WithInspector]. It shows the codes of one-time passwords, because whoever
// plays the player must type them, and no other secret: neither what has the name of one nor what
// looks like a token.
//
// # Faults
//
// [Emulator.Inject] takes a [Fault]: which requests it hits (a service, an operation, a function of
// the request; after so many, so often, with a probability) and what happens to them: a delay, a
// status with Retry-After, or a [Mode]. The modes that matter most are the ones in which the client
// cannot know: [ResetAfter] and [HangAfter] carry the request out and lose the answer.
//
//	server.Inject(emulator.Fault{
//		Operation: "registerPlayer", Mode: emulator.ResetAfter, Times: 1,
//	})
//
// # Operations
//
// A fault and [Emulator.Calls] take an operation by its operationId in the contract or by the
// method that calls it. [Operations] prints this list, by service:
//
//	playsmart    ingestEvents          Ingest.Send
//	playsmart    registerAccount       Accounts.Register
//	playsmart    login                 Accounts.Login
//	smooven      registerPlayer        Players.Register
//	smooven      getPlayer             Players.Get
//	smooven      importPlayers         Players.Import
//	smooven      deletePlayer          Players.Delete
//	fyno         createProfile         Profiles.Create
//	fyno         getProfile            Profiles.Get
//	fyno         updateProfile         Profiles.Update
//	fyno         mergeProfiles         Profiles.Merge
//	fyno         deleteProfiles        Profiles.Delete
//	fyno         updateChannels        Profiles.UpdateChannels
//	fyno         deleteChannels        Profiles.DeleteChannels, Profiles.DeleteTokens
//	fyno         setProperties         Properties.Set
//	fyno         setPropertiesOnce     Properties.SetOnce
//	fyno         addToProperties       Properties.Add
//	fyno         appendToProperties    Properties.Append
//	fyno         removeFromProperties  Properties.Remove
//	fyno         unsetProperties       Properties.Unset
//	fyno         batchProperties       Properties.Batch
//	fyno         getPreferences        Subscriptions.Preferences
//	fyno         updatePreferences     Subscriptions.Update
//	fyno         updatePreference      Subscriptions.UpdateTopic
//	fyno         listSuppressions      Suppressions.List
//	fyno         addSuppression        Suppressions.Add
//	fyno         deleteSuppression     Suppressions.Delete
//	fyno         fireEvent             Events.Fire
//	fyno         fireEventBulk         Events.FireBulk
//	fyno         validateOTP           Verify.Validate
//	smartsender  listContacts          Contacts.List
//	smartsender  searchContacts        Contacts.Search
//	smartsender  getContact            Contacts.Get
//	smartsender  getContactInfo        Contacts.Info
//	smartsender  getContactChat        Contacts.Chat
//	smartsender  listContactGates      Contacts.Gates
//	smartsender  updateContact         Contacts.Update
//	smartsender  fireContactEvent      Contacts.Fire
//	smartsender  uniteContacts         Contacts.Unite
//	smartsender  createContactGate     Contacts.Create
//	smartsender  deleteContact         Contacts.Delete
//	sunshine     createClient          Messaging.CreateClient
//	sunshine     listClients           Messaging.ListClients
//	sunshine     removeClient          Messaging.RemoveClient
//
// # Callers
//
// A [Server] listens on the loopback interface where its address says nothing else. It answers to
// addresses, to localhost and to the names of [WithHosts], and keeps the pages of other sites out,
// in front of the services too: they could use the emulator that runs on your machine, because its
// credentials are public.
//
// # Time
//
// The emulator's clock is time.Now: tokens and OTPs expire, a project over its quota is locked, a
// buffer drains. In a synctest bubble, where a lock of twelve minutes takes none, make the emulator
// inside of the bubble and use it as a RoundTripper.
package emulator
