package asgi

import (
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/runner/python/control"
)

// lagWatch asks the worker whether its loop is blocked when the app sends nothing for a while after
// a message of a client. An app need not answer, so this alone is no sign that anything is wrong.
type lagWatch struct {
	mu     sync.Mutex
	worker *control.Worker
	timer  *time.Timer // nil: there was no message yet
	armed  bool        // the timer runs
}

// setWorker makes w the worker that is asked.
func (l *lagWatch) setWorker(w *control.Worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worker = w
}

// start notes that there is a message for the app.
func (l *lagWatch) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.armed:
		return
	case l.timer == nil:
		l.timer = time.AfterFunc(control.LagTime, l.ask)
	default:
		l.timer.Reset(control.LagTime)
	}
	l.armed = true
}

// stop notes that the app has sent something, or that nothing is expected of it any more.
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
	wanted, worker := l.armed, l.worker
	l.armed = false
	l.mu.Unlock()
	if wanted {
		worker.RequestLoopStack()
	}
}
