package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
)

const (
	// eventPause is the pause between two looks at the host while a page follows it.
	eventPause = 2 * time.Second

	// pauseShare is the minimum ratio of the pause after a look to the duration of the look.
	pauseShare = 20

	// sendLimit is the time without reading after which a browser is disconnected.
	sendLimit = 20 * time.Second
)

// events sends the changes of the host, or of one app, as server-sent events. "parts" contains the
// parts of the page that have changed, by name, and "points" contains new points of the plots.
func (v *visit) events() error {
	if !v.enterStream() {
		http.Error(v.w, "Too many pages follow the host.", http.StatusServiceUnavailable)
		return nil
	}
	defer v.leaveStream()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // for nginx in front
	f := follower{visit: v, name: modgw.AppName(v.r.URL.Query().Get("app")), sent: map[string]string{}, since: time.Now()}
	for ctx := v.r.Context(); ctx.Err() == nil && v.mayGoOn(); {
		began := time.Now()
		if err := f.look(ctx); err != nil {
			v.log.Debug("page of the dashboard not followed any more", "error", err)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(eventPause, pauseShare*time.Since(began))):
		}
	}
	return nil
}

func (v *visit) enterStream() bool {
	if !v.streams.enter() {
		return false
	}
	if v.session != nil && !v.session.streams.enter() {
		v.streams.leave()
		return false
	}
	return true
}

func (v *visit) leaveStream() {
	v.streams.leave()
	if v.session != nil {
		v.session.streams.leave()
	}
}

// mayGoOn reports whether the session is still valid.
func (v *visit) mayGoOn() bool { return v.session == nil || v.sessions.isOpen(v.session) }

// follower sends changes to a browser.
type follower struct {
	*visit
	name  modgw.AppName     // "": all apps
	sent  map[string]string // text of the parts that the browser has
	since time.Time         // time of the newest point that was sent
}

// look asks the host for its state, and sends the changes.
func (f *follower) look(ctx context.Context) error {
	parts, err := f.parts(ctx)
	if err != nil {
		return err
	}
	changed := map[string]string{}
	for _, p := range parts {
		if text := string(p.HTML); f.sent[p.Name] != text {
			changed[p.Name], f.sent[p.Name] = text, text
		}
	}
	if err := f.send("parts", changed); err != nil || f.name == "" {
		return err
	}
	figures, err := f.readFigures(ctx, f.name, f.since)
	if err != nil || figures.App == nil || len(figures.App.Times) == 0 {
		return err
	}
	f.since = time.UnixMilli(figures.App.Times[len(figures.App.Times)-1])
	return f.send("points", figures)
}

func (f *follower) parts(ctx context.Context) ([]part, error) {
	if f.name == "" {
		return f.glanceParts(ctx)
	}
	a, err := f.readApp(ctx, f.name)
	if err != nil {
		return nil, err
	}
	return appParts(a)
}

// send sends an event.
func (f *follower) send(name string, data any) error {
	text, err := json.Marshal(data) // on one line
	if err != nil {
		return err
	}
	controller := http.NewResponseController(f.w)
	if err := controller.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f.w, "event: %s\ndata: %s\n\n", name, text); err != nil {
		return err
	}
	return controller.Flush()
}
