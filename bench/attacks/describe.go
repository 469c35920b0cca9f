package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// page is the body of a static app whose page names its owner.
const page = "static { dir = \"public\" }"

// described is a descriptor that the hostile user adds, and the request that is sent afterwards.
type described struct {
	text  string            // content of the descriptor; "": link leads to it
	link  string            // target of the descriptor, which is a link; "": it is a file
	files map[string]string // further files; a value that begins with "-> " is a link
	host  string            // host name of the request; "": the hostile app's own
	path  string            // path of the request
}

// descriptor returns an attack by a descriptor. It is denied if the answer matches the pattern
// denied.
func descriptor(name, by, denied, says string, d described) *attack {
	return &attack{name: name, from: "descriptor", denied: denied, says: says, by: by, run: d.try}
}

// try adds the descriptor, requests the page, and removes the descriptor.
func (d described) try(ctx context.Context, s *scene) (string, error) {
	folder := fmt.Sprintf("apps/x%d", time.Now().UnixNano())
	fill := strings.NewReplacer("{{folder}}", s.path(folder)).Replace
	files := map[string]string{"public/index.html": "attacker"}
	maps.Copy(files, d.files)
	for name, text := range files {
		if err := s.put("new/"+name, s.fill(fill(text))); err != nil {
			return "", err
		}
	}
	text := s.fill(fill(d.text))
	if d.link != "" {
		text = "-> " + s.fill(d.link)
	}
	if err := s.put("new/x.hcl", text); err != nil {
		return "", err
	}
	if err := s.give(attacker, "new"); err != nil {
		return "", err
	}
	said := len(s.log())
	if err := os.Rename(s.path("new"), s.path(folder)); err != nil {
		return "", err
	}
	defer os.RemoveAll(s.path(folder))
	if err := s.awaitLog(ctx, said, ` x +(✗ )?generation (ready|not started)|`+filepath.Base(folder)+`/x\.hcl`); err != nil {
		return "", err
	}
	host := d.host
	if host == "" {
		host = "attacker.test"
	}
	status, body, err := s.get(ctx, host, d.path)
	return fmt.Sprintf("%d %s", status, strings.TrimSpace(body)), err
}

// put writes a file, or a link.
func (s *scene) put(name, text string) error {
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if target, is := strings.CutPrefix(text, "-> "); is {
		return os.Symlink(target, path)
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	return os.WriteFile(path, []byte(text), mode)
}

// awaitLog waits until the log matches a pattern.
func (s *scene) awaitLog(ctx context.Context, said int, pattern string) error {
	expression := regexp.MustCompile(pattern)
	for until := time.Now().Add(startTime); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if expression.MatchString(s.log()[said:]) {
			time.Sleep(200 * time.Millisecond) // related lines follow
			return nil
		}
	}
	return errors.Join(fmt.Errorf("the log says nothing of %s", pattern), ctx.Err())
}

// block returns the descriptor of an app of the hostile user, at a path of that user.
func block(settings string) string {
	return "app \"x\" {\n  hosts = [\"attacker.test\"]\n  mount = \"/x\"\n  " + settings + "\n}\n"
}

// ofDescriptors returns the attacks by descriptors.
func ofDescriptors() []*attack {
	const (
		refused = `^(404|503|500|502|403)|Permission denied`
	)
	claim := "what tenants may claim, and who is served keeps what it has"
	ceiling := "ceilings of the tenant"
	rights := "each file is opened with its owner's rights"
	at := func(d described) described {
		if d.path == "" {
			d.path = "/x/"
		}
		return d
	}
	return []*attack{
		descriptor("claim the neighbour's host", claim, `^200 hello$`, `127\.0\.0\.1.*may not claim|MGW-CFG`, described{
			text: "app \"x\" {\n  hosts = [\"127.0.0.1\"]\n  mount = \"/x\"\n  " + page + "\n}\n", host: "127.0.0.1", path: "/x/"}),
		descriptor("claim the neighbour's name", claim, refused, `neighbour.*MGW-CFG|MGW-CFG.*neighbour|"neighbour"`, at(described{
			text: strings.Replace(block(page), `"x"`, `"neighbour"`, 1)})),
		descriptor("claim any host", claim, refused, `may not`, at(described{text: "app \"x\" {\n  mount = \"/x\"\n  " + page + "\n}\n", host: "other.test"})),
		descriptor("have more apps than allowed", "`tenant { apps }`", refused, `one more than`, described{
			text: block(page) + strings.NewReplacer(`"x"`, `"y"`, `"/x"`, `"/y"`).Replace(block(page)), path: "/y/"}),
		descriptor("raise a limit", ceiling, refused, `ceiling|at most`, at(described{text: block(page + "\n  limits { memory = \"8GiB\" }")})),
		descriptor("raise the sandbox to read others", ceiling, refused, `sandbox|ceiling`, at(described{
			text:  block("cgi { script = \"read.cgi\" }\n  sandbox { read = [\"{{dir}}/apps/neighbour\"] }"),
			files: map[string]string{"read.cgi": "#!/bin/sh\necho Content-Type: text/plain; echo; cat {{dir}}/apps/neighbour/open.txt\n"}})),
		descriptor("raise the sandbox by a link", ceiling, refused, `denied by the sandbox.*leads to`, at(described{
			text:  block("cgi { script = \"read.cgi\" }\n  sandbox { read = [\"link\"] }"),
			files: map[string]string{"read.cgi": "#!/bin/sh\necho Content-Type: text/plain; echo; cat link/open.txt 2>&1\n", "link": "-> {{dir}}/apps/neighbour"}})),
		descriptor("raise the sandbox to use the network", ceiling, refused, `"network" is above the ceiling`, at(described{
			text:  block("cgi { script = \"read.cgi\" }\n  sandbox { network = [\"*\"] }"),
			files: map[string]string{"read.cgi": "#!/bin/sh\n"}})),
		descriptor("run as the neighbour", "a user's descriptor runs as that user", refused, `MGW-CFG-016`, at(described{text: block(page + "\n  user = \"bin\"")})),
		descriptor("run as root", "a user's descriptor runs as that user", refused, `MGW-CFG-016`, at(described{text: block(page + "\n  user = \"root\"")})),
		descriptor("run with the group shadow", "a user's descriptor has that user's groups", refused, `MGW-CFG-016`, at(described{text: block(page + "\n  group = \"shadow\"")})),
		descriptor("link the descriptor to the neighbour's secret", rights, refused, `x\.hcl`, at(described{link: "{{dir}}/apps/neighbour/secret.txt"})),
		descriptor("link the descriptor to /etc/shadow", rights, refused, `x\.hcl`, at(described{link: "/etc/shadow"})),
		descriptor("link env_file to the neighbour's", rights, refused, `\.env`, at(described{
			text:  block("cgi { script = \"env.cgi\" }\n  env_file = \"mine.env\""),
			files: map[string]string{"env.cgi": "#!/bin/sh\necho Content-Type: text/plain; echo; env\n", "mine.env": "-> {{dir}}/apps/neighbour/.env"}})),
		descriptor("read a secret by file()", rights, refused, `secret\.txt`, at(described{
			text:  block("cgi { script = \"env.cgi\" }\n  env = { X = file(\"{{dir}}/apps/neighbour/secret.txt\") }"),
			files: map[string]string{"env.cgi": "#!/bin/sh\necho Content-Type: text/plain; echo; env\n"}})),
		descriptor("read an open file by file()", ceiling, refused, `open\.txt`, at(described{
			text:  block("cgi { script = \"env.cgi\" }\n  env = { X = file(\"{{dir}}/apps/neighbour/open.txt\") }"),
			files: map[string]string{"env.cgi": "#!/bin/sh\necho Content-Type: text/plain; echo; env\n"}})),
		descriptor("serve the neighbour's folder as files", ceiling, refused, `neighbour`, described{
			text: block("static { dir = \"{{dir}}/apps/neighbour\" }"), path: "/x/open.txt"}),
		descriptor("serve the neighbour's folder by an alias", ceiling, refused, `neighbour`, described{
			text: block(page + "\n  alias \"/a\" { dir = \"{{dir}}/apps/neighbour\" }"), path: "/x/a/open.txt"}),
		descriptor("serve the neighbour's file by a link", "links out of a folder are not followed", refused, `leads out of the folder`, described{
			text: block(page), files: map[string]string{"public/link": "-> {{dir}}/apps/neighbour/open.txt"}, path: "/x/link"}),
		descriptor("serve a folder that is a link", ceiling, refused, `neighbour|link`, described{
			text: block("static { dir = \"link\" }"), files: map[string]string{"link": "-> {{dir}}/apps/neighbour"}, path: "/x/open.txt"}),
		descriptor("show a foreign file as an error page", rights, refused, `error page not served`, at(described{
			text:  block("cgi { script = \"fail.cgi\" }\n  error_pages = { \"502\" = \"link\" }"),
			files: map[string]string{"link": "-> {{dir}}/apps/neighbour/secret.txt", "fail.cgi": "#!/bin/sh\n"}})),
		descriptor("let the host connect to the neighbour's socket", "it connects with the rights of the descriptor's owner", refused, `permission denied`, at(described{
			text: block("fastcgi { connect = \"unix:{{socket}}\" }\n  timeouts { startup = \"3s\" }")})),
		descriptor("let the host connect to the neighbour's port", ceiling, refused, `"connect" is above the ceiling`, at(described{
			text: block("fastcgi { connect = \"127.0.0.1:{{port-of-neighbour}}\" }\n  timeouts { request = \"2s\" }")})),
	}
}

// build returns an app that serves the files that a build command creates.
func build(command string) string {
	return block(page + "\n  build {\n    command = [\"/bin/sh\", \"-c\", \"" + command + "\"]\n  }")
}

// ofBuilds returns the attacks by builds.
func ofBuilds() []*attack {
	const refused = `^(404|503|500|502|403)`
	ofBuild := func(name, by, says string, d described) *attack {
		a := descriptor(name, by, refused, says, d)
		a.from = "build"
		return a
	}
	return []*attack{
		ofBuild("read the neighbour's secret in a build", "a build has the rights of its user", `Permission denied`, described{
			text: build("cat {{dir}}/apps/neighbour/secret.txt > public/stolen"), path: "/x/stolen"}),
		ofBuild("read an open file of the neighbour in a build", "a build is confined as its app is", `Permission denied`, described{
			text: build("cat {{dir}}/apps/neighbour/open.txt > public/stolen"), path: "/x/stolen"}),
		ofBuild("read requirements by a link", "a build has the rights of its user", `requirements`, described{
			text:  block("wsgi { entry = \"none:application\" }\n  python {\n    version = \"/usr/bin/python3\"\n    requirements = [\"requirements.txt\"]\n  }"),
			files: map[string]string{"requirements.txt": "-> {{dir}}/apps/neighbour/secret.txt"}, path: "/x/"}),
		{name: "leave a process behind in a build", from: "build", run: leaveInBuild, denied: denied,
			says: `ended processes that were left behind`, by: "the build's control group is killed"},
		ofBuild("start processes without end in a build", "`limits { processes }`, and 512 for builds", `[Cc]annot fork`, described{
			text: build("i=0; while [ $i -lt 2000 ]; do sleep 9 & i=$((i+1)); done"), path: "/x/none"}).dear(),
		ofBuild("give cgo a flag that runs a program", "the go command refuses such flags", `invalid flag`, described{
			text: block("go {}"), path: "/x/",
			files: map[string]string{"go.mod": "module x\n\ngo 1.21\n",
				"x.go": "package main\n\n// #cgo LDFLAGS: -fplugin=./x.so\nimport \"C\"\n\nfunc main() {}\n"}}),
		ofBuild("embed a foreign file by a link", "the go command embeds no links", `embed`, described{
			text: block("go {}"), path: "/x/",
			files: map[string]string{"go.mod": "module x\n\ngo 1.21\n", "link": "-> {{dir}}/apps/neighbour/open.txt",
				"x.go": "package main\n\nimport _ \"embed\"\n\n//go:embed link\nvar s string\n\nfunc main() { println(s) }\n"}}),
	}
}
