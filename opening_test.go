package manual

import (
	"go/ast"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// onBehalf are the folders whose code opens files for apps and their owners. A path there may be
// one that another user can change, so that it is opened by internal/safepath, by internal/files,
// or with the rights of the app's user.
var onBehalf = []string{"loader", "venv", "reload", "modgw"}

// openers are the functions that open a path, or follow its links, with the rights of the thread.
var openers = []string{
	"os.Open", "os.OpenFile", "os.ReadFile", "os.Stat", "os.ReadDir", "os.DirFS", "os.OpenRoot", "os.OpenInRoot",
	"filepath.EvalSymlinks", "filepath.Walk", "filepath.WalkDir", "filepath.Glob",
}

// opensByItself has, for each file that calls one of them, the reason why it may.
var opensByItself = map[string]string{
	"modgw/accesslog/file.go":        "a file that the host's own file names, and no link",
	"modgw/host/collector.go":        "a file in the state folder",
	"modgw/host/lastgood.go":         "files in the state folder",
	"modgw/logbook/archive.go":       "files in the state folder",
	"modgw/logbook/archives.go":      "folders in the state folder",
	"modgw/claims/store.go":          "a file in the state folder",
	"modgw/control/audit.go":         "a file in the state folder",
	"modgw/host/resolvedroot.go":     "with the rights of the app's user",
	"modgw/host/statelock.go":        "a file in the state folder",
	"modgw/scripthost/folder.go":     "the folder of the user that it runs as",
	"modgw/scripthost/log.go":        "the folder of the user that it runs as",
	"modgw/runner/workers/socket.go": "a folder that was just made",
	"modgw/runner/process/stray.go":  "/proc",
	"modgw/runner/workers/learn.go":  "a file in the state folder",
	"modgw/runner/python/files.go":   "the worker's code in the state folder",
	"modgw/scaling/machine.go":       "/proc",
	"reload/installers.go":           "/proc",
	"reload/open.go":                 "what a look has the rights for",
	"reload/repository.go":           "only looks whether there is a repository",
	"venv/buildstep.go":              "with the rights of the app's user; the state folder",
	"venv/collect.go":                "the state folder",
	"venv/construction.go":           "with the rights of the app's user",
	"venv/golang.go":                 "with the rights of the app's user",
	"venv/gosources.go":              "with the rights of the app's user",
	"venv/hostenviron.go":            "the configuration of pip and uv that the host's administrator names",
	"venv/list.go":                   "the state folder; below it, with the rights of who built there",
	"venv/lock.go":                   "a file in the state folder",
	"venv/marker.go":                 "with the rights of the app's user",
	"venv/node.go":                   "with the rights of the app's user",
	"venv/packages.go":               "with the rights of the app's user",
	"venv/probe.go":                  "with the rights of the app's user",
	"venv/pyenv.go":                  "the pyenv of the host's own user",
	"venv/pylock.go":                 "with the rights of the app's user",
	"venv/realise.go":                "with the rights of the app's user",
	"venv/tool.go":                   "/etc",
	"venv/tree.go":                   "with the rights of the app's user",
	"venv/use.go":                    "a file in the state folder",
	"venv/uvindex.go":                "the configuration of pip and uv that the host's administrator names",
}

func TestFilesAreOpenedWithTheRightsOfWhoCanChangeThem(t *testing.T) {
	found := map[string][]string{}
	for _, folder := range onBehalf {
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				if calls := callsOf(t, path, openers); len(calls) > 0 {
					found[filepath.ToSlash(path)] = calls
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, calls := range found {
		if opensByItself[path] == "" {
			t.Errorf("%s calls %s: open the path by internal/safepath, or say in this test whose it is", path, strings.Join(calls, ", "))
		}
	}
	for path := range opensByItself {
		if found[path] == nil {
			t.Errorf("%s opens no path by itself any more: take it out of this test", path)
		}
	}
}

// callsOf are those of the functions, as in "os.Open", that a file names.
func callsOf(t *testing.T, path string, functions []string) []string {
	file, err := parsed(path)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				if name := x.Name + "." + s.Sel.Name; slices.Contains(functions, name) && !slices.Contains(calls, name) {
					calls = append(calls, name)
				}
			}
		}
		return true
	})
	return calls
}
