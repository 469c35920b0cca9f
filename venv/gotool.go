package venv

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// goVariables are the variables of the host's environment that the go command obeys in a build.
var goVariables = []string{
	"GOFLAGS", "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOAUTH", "GOVCS", "GOTOOLCHAIN",
	"GOEXPERIMENT", "GOAMD64", "GOARM64", "GOFIPS140", "CGO_ENABLED", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS",
	"CGO_LDFLAGS", "CC", "CXX", "PKG_CONFIG_PATH",
}

// goSettings returns those variables and the network settings, as "KEY=value".
func (h hostEnviron) goSettings() []string {
	return h.pairs(slices.Concat(goVariables, networkSettings)...)
}

// findGo looks in PATH, then where Go's own installation puts it.
func (h hostEnviron) findGo() string {
	if path := h.find("go"); path != "" {
		return path
	}
	return filepath.FromSlash("/usr/local/go/bin/go")
}

func withoutGo(app modgw.AppName) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-027",
		Summary: fmt.Sprintf("cannot build the Go program of app %q without Go", app),
		Hint: "install Go into /usr/local/go, or put it in the host's PATH where the app's user can run it; " +
			"or build the program elsewhere and run it with an http block",
	}
}

// goErrorLine is the first thing that the compiler finds fault with: "cmd/shop/main.go:12:2:
// undefined: x".
var goErrorLine = lazyregexp.New(`(?m)^\S+\.go:\d+(?::\d+)?: .+$`)

// goComplaints are messages of the go command, other than the compiler's.
var goComplaints = []complaint{
	{
		lazyregexp.New(`(?i)no space left on device|disk quota exceeded`),
		"MGW-ENV-013", "cannot build the Go program of app %q: the disk is full",
		"make room in the state folder's file system, then reload",
	},
	{
		lazyregexp.New(`(?i)checksum mismatch|SECURITY ERROR`),
		"MGW-ENV-014", "cannot build the Go program of app %q: a hash is missing or does not match",
		"a module changed under its version; find out why before you change go.sum",
	},
	{
		lazyregexp.New(`(?i)dial tcp|proxyconnect|i/o timeout|no such host|connection re(fused|set)|tls: |x509: |` +
			`module lookup disabled by GOPROXY|50[0234] `),
		"MGW-ENV-012", "cannot build the Go program of app %q: the package index cannot be reached",
		"look at network, proxy and GOPROXY of the host, or put the modules into vendor (go mod vendor), then reload",
	},
	{
		lazyregexp.New(`(?i)go\.mod requires go|toolchain not available|download go1`),
		"MGW-ENV-027", "cannot build the Go program of app %q without Go of the version that go.mod asks for",
		"install that version, or let the host download it: GOTOOLCHAIN=auto in its environment",
	},
	{
		lazyregexp.New(`(?i)missing go\.sum entry|updates to go\.(mod|sum) needed|inconsistent vendoring|no required module provides`),
		"MGW-ENV-026", "cannot build the Go program of app %q: go.mod, go.sum or vendor are not up to date",
		"run go mod tidy (and go mod vendor where there is a vendor folder), and put the result beside the code",
	},
}
