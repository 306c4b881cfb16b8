package emulator

// eventView is a gameplay event as a row.
type eventView struct {
	Number int    `json:"n"`
	Time   int64  `json:"time"` // of arrival, Unix time in milliseconds
	Player string `json:"player"`
	Type   string `json:"type"`
	Name   string `json:"name,omitzero"` // of a custom event
	Stamp  string `json:"stamp"`         // as it was sent
	Game   string `json:"game"`
	Data   string `json:"data"`
}

// eventRows returns the events above a number that a filter takes, newest first, or, where they are
// not the viewer's first ones and too many, a sample. The filter's choice is a type of event.
func (e *Emulator) eventRows(f filter, last int, first bool) (rows []eventView, more, newest int) {
	events, more, newest := e.playSmart.after(f.player, last, first, func(event Event) bool {
		return (f.only == "" || f.only == event.Type) &&
			(len(f.words) == 0 || f.takes(event.UserID, event.Type, event.CustomEventName, string(event.CustomData)))
	})
	rows = []eventView{}
	for _, event := range events {
		rows = append(rows, eventView{
			Number: event.number, Time: event.Received.UnixMilli(), Player: clipped(shownID(event.UserID), 200), Type: event.Type,
			Name: clipped(event.CustomEventName, 100), Stamp: clipped(event.Timestamp, 100), Game: clipped(event.GameID, 100), Data: inOneLine(event.CustomData, 1000),
		})
	}
	return rows, more, newest
}
