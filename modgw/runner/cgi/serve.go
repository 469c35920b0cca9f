package cgi

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// maxEnvironment is the largest size of a script's environment in bytes. The kernel limits it
// together with the arguments to about 2 MiB (execve(2)), and a single variable to 128 KiB.
const maxEnvironment = 1 << 20

// call is one request on its way through the runner.
type call struct {
	*relay.Request
	runner  *Runner
	where   location
	environ []string
	local   string    // another resource whose response the script asks for; "": none
	letGo   sync.Once // releases the script
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := &call{Request: relay.New(w, req, &r.config), runner: r}
	if err := c.prepare(); err != nil {
		c.Body.Release()
		c.Conclude(err)
		return
	}
	member, err := r.queue.Acquire(req.Context())
	if err != nil {
		c.Body.Release()
		c.Conclude(err)
		return
	}
	c.Conclude(c.run(func() { r.queue.Release(member) }))
	if c.local != "" {
		c.Info.Redirect(w, req, c.local)
	}
}

// prepare reads the request. The error is the reason why no script can be run for it.
func (c *call) prepare() (err error) {
	if c.where, err = c.runner.scripts.locate(c.Info); err != nil {
		return err
	}
	if err = c.Open(relay.KeepLength); err != nil {
		return err
	}
	var ok bool
	if c.environ, ok = c.environment(); !ok {
		return headTooLarge()
	}
	return nil
}

// run runs the script and passes its response on. release is called when the process has ended.
func (c *call) run(release func()) error {
	s, err := c.launch()
	if err != nil {
		release()
		c.Body.Release()
		if errors.Is(err, queue.ErrClosed) {
			return err
		}
		return c.runner.notStarted(c.where.file, err)
	}
	c.Log = c.Config.Log.With("script", c.where.Name)
	unwatch := context.AfterFunc(c.R.Context(), func() { s.pipe.Cut(relay.ErrClientGone) })
	var feeder *relay.Feeder
	if s.stdin != nil {
		feeder = relay.Feed(c.Body, s, &s.pipe.Clock)
	}
	c.local, err = c.Request.SendCGI(s.pipe, func() { c.finish(s, feeder, nil, release) })
	unwatch()
	c.Body.Stop()
	err = s.judge(err)
	c.finish(s, feeder, err, release)
	return err
}

// finish releases a script's place, once, when the script has ended. A script whose response was
// complete ends by itself; any other is told to. If another request is to be answered instead, the
// place must be free for that.
func (c *call) finish(s *script, feeder *relay.Feeder, cause error, release func()) {
	end := func() {
		if cause != nil {
			s.pipe.Cut(cause)
			s.process.Terminate(c.Config.Descriptor.Timeouts.Stop)
		}
		c.awaitEnd(s)
		s.close()
		<-s.read
		if feeder != nil {
			<-feeder.Done()
		}
		c.Body.Release()
		release()
	}
	c.letGo.Do(func() {
		if c.local != "" || !c.runner.later(end) {
			end()
		}
	})
}

// awaitEnd waits for the end of a script, which may go on for a while after its response.
func (c *call) awaitEnd(s *script) {
	var tooLong <-chan time.Time
	if limit := c.Config.Descriptor.Timeouts.Request; limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		tooLong = timer.C
	}
	select {
	case <-s.process.Done():
	case <-tooLong:
		s.process.Terminate(c.Config.Descriptor.Timeouts.Stop)
	}
	if exit := s.process.Exit(); exit.Code != 0 {
		c.Config.Log.Warn("script failed", "script", c.where.Name, "request", c.Info.ID, "reason", exit.String())
	}
}

// dir is the working directory of the script: its own folder (RFC 3875, 7.2).
func (c *call) dir() string { return filepath.Dir(c.where.file) }

func split(variable string) (name, value string) {
	name, value, _ = strings.Cut(variable, "=")
	return name, value
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
