module github.com/modgw/modgw/bench

go 1.26.0

require (
	github.com/modgw/modgw v0.0.0
	golang.org/x/sys v0.49.0
)

replace github.com/modgw/modgw => ../

require (
	github.com/prometheus/procfs v0.22.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
