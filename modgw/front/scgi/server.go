package scgi

import "github.com/modgw/modgw/modgw/front/oneshot"

// Config is what a Server is made from.
type Config = oneshot.Config

// Server is the SCGI front.
type Server = oneshot.Server

// New makes a server. It starts nothing.
func New(c Config) *Server {
	return oneshot.New(oneshot.Protocol{Name: "scgi", StatusLine: "Status:", Read: read}, c)
}
