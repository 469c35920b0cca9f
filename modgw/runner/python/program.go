package python

import (
	"fmt"
	"runtime"

	"github.com/modgw/modgw/modgw"
)

// program is what the block of an app's kind says.
type program struct {
	workers int  // processes; never 0
	lanes   int  // connections of each worker
	seats   int  // requests at once in each worker
	sockets int  // WebSockets at once in each worker
	shared  bool // all requests of a worker are on one lane
	asgi    bool
	gevent  bool

	lifespan string // of an ASGI app, as [modgw.Lifespan]; "" for the default
}

// programOf is the program of an app that speaks WSGI or ASGI.
func programOf(c modgw.RunnerConfig) (program, error) {
	d := c.Descriptor
	var p program
	switch {
	case d.Kind == modgw.KindWSGI && d.WSGI != nil:
		threads := threadsOf(d.WSGI, c.Environment)
		p = program{workers: d.WSGI.Workers, lanes: threads, seats: threads}
		if p.gevent = d.WSGI.Concurrency == modgw.Gevent; p.gevent {
			p.shared, p.lanes = true, 1
		}
	case d.Kind == modgw.KindASGI && d.ASGI != nil:
		p = program{workers: d.ASGI.Workers, lanes: 1, seats: max(1, d.ASGI.Concurrency), shared: true, asgi: true}
		p.sockets = d.ASGI.WebSockets
		p.lifespan = string(d.ASGI.Lifespan)
	default:
		return p, fmt.Errorf("cannot run an app of kind %q with Python", d.Kind)
	}
	if p.workers == 0 {
		p.workers = runtime.NumCPU()
	}
	return p, nil
}
