package venv

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// nodeSite returns a site with an app for Node.js whose lock names one package of a made-up index.
func nodeSite(t *testing.T) (*site, modgw.Descriptor) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	s := newSite(t)
	archive := nodePackage(t, map[string]string{
		"package.json": `{"name": "words", "version": "1.0.0", "main": "index.js", "bin": {"say": "say.js"}, "scripts": {"postinstall": "node -e \"require('fs').writeFileSync('made', process.env.SECRET || 'nothing')\""}}`,
		"index.js":     "exports.hello = 'hello';\n",
		"say.js":       "#!/usr/bin/env node\nconsole.log('said');\n",
	})
	index := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/words" {
			fmt.Fprintf(w, `{"name": "words", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {"name": "words", "version": "1.0.0",
				"dist": {"tarball": "http://%s/words-1.0.0.tgz"}}}}`, r.Host)
			return
		}
		w.Write(archive)
	}))
	t.Cleanup(index.Close)
	sum := sha512.Sum512(archive)
	s.write("package.json", `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "1.0.0"}, "scripts": {"start": "node server.js"}}`)
	s.write("package-lock.json", fmt.Sprintf(`{"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": {
		"": {"name": "shop", "version": "1.0.0", "dependencies": {"words": "1.0.0"}},
		"node_modules/words": {"version": "1.0.0", "resolved": "%s/words-1.0.0.tgz", "integrity": "sha512-%s", "hasInstallScript": true, "bin": {"say": "say.js"}}}}`,
		index.URL, base64.StdEncoding.EncodeToString(sum[:])))
	s.environ = append(s.environ, "npm_config_registry="+index.URL, "npm_config_fetch_retries=0", "SECRET=hush")
	return s, modgw.Descriptor{Name: "shop", Kind: modgw.KindHTTP, Root: s.root, HTTP: &modgw.HTTP{Command: []string{"node", "server.js"}}}
}

// nodePackage returns an archive as npm pack makes it.
func nodePackage(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range files {
		err := w.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o755, Size: int64(len(content))})
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func runNode(t *testing.T, env *modgw.Environment, d modgw.Descriptor, args ...string) string {
	t.Helper()
	cmd, err := Command(env, d, args)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPackagesOfNodeAreInstalledAsideAndFound(t *testing.T) {
	t.Parallel()
	s, d := nodeSite(t)
	s.write(".npmrc", "//example.com/:_authToken=hush\n")
	env := s.mustBuild(d)
	if _, err := os.Stat(filepath.Join(env.Dir, ".npmrc")); err == nil {
		t.Error("the password of an index is left in the environment")
	}
	if !strings.HasPrefix(env.Version, "Node.js ") || !strings.HasPrefix(env.Builder, "npm ") {
		t.Errorf("made for %q by %q", env.Version, env.Builder)
	}
	if names(env) != "words" || env.Source != "package-lock.json" || env.Packages[0].Version != "1.0.0" {
		t.Errorf("got %+v", env)
	}
	s.write("server.js", "console.log(require('words').hello);\n")
	s.write("server.mjs", "import words from 'words'; import './near.mjs'; console.log(words.hello);\n")
	s.write("near.mjs", "")
	s.write("worker.mjs", "import { Worker, isMainThread } from 'node:worker_threads'; import words from 'words';\n"+
		"if (isMainThread) new Worker(new URL(import.meta.url)); else console.log(words.hello);\n")
	for _, file := range []string{"server.js", "server.mjs", "worker.mjs"} {
		if got := runNode(t, env, d, "node", file); got != "hello" {
			t.Errorf("%s says %q", file, got)
		}
	}
	if got := runNode(t, env, d, "say"); got != "said" {
		t.Errorf("the package's program says %q", got)
	}
	s.write("broken.mjs", "import './none.mjs';\n")
	if cmd, err := Command(env, d, []string{"node", "broken.mjs"}); err == nil {
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), "none.mjs") {
			t.Errorf("a missing file is told as %s", out)
		}
	}
	if made, err := os.ReadFile(filepath.Join(env.Dir, "node_modules/words/made")); err != nil || string(made) != "nothing" {
		t.Errorf("the package's script left %q, %v", made, err)
	}
	if _, err := os.Stat(filepath.Join(s.root, "node_modules")); err == nil {
		t.Error("the app's root was changed")
	}
	s.write("package.json", `{"scripts": {"start": "node other.js"}, "name": "shop", "version": "1.0.0", "dependencies": {"words": "1.0.0"}}`)
	if again := s.mustBuild(d); again.ID != env.ID || again.Took != 0 {
		t.Errorf("another script made another environment: %+v", again)
	}
	d.Build = &modgw.Build{Command: []string{"say"}}
	if env := s.mustBuild(d); env.Took == 0 || !strings.Contains(strings.Join(s.steps, "\n"), "said") {
		t.Errorf("steps %q", s.steps)
	}
	if err := os.Mkdir(filepath.Join(s.root, "node_modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.Build = nil
	if env := s.mustBuild(d); env.ID != "" {
		t.Errorf("the app's own node_modules is not used: %+v", env)
	}
}

func TestPackagesOfNodeThatCannotBeInstalled(t *testing.T) {
	t.Parallel()
	s, d := nodeSite(t)
	lock, err := os.ReadFile(filepath.Join(s.root, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(lock), "sha512-")
	digest, _, _ := strings.Cut(rest, `"`)
	for _, c := range []struct{ name, from, to, code string }{
		{"index", `http://127.0.0.1`, `http://127.0.0.1:9/x/`, "MGW-ENV-012"},
		{"hash", digest, base64.StdEncoding.EncodeToString(make([]byte, sha512.Size)), "MGW-ENV-014"},
		{"old lock", `"version": "1.0.0", "resolved"`, `"version": "2.0.0", "resolved"`, "MGW-ENV-025"},
		{"link", `"version": "1.0.0", "resolved"`, `"link": true, "resolved"`, "MGW-ENV-023"},
		{"no JSON", `{`, `[`, "MGW-ENV-023"},
	} {
		s.write("package-lock.json", strings.ReplaceAll(string(lock), c.from, c.to))
		t.Run(c.name, func(t *testing.T) {
			env, err := s.build(d)
			if f := wantFault(t, env, err, c.code); f.Hint == "" {
				t.Errorf("no hint in %v", f)
			}
		})
	}
}
