package python

import (
	"cmp"
	"fmt"

	"github.com/modgw/modgw/modgw"
)

// kindSettings has the contents of the block of an app's kind.
type kindSettings struct {
	workers     int  // processes at first; never 0
	most        int  // processes under load
	connections int  // for requests, to each worker
	requests    int  // at once in each worker
	webSockets  int  // at once in each worker
	resume      bool // WebSockets and event streams move to other workers
	asgi        bool // it is an ASGI app
	gevent      bool // it is a WSGI app with gevent

	compat   string // as [modgw.Compat]; "": none
	lifespan string // Lifespan of an ASGI app, as [modgw.Lifespan]; "": the default
}

// kindSettingsOf returns the settings of an app that speaks WSGI or ASGI.
func kindSettingsOf(c modgw.RunnerConfig) (kindSettings, error) {
	d := c.Descriptor
	var p kindSettings
	switch {
	case d.Kind == modgw.KindWSGI && d.WSGI != nil:
		threads := threadsOf(d.WSGI, c.Environment)
		p = kindSettings{connections: threads, requests: threads}
		p.compat = string(d.WSGI.Compat)
		if p.gevent = d.WSGI.Concurrency == modgw.Gevent; p.gevent {
			p.connections = 1
		}
	case d.Kind == modgw.KindASGI && d.ASGI != nil:
		p = kindSettings{connections: 1, requests: max(1, d.ASGI.Concurrency), asgi: true}
		p.webSockets = d.ASGI.WebSockets
		p.resume = d.ASGI.Resume && !d.Attach
		p.lifespan = string(d.ASGI.Lifespan)
	default:
		return p, fmt.Errorf("cannot run an app of kind %q with Python", d.Kind)
	}
	p.workers, p.most = cmp.Or(c.Size, d.Scale().Min), d.Scale().Max
	return p, nil
}
