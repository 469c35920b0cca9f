package loader

import "github.com/modgw/modgw/modgw"

func metricsBlock(h *modgw.HostFile) block {
	m := &modgw.Metrics{}
	return block{
		name: "metrics", presence: whenWritten,
		doc: "Metrics for Prometheus at /metrics of a listener of their own. The control socket has them always.",
		args: []argument{
			{name: "address", value: listenAddress(&m.Address), required: true,
				doc:     "unix:PATH or HOST:PORT. A client that can connect can read the metrics, which name the apps.",
				example: `"127.0.0.1:9180"`},
		},
		done: func() { h.Metrics = m },
	}
}
