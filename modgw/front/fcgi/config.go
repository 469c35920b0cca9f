package fcgi

import (
	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/front"
)

// Config is the configuration of a Server. Connections between requests may stay idle forever,
// because closing one can lose a request in transit.
type Config struct {
	front.Config

	// Authorizer means that Handler supports RequestInfo.Authorizer; otherwise that role is
	// refused.
	Authorizer bool

	// Loops are where ordinary requests are served if Handler is a [modgw.LoopHandler]; none:
	// goroutines serve all. They must not be closed before Serve has returned.
	Loops []*eventloop.Loop

	// MaxStreams is the largest number of requests in flight on one connection; further ones are
	// answered with 503. 0: 100.
	MaxStreams int
}

func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	if c.MaxStreams == 0 {
		c.MaxStreams = 100
	}
	return c
}
