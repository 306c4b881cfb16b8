package emulator

import "strconv"

// messageView is a notification as a row.
type messageView struct {
	Number      int    `json:"n"`
	Time        int64  `json:"time"` // Unix time in milliseconds
	Event       string `json:"event"`
	Player      string `json:"player"`
	Channel     string `json:"channel"`
	Destination string `json:"destination"`
	Sent        bool   `json:"sent"`
	Reason      string `json:"reason,omitzero"` // why it was not sent
	OTP         string `json:"otp,omitzero"`    // the code in it, which the person who plays the player must type
	Version     string `json:"version"`
	Data        string `json:"data"`
}

func (f *fyno) messageCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

// messageRows returns the notifications above a number that a filter takes, newest first. Its
// choice is sent, unsent or otp.
func (e *Emulator) messageRows(f filter, last int, first bool) (rows []messageView, more, newest int) {
	e.fyno.mu.Lock()
	sent := e.fyno.sent // what is in it is never written again
	e.fyno.mu.Unlock()
	rows = []messageView{}
	oldest := max(last, len(sent)-10*newestEvents) // an evening of it, and a filter that finds nothing still ends
	for number := len(sent); number > oldest; number-- {
		m := sent[number-1]
		switch {
		case f.only == "sent" && !m.Sent, f.only == "unsent" && m.Sent, f.only == "otp" && m.OTP == "", f.player != "" && f.player != m.DistinctID,
			!f.takes(m.Event, m.DistinctID, m.Channel, m.Destination, m.Reason):
		case len(rows) == rowsOf(first):
			more++
		default:
			rows = append(rows, m.view(number))
		}
	}
	return rows, more, len(sent)
}

func (m Message) view(number int) messageView {
	view := messageView{
		Number: number, Time: m.Time.UnixMilli(), Event: clipped(m.Event, 100), Player: clipped(shownID(m.DistinctID), 200), Channel: m.Channel,
		Destination: clipped(m.Destination, 200), Sent: m.Sent, Reason: m.Reason, OTP: m.OTP, Version: m.Version, Data: inOneLine(m.Data, 1000),
	}
	if holdsDevices(m.Channel) && m.Destination != "" {
		view.Destination = "a device (" + strconv.Itoa(len(m.Destination)) + " characters)"
	}
	return view
}
