package host

import "github.com/modgw/modgw/modgw"

// attachable returns d for an app with attached workers: it is served before a worker exists, and
// has no start-up limit.
func attachable(d modgw.Descriptor) modgw.Descriptor {
	d.Timeouts.Request = 0
	d.Health = modgw.Health{}
	d.Idle = modgw.Idle{Start: modgw.StartEager}
	return d
}
