// Package modgw defines the vocabulary of the host, and its Gateway, which routes requests to apps,
// and deploys, swaps, drains and stops the generations of apps.
//
// Each word has one meaning, here and everywhere:
//
//	Descriptor   the contents of one app block in HCL; plain data
//	Environment  what venv built for a descriptor: interpreter or binary, search path, variables;
//	             immutable, named by the hash of its inputs
//	Runner       starts an app's processes and serves requests with them
//	Worker       one process of a runner
//	Generation   one running build of an app: descriptor + environment + workers;
//	             never changed, only replaced
//	App          a name, its mount, its current generation and the last good one
//	Front        a listener that converts a protocol to *http.Request
//	Gateway      routes a request to an app; deploys, swaps, drains
//
// The verbs are Load, Build, Deploy, Swap, Drain and Stop.
//
// [net/http.Handler] is the seam between fronts, gateway and runners. Facts that CGI has and
// [net/http.Request] has not are in a [RequestInfo] in the request's context. A response that must
// be cut off in mid-body is panic(http.ErrAbortHandler), as everywhere in Go.
//
// The package parses no descriptor, builds no environment, watches no file and speaks no protocol:
// loader, venv, reload and the packages below modgw/front and modgw/runner do, and only modgw/host
// brings them together.
package modgw
