package host

import "github.com/modgw/modgw/modgw"

// attachable is d as it is while its worker is not the host's: it is served before a worker is there, nothing bounds how
// long a developer looks at a request, and nothing stops for want of requests.
func attachable(d modgw.Descriptor) modgw.Descriptor {
	d.Timeouts.Request = 0
	d.Health = modgw.Health{}
	d.Idle = modgw.Idle{Start: modgw.StartEager}
	return d
}
