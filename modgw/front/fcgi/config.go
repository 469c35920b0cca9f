package fcgi

import (
	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/front"
)

// Config is what a Server is made from. Connections between requests may stay idle for ever,
// because closing one can lose the request that is on its way.
type Config struct {
	front.Config

	// Authorizer says that Handler knows of RequestInfo.Authorizer; otherwise that role is unknown.
	Authorizer bool

	// Loops are where ordinary requests are served if Handler is a [modgw.LoopHandler]; none:
	// goroutines serve all. They must not be closed before Serve has returned.
	Loops []*eventloop.Loop

	// MaxStreams is how many requests may be in flight on one connection; one beyond is answered
	// 503. 0: 100.
	MaxStreams int
}

func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	if c.MaxStreams == 0 {
		c.MaxStreams = 100
	}
	return c
}
