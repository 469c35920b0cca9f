package python

import (
	"sync"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/modgw/wire"
)

// lagTime is how long an app may give no sign of life to what has come for it before the worker is asked whether its event
// loop is blocked.
const lagTime = time.Second

// askForLag asks the worker to log the stack of its event loop if that is blocked, now and then at most.
func (w *worker) askForLag() {
	now := int64(monotonic.Now())
	last := w.lagAsked.Load()
	if (last == 0 || now-last >= int64(lagTime)) && w.lagAsked.CompareAndSwap(last, now) {
		w.say(wire.Dump, nil)
	}
}

// lagWatch has the worker asked when the app says nothing for a while after a message of a client. An app need not answer,
// so that this alone is no sign that anything is wrong.
type lagWatch struct {
	worker *worker

	mu    sync.Mutex
	timer *time.Timer // nil: there was no message yet
	armed bool
}

// began notes that there is a message for the app.
func (l *lagWatch) began() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.armed:
		return
	case l.timer == nil:
		l.timer = time.AfterFunc(lagTime, l.ask)
	default:
		l.timer.Reset(lagTime)
	}
	l.armed = true
}

// stop notes that the app has said something, or that nothing is expected of it any more.
func (l *lagWatch) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.armed {
		l.armed = false
		l.timer.Stop()
	}
}

func (l *lagWatch) ask() {
	l.mu.Lock()
	wanted := l.armed
	l.armed = false
	l.mu.Unlock()
	if wanted {
		l.worker.askForLag()
	}
}
