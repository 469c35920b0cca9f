//go:build !amd64 && !arm64

package sandbox

const (
	nativeArch   = 0 // there is no filter
	foreignCalls = 0
)

var deniedHere []namedCall

// tracedHere are traced calls that only this architecture has.
var tracedHere = map[uintptr]Traced{}
