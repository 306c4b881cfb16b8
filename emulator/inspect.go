package emulator

// Messages returns every notification that Fyno events led to, sent or not, oldest first.
func (e *Emulator) Messages() []Message { return e.fyno.messages() }

// AddContact puts a contact into the SmartSender project, as if the person had written first, and
// returns its id. The values are taken as they are.
func (e *Emulator) AddContact(contact Contact) int64 { return e.smartSender.addContact(contact) }

// GateContact returns the id of the SmartSender contact that a gate belongs to, 0 where there is no
// such gate: the API shows a gate without its contact.
func (e *Emulator) GateContact(gateID int64) int64 { return e.smartSender.gateContact(gateID) }

// Fired returns the events launched for a SmartSender contact, oldest first.
func (e *Emulator) Fired(contactID int64) []FiredEvent { return e.smartSender.firedFor(contactID) }
