package manual

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/modgw/modgw/"

// layers lists the packages of this module that a package may import, by the longest matching
// prefix. A name that ends in "/" means all packages below.
var layers = map[string][]string{
	"internal/":                {"internal/"},
	"internal/faulttest":       {},
	"internal/fronttest":       {"internal/watchtest"},
	"cmd/modgw-host/internal/": {"internal/proc"},
	"internal/eventloop":       {"internal/monotonic", "internal/rawsocket"},
	"internal/looptest":        {"modgw", "internal/eventloop"},
	"internal/http1test":       {"modgw/http1"},
	"internal/kernelaudit":     {},
	"internal/languagetest":    {},
	"internal/launcher":        {"internal/sandbox"},
	"internal/rawsocket":       {},
	"internal/runnertest":      {"modgw", "modgw/spool", "internal/watchtest"},
	"internal/watchtest":       {},
	"internal/webconf":         {"internal/lazyregexp", "internal/safepath"},
	"modgw":                    {"modgw/appvalues", "modgw/meter", "modgw/spool", "modgw/tracecontext", "internal/eventloop", "internal/kernelaudit", "internal/monotonic", "internal/account", "internal/files", "internal/webfiles"},
	"modgw/appvalues":          {},
	"modgw/meter":              {},
	"modgw/diagnosis":          {"modgw", "modgw/meter", "internal/lazyregexp"},
	"modgw/metrics":            {"modgw", "modgw/appvalues", "modgw/listen", "modgw/meter"},
	"modgw/history":            {"modgw", "modgw/meter"},
	"modgw/logbook":            {"modgw", "modgw/claims", "modgw/control", "internal/logqueue"},
	"modgw/masking":            {"modgw", "internal/lazyregexp"},
	"modgw/dashboard":          {"modgw", "modgw/control", "modgw/diagnosis", "modgw/history", "modgw/listen", "modgw/masking"},
	"modgw/scaling":            {"modgw"},
	"modgw/spool":              {},
	"modgw/tracecontext":       {},
	"modgw/tracing":            {"modgw", "modgw/tracecontext"},
	"modgw/app":                {},
	"modgw/mistake":            {"modgw", "internal/account", "internal/files", "internal/lazyregexp"},
	"modgw/webserver":          {"modgw"},
	"modgw/accesslog":          {"modgw", "internal/logqueue"},
	"modgw/claims":             {"modgw", "internal/atomicfile"},
	"modgw/wire":               {"internal/eventloop", "internal/rawsocket"},
	"modgw/fcgi":               {},
	"modgw/http1":              {},
	"modgw/listen":             {"modgw", "internal/account"},
	"modgw/cgi":                {"modgw"},
	"modgw/front/forwarded":    {"modgw", "modgw/cgi"},
	"modgw/front":              {"modgw", "modgw/cgi", "modgw/listen", "modgw/front/forwarded"},
	"modgw/front/onloop":       {"modgw", "modgw/listen", "internal/eventloop", "internal/rawsocket"},
	"modgw/front/fcgi":         {"modgw", "modgw/fcgi", "modgw/front", "modgw/front/onloop", "modgw/listen", "modgw/cgi", "internal/eventloop", "internal/rawsocket"},
	"modgw/front/http":         {"modgw", "modgw/http1", "modgw/front/onloop", "modgw/listen", "modgw/front/forwarded", "modgw/cgi", "internal/eventloop", "internal/rawsocket"},
	"modgw/front/certs":        {"modgw", "internal/monotonic", "internal/safepath"},
	"modgw/front/scgi":         {"modgw", "modgw/front", "modgw/listen", "modgw/cgi"},
	"modgw/runner/workers":     {"modgw", "modgw/mistake", "internal/"},
	"modgw/runner/queue":       {"modgw"},
	"modgw/runner/relay":       {"modgw", "modgw/cgi", "modgw/spool", "modgw/runner/workers", "modgw/runner/queue", "internal/monotonic", "internal/proc"},
	"modgw/runner/cgi":         {"modgw", "modgw/runner/workers", "modgw/runner/queue", "modgw/runner/relay", "modgw/cgi", "internal/"},
	"modgw/runner/fastcgi":     {"modgw", "modgw/fcgi", "modgw/runner/workers", "modgw/runner/queue", "modgw/runner/relay", "modgw/cgi", "internal/"},
	"modgw/runner/process":     {"modgw", "modgw/spool", "modgw/runner/workers", "modgw/runner/queue", "modgw/runner/relay", "internal/"},
	"modgw/runner/python":      {"modgw", "modgw/appvalues", "modgw/meter", "modgw/spool", "modgw/wire", "modgw/listen", "modgw/runner/workers", "modgw/runner/queue", "modgw/runner/relay", "modgw/runner/python/", "internal/"},
	"modgw/runner/static":      {"modgw", "internal/account", "internal/files", "internal/webfiles"},
	"modgw/scripthost":         {"modgw/fcgi"},
	"modgw/control":            {"modgw", "modgw/claims", "modgw/diagnosis", "modgw/history", "modgw/listen", "modgw/probe"},
	"modgw/probe":              {"modgw", "internal/lazyregexp"},
	"modgw/dev":                {"modgw", "internal/lazyregexp"},
	"modgw/upgrade":            {"modgw", "modgw/listen", "internal/safepath"},
	"modgw/host":               {"modgw", "modgw/", "internal/", "loader", "venv", "reload"},
	"loader":                   {"modgw", "modgw/claims", "modgw/accesslog", "internal/"},
	"loader/migrate":           {"modgw", "loader", "internal/lazyregexp", "internal/safepath"},
	"loader/migrate/":          {"modgw", "loader", "loader/migrate", "loader/migrate/", "internal/"},
	"loader/migrate/pysource":  {},
	"loader/migrate/replay":    {"internal/lazyregexp"},
	"venv":                     {"modgw", "internal/"},
	"reload":                   {"modgw", "internal/"},
	"apache":                   {"modgw", "modgw/webserver", "internal/"},
	"apache/trial":             {"apache", "internal/lazyregexp", "internal/webconf"},
	"export":                   {"modgw", "modgw/webserver", "internal/"},
	"doctor":                   {"modgw", "modgw/control", "modgw/probe", "modgw/webserver", "internal/"},
	"cmd/":                     {"", "cmd/modgw-host/internal/", "modgw", "modgw/", "internal/", "loader", "loader/migrate", "loader/migrate/", "venv", "reload", "apache", "apache/", "export", "doctor"},
	"examples/":                {"modgw/app"},
	"scripts/":                 {},
	"tests":                    {"modgw", "modgw/", "internal/"},
	"bench":                    {"modgw", "modgw/", "internal/", "bench/"},
	"bench/":                   {"modgw", "modgw/", "internal/", "bench/"},

	"cmd/modgw-host/internal/journal": {"cmd/modgw-host/internal/logtext", "internal/proc"},
	"cmd/modgw-host/internal/top":     {"modgw", "modgw/control", "modgw/diagnosis", "internal/proc"},
	"modgw/runner/python/attach":      {"modgw", "modgw/listen", "modgw/wire", "modgw/runner/queue", "modgw/runner/workers", "internal/"},
	"modgw/runner/python/zygote":      {"modgw", "modgw/wire", "modgw/runner/workers", "internal/"},
	"modgw/runner/python/control":     {"modgw", "modgw/tracecontext", "modgw/wire", "modgw/runner/relay", "modgw/runner/workers", "internal/"},
	"modgw/runner/python/request":     {"modgw", "modgw/spool", "modgw/wire", "modgw/runner/relay", "modgw/runner/workers", "modgw/runner/python/control", "internal/"},
	"modgw/runner/python/response":    {"modgw", "modgw/cgi", "modgw/spool", "modgw/wire", "modgw/runner/relay", "internal/"},
	"modgw/runner/python/mux":         {"modgw", "modgw/listen", "modgw/wire", "modgw/runner/queue", "modgw/runner/relay", "modgw/runner/workers", "modgw/runner/python/control", "modgw/runner/python/request", "modgw/runner/python/response", "internal/"},
	"modgw/runner/python/asgi":        {"modgw", "modgw/wire", "modgw/runner/queue", "modgw/runner/relay", "modgw/runner/workers", "modgw/runner/python/control", "modgw/runner/python/request", "modgw/runner/python/response", "modgw/runner/python/mux", "internal/"},
	"modgw/runner/python/wsgi":        {"modgw", "modgw/listen", "modgw/spool", "modgw/wire", "modgw/runner/queue", "modgw/runner/relay", "modgw/runner/workers", "modgw/runner/python/control", "modgw/runner/python/request", "modgw/runner/python/response", "modgw/runner/python/mux", "internal/"},
}

// alone has the package of this module that alone may import another module.
var alone = map[string]string{
	"github.com/hashicorp/hcl/":     "loader",
	"github.com/zclconf/go-cty/":    "loader",
	"github.com/fsnotify/fsnotify":  "reload",
	"github.com/spf13/cobra":        "cmd/",
	"github.com/coder/websocket":    "modgw/runner/python/asgi",
	"github.com/coreos/go-systemd/": "cmd/",
	"github.com/prometheus/client_": "modgw/metrics",
	"go.opentelemetry.io/":          "modgw/tracing",
	"golang.org/x/crypto/acme/":     "modgw/front/certs",
}

// early lists the packages that may be imported, in addition to these, by the ones that start
// processes. A package is initialised after all its imports, and among those that are ready in the
// order of their paths: with path/filepath or net/netip the launcher would wait for nearly all of
// the program, which takes milliseconds at each start.
var early = map[string][]string{
	"internal/launcher": {"encoding/json", "errors", "fmt", "golang.org/x/sys/unix", "os", "runtime", "strconv", "syscall", "unsafe"},
	"internal/sandbox":  {"cmp", "fmt", "golang.org/x/sys/unix", "os", "path", "runtime", "slices", "strconv", "strings", "sync", "unsafe"},
}

func TestLauncherIsInitialisedEarly(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := early[name]
		for _, imported := range p.Imports {
			if ok && !strings.HasPrefix(imported, module) && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s, which may make the start of processes slow: measure it by bench/confined", name, imported)
			}
		}
	}
}

func TestImportsPointDownward(t *testing.T) {
	for _, p := range packages(t) {
		name, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue // the root, which imports nothing of ours
		}
		allowed, ok := longest(layers, name)
		if !ok {
			t.Errorf("%s is in no layer: say in this test what it may import", name)
		}
		for _, imported := range p.Imports {
			if below, ours := strings.CutPrefix(imported, module); ours && !covered(allowed, below) {
				t.Errorf("%s imports %s, which is not below it", name, below)
			}
			if only, ok := longest(alone, imported); ok && !covered([]string{only}, name) {
				t.Errorf("%s imports %s, which only %s may", name, imported, only)
			}
		}
	}
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	all, err := listPackages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var listPackages = sync.OnceValues(func() (all []goPackage, err error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...", "./bench/...", "./tests/...").Output()
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, p)
	}
})

// longest returns the value of the longest key that covers name.
func longest[V any](table map[string]V, name string) (value V, found bool) {
	length := -1
	for key, v := range table {
		if len(key) > length && covered([]string{key}, name) {
			value, found, length = v, true, len(key)
		}
	}
	return value, found
}

func covered(patterns []string, name string) bool {
	for _, p := range patterns {
		if p == name || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
