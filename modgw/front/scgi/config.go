package scgi

import "github.com/modgw/modgw/modgw/front"

// Config is what a Server is made from.
type Config struct {
	front.Config

	// Limits bound the variables of a request; one beyond them is answered 431.
	Limits Limits
}

func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	c.Limits = c.Limits.WithDefaults()
	return c
}
