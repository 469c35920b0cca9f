package uwsgi

import (
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// emperorOptions are about folders of configurations.
var emperorOptions = options{
	{emperor, "emperor"},
	{manualWith("put it into each vassal, or into defaults of the host's own file: %s"),
		"vassals-include vassal-set vassals-set vassals-inherit"},
	{onDemand, "emperor-on-demand-extension emperor-on-demand-directory"},
	{manualWith("the host starts no wrapper: %s"), "emperor-wrapper"},
}

func emperor(c *config, o pyapp.Option) pyapp.Outcome {
	n, reason := c.reading.emperor(o.Text())
	if reason != "" {
		return pyapp.ByHand("%s", reason)
	}
	return pyapp.Translated("%s, each a descriptor of its own; the host watches the folder of descriptors", plural(n, "vassal"))
}

func onDemand(c *config, o pyapp.Option) pyapp.Outcome {
	return pyapp.ByHand("set idle { start = \"on-demand\" } in the apps, or in defaults of the host's own file")
}
