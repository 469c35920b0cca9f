package host

import "github.com/modgw/modgw/modgw"

// attachable returns d for an app whose worker is not the host's: it is served before a worker is
// there, and nothing bounds how long that worker takes.
func attachable(d modgw.Descriptor) modgw.Descriptor {
	d.Timeouts.Request = 0
	d.Health = modgw.Health{}
	d.Idle = modgw.Idle{Start: modgw.StartEager}
	return d
}
