package emulator

import (
	"bytes"
	"net/http"
	"time"
)

// The inspector's live stream: server-sent events with what is new since the last one.

const (
	// frameEvery is the least time between two frames to a viewer; frameAtLeast is the longest,
	// which tells it that the emulator is there.
	frameEvery   = 250 * time.Millisecond
	frameAtLeast = time.Second
	// frameDeadline is how long a viewer may take to receive one.
	frameDeadline = 10 * time.Second
)

// live streams frames to a viewer as server-sent events until it leaves, is too slow, or the
// emulator closes.
//
// Nothing is queued for a viewer: a frame is made from the emulator's state at the moment when the
// viewer is ready for it, with the newest rows and the number of those left out. So whoever reads
// slowly gets fewer frames, each of which covers more.
func (i *inspector) live(w http.ResponseWriter, r *http.Request) {
	if i.viewers.Add(1) > maxViewers {
		i.viewers.Add(-1)
		http.Error(w, "too many viewers: close a page of the inspector", http.StatusServiceUnavailable)
		return
	}
	defer i.viewers.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	viewer := newViewer(i, r.URL.Query())
	control := http.NewResponseController(w)
	ticker := time.NewTicker(frameEvery)
	defer ticker.Stop()
	var frame bytes.Buffer
	frame.WriteString("retry: 1000\n")
	for {
		if next, ok := viewer.next(time.Now()); ok {
			frame.WriteString("data: ")
			if err := viewerJSON(&frame).Encode(next); err != nil { // ends with the first of two line feeds; JSON holds no others
				panic("emulator: a frame cannot be encoded: " + err.Error())
			}
			frame.WriteByte('\n')
			_ = control.SetWriteDeadline(time.Now().Add(frameDeadline)) // where there is none, a viewer may be as slow as it likes
			if _, err := w.Write(frame.Bytes()); err != nil {
				return
			}
			if err := control.Flush(); err != nil {
				return
			}
			frame.Reset()
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-i.emulator.stopped:
			return
		}
	}
}
