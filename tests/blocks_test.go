package tests

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/wheeltest"
)

// codeBlock finds the blocks of a page by their language, with the mark above blocks whose lines
// are alternatives to each other.
var codeBlock = regexp.MustCompile("(?ms)^(<!-- each line alone -->\n)?^```([a-z]+)\n(.*?)^```$")

// blockChecks maps languages to functions that check a block. Each returns the fault of a block, or
// "" if there is none.
var blockChecks = map[string]func(*testing.T, string) string{
	"apache": checkApacheBlock, "nginx": checkNginxBlock, "lighttpd": checkLighttpdBlock, "haproxy": checkHAProxyBlock,
	"ini": checkUnitBlock, "python": checkPythonBlock, "sh": checkShellBlock, "go": checkGoBlock,
	"json": checkJSONBlock,
	// loaded, run, read and written by other tests
	"hcl": nil, "console": nil, "markdown": nil, "text": nil,
	"mermaid": nil, // drawn by the program that shows the page
}

// TestBlocksOfThePagesAreUnderstood passes the blocks of the pages to the programs that read them:
// web servers, systemd, Python, the shell and Go's parser.
func TestBlocksOfThePagesAreUnderstood(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range append(pages, "../README.md", "../troubleshooting.md") {
		text := readText(t, page)
		for _, at := range codeBlock.FindAllStringSubmatchIndex(text, -1) {
			language, block := text[at[4]:at[5]], text[at[6]:at[7]]
			check, known := blockChecks[language]
			if !known {
				t.Errorf("%s: nothing reads blocks in %q", page, language)
			}
			if check == nil {
				continue
			}
			variants := []string{block}
			if at[2] >= 0 {
				variants = slices.Collect(strings.Lines(block))
			}
			line := strings.Count(text[:at[4]], "\n") + 1
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(page), line), func(t *testing.T) {
				for _, variant := range variants {
					if problem := check(t, variant); problem != "" {
						t.Errorf("%s\n%s", problem, variant)
					}
				}
			})
		}
	}
}

// unless returns the output of a program, or "" if the output contains the text that means success.
func unless(well, says string) string {
	if strings.Contains(says, well) {
		return ""
	}
	return says
}

func checkApacheBlock(t *testing.T, block string) string {
	modules := ""
	for directive, name := range map[string]string{"Fcgid": "fcgid", "AuthnzFcgi": "authnz_fcgi"} {
		if strings.Contains(block, directive) {
			path := (&site{t: t}).apacheModule(name, "apache2 libapache2-mod-fcgid")
			modules += fmt.Sprintf("LoadModule %s_module %s\n", name, path)
		}
	}
	pair := fronttest.SelfSigned(t)
	empty := filepath.Join(t.TempDir(), "included.conf")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	block = regexp.MustCompile(`/etc/ssl/\S+`).ReplaceAllString(block, pair)
	block = regexp.MustCompile(`/etc/apache2/\S+`).ReplaceAllString(block, empty)
	return unless("Syntax OK", fronttest.CheckApache(t, modules+block))
}

func checkNginxBlock(t *testing.T, block string) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "params"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	block = regexp.MustCompile(`include (fastcgi|uwsgi|scgi)_params`).ReplaceAllString(block, "include "+dir+"/params")
	conf := fmt.Sprintf("server {\nlisten 127.0.0.1:%d;\n%s}", fronttest.FreePort(t), block)
	return unless("syntax is ok", fronttest.CheckNginx(t, conf))
}

func checkLighttpdBlock(t *testing.T, block string) string {
	block = strings.ReplaceAll(block, "/srv/blog/blog.fcgi", "/bin/true")
	block = strings.ReplaceAll(block, "/run/lighttpd", t.TempDir())
	if says := fronttest.CheckLighttpd(t, block); strings.TrimSpace(says) != "" {
		return says
	}
	return ""
}

func checkHAProxyBlock(t *testing.T, block string) string {
	certificates := filepath.Dir(fronttest.SelfSigned(t))
	block = strings.ReplaceAll(block, "/etc/haproxy/certs/", certificates)
	if says := fronttest.CheckHAProxy(t, block); strings.Contains(says, "[ALERT]") || strings.Contains(says, "[WARNING]") {
		return says
	}
	return ""
}

// checkUnitBlock has systemd verify a unit. A [Service] section without the others is a part of the
// unit in install.md, and a socket belongs to that unit.
func checkUnitBlock(t *testing.T, block string) string {
	analyze := fronttest.Require(t, "systemd-analyze", "systemd")
	dir := t.TempDir()
	whole := regexp.MustCompile("(?ms)^```ini\n(.*?)^```$").FindStringSubmatch(readText(t, "../docs/install.md"))
	if whole == nil {
		t.Fatal("install.md has no unit")
	}
	units := map[string]string{"modgw.service": whole[1]}
	switch {
	case strings.Contains(block, "[Socket]"):
		units["modgw.socket"] = block
	case block != whole[1]:
		units["modgw.service"] += block
	}
	args := []string{"verify", "--man=no"}
	for name, text := range units {
		file := filepath.Join(dir, name)
		text = regexp.MustCompile(`ExecStart=\S+`).ReplaceAllString(text, "ExecStart="+program)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	out, err := exec.Command(analyze, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), dir) {
		return fmt.Sprintf("%v\n%s", err, out)
	}
	return ""
}

// checkPythonBlock compiles a block. If the block is a whole app, it also serves it, with stubs of
// the packages that it requires.
func checkPythonBlock(t *testing.T, block string) string {
	compiling := exec.Command("python3", "-c", "import sys; compile(sys.stdin.read(), 'block', 'exec')")
	compiling.Stdin = strings.NewReader(block)
	if out, err := compiling.CombinedOutput(); err != nil {
		return string(out)
	}
	if !strings.Contains(block, "def application(") {
		return ""
	}
	s := newSite(t)
	s.write("wheels/empty", "")
	for _, asked := range regexp.MustCompile(`"(\w+)==([\d.]+)"`).FindAllStringSubmatch(block, -1) {
		wheeltest.Write(t, s.path("wheels"), wheeltest.Package{Name: asked[1], Version: asked[2],
			Files: map[string]string{asked[1] + "/__init__.py": "def markdown(text): return text\n"}})
	}
	s.write("apps/hello/hello.wsgi", block)
	s.write("apps/hello/modgw.hcl", "app \"hello\" {\n  wsgi { entry = \"hello.wsgi\" }\n}\n")
	s.start("PIP_FIND_LINKS="+s.path("wheels"), "PIP_NO_INDEX=1", "PIP_CONFIG_FILE=/dev/null")
	if code, body := s.get("/"); code != 200 || !strings.Contains(body, "Hello") {
		return fmt.Sprintf("it answers %d %s\n%s", code, body, s.log)
	}
	return ""
}

func checkShellBlock(t *testing.T, block string) string {
	shell := exec.Command("sh", "-n")
	shell.Stdin = strings.NewReader(block)
	if out, err := shell.CombinedOutput(); err != nil {
		return string(out)
	}
	return ""
}

func checkJSONBlock(_ *testing.T, block string) string {
	if !json.Valid([]byte(block)) {
		return "this is no JSON"
	}
	return ""
}

// checkGoBlock parses declarations, or statements.
func checkGoBlock(_ *testing.T, block string) string {
	_, err := parser.ParseFile(token.NewFileSet(), "block.go", "package main\n"+block, parser.AllErrors)
	if err != nil {
		_, err = parser.ParseFile(token.NewFileSet(), "block.go", "package main\nfunc main() {\n"+block+"}\n", parser.AllErrors)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
