package loader

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

const managePy = `#!/usr/bin/env python
import os, sys
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "@@")
    from django.core.management import execute_from_command_line
`

const djangoWSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"

// projects are folders with the apps that are detected in them.
var projects = []struct {
	name     string
	files    map[string]string
	app      modgw.AppName // "": the folder's name
	kind     modgw.Kind
	entry    string // "./x" is that file
	settings string
	aliases  int
}{
	{
		name:  "Django",
		files: map[string]string{"manage.py": strings.Replace(managePy, "@@", "mysite.settings", 1), "mysite/settings.py": "", "mysite/wsgi.py": djangoWSGI, "static/x.css": ""},
		app:   "mysite", kind: modgw.KindWSGI, entry: "mysite.wsgi:application", settings: "mysite.settings",
	},
	{
		name: "Django with split settings",
		files: map[string]string{"manage.py": strings.Replace(managePy, "@@", "config.settings.local", 1), "config/wsgi.py": djangoWSGI,
			"config/settings/local.py": "from .base import *\n", "polls/models.py": ""},
		kind: modgw.KindWSGI, entry: "config.wsgi:application", settings: "config.settings.local",
	},
	{
		name: "Django that names its application",
		files: map[string]string{"manage.py": strings.Replace(managePy, "@@", "shop.settings", 1),
			"shop/settings.py": "WSGI_APPLICATION = 'shop.deploy.application'\n", "shop/wsgi.py": djangoWSGI, "shop/deploy.py": djangoWSGI},
		app: "shop", kind: modgw.KindWSGI, entry: "shop.deploy:application", settings: "shop.settings",
	},
	{
		name: "Django with Channels",
		files: map[string]string{"manage.py": strings.Replace(managePy, "@@", "shop.settings", 1),
			"shop/settings.py": "WSGI_APPLICATION = 'shop.wsgi.application'\nASGI_APPLICATION = 'shop.asgi.application'\n", "shop/wsgi.py": djangoWSGI},
		app: "shop", kind: modgw.KindASGI, entry: "shop.asgi:application", settings: "shop.settings",
	},
	{
		name:  "Quart",
		files: map[string]string{"app.py": "from quart import Quart\n\napp = Quart(__name__)\n", "static/x.css": ""},
		kind:  modgw.KindASGI, entry: "app:app",
	},
	{
		name:  "Litestar",
		files: map[string]string{"app.py": "from litestar import Litestar, get\n@get('/')\nasync def index() -> str:\n    return ''\n\napp = Litestar([index])\n"},
		kind:  modgw.KindASGI, entry: "app:app",
	},
	{
		name:  "FastAPI factory",
		files: map[string]string{"api.py": "from fastapi import FastAPI\n\ndef create_app() -> FastAPI:\n    return FastAPI()\n"},
		kind:  modgw.KindASGI, entry: "api:create_app()",
	},
	{
		name:  "Flask",
		files: map[string]string{"app.py": "from flask import Flask\n\napp = Flask(__name__)\n", "static/x.css": ""},
		kind:  modgw.KindWSGI, entry: "app:app", aliases: 1,
	},
	{
		name:  "Flask with another name",
		files: map[string]string{"main.py": "import flask\nserver: flask.Flask = flask.Flask(__name__)\n"},
		kind:  modgw.KindWSGI, entry: "main:server",
	},
	{
		name:  "Flask factory in a package",
		files: map[string]string{"flaskr/__init__.py": "from flask import Flask\ndef create_app(test_config=None):\n    app = Flask(__name__)\n", ".venv/pyvenv.cfg": "", "tests/test_x.py": ""},
		kind:  modgw.KindWSGI, entry: "flaskr:create_app()",
	},
	{
		name:  "factory that needs arguments",
		files: map[string]string{"app.py": "def create_app(config):\n  pass\n", "wsgi.py": "from app import create_app\napp = create_app('prod')\n"},
		kind:  modgw.KindWSGI, entry: "wsgi:app",
	},
	{
		name:  "FastAPI",
		files: map[string]string{"main.py": "from fastapi import FastAPI\napi = FastAPI(title='x')\n"},
		kind:  modgw.KindASGI, entry: "main:api",
	},
	{
		name:  "FastAPI in a package",
		files: map[string]string{"app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "app/__init__.py": ""},
		kind:  modgw.KindASGI, entry: "app.main:app",
	},
	{
		name:  "Starlette",
		files: map[string]string{"server.py": "from starlette.applications import Starlette\napp = Starlette(routes=[])\n"},
		kind:  modgw.KindASGI, entry: "server:app",
	},
	{
		name:  "plain ASGI",
		files: map[string]string{"asgi.py": "async def application(scope, receive, send):\n    pass\n"},
		kind:  modgw.KindASGI, entry: "asgi:application",
	},
	{
		name:  "plain WSGI",
		files: map[string]string{"hello.wsgi": "def application(environ, start_response):\n    pass\n"},
		kind:  modgw.KindWSGI, entry: "./hello.wsgi",
	},
	{
		name:  "imported application",
		files: map[string]string{"wsgi.py": "from trac.web.main import dispatch_request\napplication = dispatch_request\n"},
		kind:  modgw.KindWSGI, entry: "wsgi:application",
	},
}

func TestDetectFindsProjects(t *testing.T) {
	for _, p := range projects {
		t.Run(p.name, func(t *testing.T) {
			dir := testProject(t, p.files)
			d, err := Detect(dir)
			if err != nil {
				t.Fatal(err)
			}
			if d.Kind != p.kind || d.Root != dir || d.Mount != "/" || d.File != "" || d.Line != 0 || len(d.Aliases) != p.aliases {
				t.Errorf("%+v", d)
			}
			want := p.entry
			if file, ok := strings.CutPrefix(want, "./"); ok {
				want = filepath.Join(dir, file)
			}
			if got := entryOf(d); got != want {
				t.Errorf("entry %q, want %q", got, want)
			}
			if p.app != "" && d.Name != p.app {
				t.Errorf("name %q, want %q", d.Name, p.app)
			}
			if d.Env["DJANGO_SETTINGS_MODULE"] != p.settings {
				t.Errorf("settings %q, want %q", d.Env["DJANGO_SETTINGS_MODULE"], p.settings)
			}
			if d.Timeouts.Request == 0 || d.Limits.Body == 0 {
				t.Error("the defaults are missing")
			}
		})
	}
}

func TestInitWritesWhatDetectFinds(t *testing.T) {
	for _, p := range projects {
		t.Run(p.name, func(t *testing.T) {
			dir := testProject(t, p.files)
			name, src, err := Init(dir)
			if err != nil {
				t.Fatal(err)
			}
			if name != filepath.Join(dir, "modgw.hcl") {
				t.Errorf("name %q", name)
			}
			if formatted, diags := Format(src, name); diags != nil || string(formatted) != string(src) {
				t.Errorf("it is not formatted: %v\n%s", diags, src)
			}
			write(t, name, string(src))
			f, diags := Load(name, Options{})
			if diags.HasErrors() || len(f.Descriptors) != 1 {
				t.Fatalf("%s\n%s", rendered(t, diags), src)
			}
			found, err := Detect(dir)
			if err != nil {
				t.Fatal(err)
			}
			if entryOf(f.Descriptors[0]) != entryOf(found) || f.Descriptors[0].Name != found.Name {
				t.Errorf("written %+v, found %+v", f.Descriptors[0], found)
			}
			if _, _, err := Init(dir); err == nil || !strings.Contains(err.Error(), "MGW-CFG-019") {
				t.Errorf("a second time: %v", err)
			}
		})
	}
}

func entryOf(d modgw.Descriptor) string {
	if d.ASGI != nil {
		return d.ASGI.Entry
	}
	return d.WSGI.Entry
}

func TestDetectTakesFilesAndModules(t *testing.T) {
	dir := testProject(t, map[string]string{
		"hello.wsgi":     "application = None\n",
		"main.py":        "app = FastAPI()\n",
		"other.py":       "api = FastAPI()\n",
		"my-app.py":      "api = Flask(__name__)\n",
		"src/pkg/web.py": "app = Starlette()\n",
	})
	t.Chdir(dir)
	for target, want := range map[string]struct {
		kind  modgw.Kind
		entry string
		name  modgw.AppName
	}{
		"hello.wsgi":           {modgw.KindWSGI, dir + "/hello.wsgi", "hello"},
		dir + "/main.py":       {modgw.KindASGI, dir + "/main.py", "main"},
		"other.py":             {modgw.KindASGI, "other:api", "other"},
		"my-app.py":            {modgw.KindWSGI, dir + "/my-app.py", "my-app"},
		"pkg.web:app":          {modgw.KindASGI, "pkg.web:app", "pkg"},
		"site.deploy:make()":   {modgw.KindWSGI, "site.deploy:make()", "site"},
		"mysite.asgi:anything": {modgw.KindASGI, "mysite.asgi:anything", "mysite"},
	} {
		d, err := Detect(target)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if d.Kind != want.kind || entryOf(d) != want.entry || d.Name != want.name || d.Root != dir {
			t.Errorf("%s: %s %s %q %s", target, d.Name, d.Kind, entryOf(d), d.Root)
		}
	}
}

func TestDetectSaysWhatIsMissing(t *testing.T) {
	two := testProject(t, map[string]string{"a.wsgi": "", "b.wsgi": ""})
	for target, want := range map[string]string{
		t.TempDir():    "there is no manage.py",
		two:            `cannot choose between the apps "a.wsgi", "b.wsgi"`,
		"/no/such/dir": "cannot find",
		"flask":        `"flask:application"`,
		testProject(t, map[string]string{"notes.txt": ""}) + "/notes.txt": "a descriptor ends with .hcl",
	} {
		_, err := Detect(target)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "[MGW-CFG-018]") {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestDetectRunsNothing(t *testing.T) {
	dir := testProject(t, map[string]string{"app.py": "open('ran', 'w')\nfrom flask import Flask\napp = Flask(__name__)\n"})
	if _, err := Detect(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the app was run")
	}
}

func TestLoadAllTakesProjectsBesideDescriptors(t *testing.T) {
	dir := testProject(t, map[string]string{"app.py": "app = Flask(__name__)\n"})
	other := testProject(t, map[string]string{"modgw.hcl": strings.Replace(small, "{", "{\n mount = \"/small\"", 1)})
	files, diags := LoadAll([]string{dir, other}, Options{})
	if diags != nil || len(files) != 2 || len(files[0].Descriptors)+len(files[1].Descriptors) != 2 {
		t.Errorf("%v %v", files, diags)
	}
}

func TestDetectFindsPrograms(t *testing.T) {
	const program = "// A program.\npackage main\n\nfunc main() {}\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // the kind block's content
		app   modgw.AppName
	}{
		"Go program in the root": {map[string]string{"go.mod": "module x\n", "main.go": program}, `go .`, ""},
		"Go program below cmd": {
			map[string]string{"go.mod": "module x\n", "x.go": "package x\n", "cmd/shop/main.go": program, "cmd/internal/a.go": "package a\n"},
			`go ./cmd/shop`, "shop",
		},
		"Go program beside scripts": {map[string]string{"go.mod": "module x\n", "main.go": program, "app.py": "app = Flask(__name__)\n"}, `go .`, ""},
		"Go library beside an app":  {map[string]string{"go.mod": "module x\n", "x_test.go": program, "app.py": "app = Flask(__name__)\n"}, `wsgi app:app`, ""},
		"node alone":                {map[string]string{"package.json": `{"scripts": {"start": "node --enable-source-maps src/server.js"}}`}, `http [node --enable-source-maps src/server.js]`, ""},
		"another start script":      {map[string]string{"package.json": `{"scripts": {"start": "NODE_ENV=x node server.js"}}`}, `http [npm start]`, ""},
		"a script with a shell":     {map[string]string{"package.json": `{"scripts": {"start": "node a.js && node b.js"}}`}, `http [npm start]`, ""},
		"no start script":           {map[string]string{"package.json": `{}`, "server.js": ""}, `http [node server.js]`, ""},
		"PHP":                       {map[string]string{"index.php": "<?php", "index.html": ""}, `fastcgi php-cgi in .`, ""},
		"PHP in a folder":           {map[string]string{"public/index.php": "<?php", "composer.json": "{}"}, `fastcgi php-cgi in public`, ""},
		"a site":                    {map[string]string{"index.html": ""}, `static .`, ""},
		"a site in a folder":        {map[string]string{"dist/index.html": "", "package.json": "{}"}, `static dist`, ""},
		"an app with a site":        {map[string]string{"app.py": "app = Flask(__name__)\n", "public/index.html": ""}, `wsgi app:app`, ""},
		"Django with a front end":   {map[string]string{"package.json": `{"scripts": {"start": "vite"}}`, "app.py": "app = Flask(__name__)\n"}, `wsgi app:app`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testProject(t, c.files)
			d, err := Detect(dir)
			if err != nil {
				t.Fatal(err)
			}
			below := func(path string) string {
				rel, _ := filepath.Rel(dir, path)
				return rel
			}
			var got string
			switch d.Kind {
			case modgw.KindGo:
				got = "go " + d.Go.Package
			case modgw.KindHTTP:
				got = fmt.Sprintf("http %v", d.HTTP.Command)
			case modgw.KindFastCGI:
				got = fmt.Sprintf("fastcgi %s in %s", d.FastCGI.Command[0], below(cmp.Or(d.FastCGI.ScriptRoot, dir)))
			case modgw.KindStatic:
				got = "static " + below(d.Static.Dir)
			default:
				got = string(d.Kind) + " " + entryOf(d)
			}
			if got != c.want || c.app != "" && d.Name != c.app {
				t.Errorf("%s: %s, want %s", d.Name, got, c.want)
			}
		})
	}
	two := testProject(t, map[string]string{"go.mod": "module x\n", "cmd/a/a.go": program, "cmd/b/b.go": program})
	if _, err := Detect(two); err == nil || !strings.Contains(err.Error(), `cannot choose between the programs "cmd/a", "cmd/b"`) {
		t.Errorf("two programs: %v", err)
	}
}

func TestInitDoesNotMakeTheDescriptorPublic(t *testing.T) {
	dir := testProject(t, map[string]string{"index.html": ""})
	if _, _, err := Init(dir); err == nil || !strings.Contains(err.Error(), "would be public") {
		t.Errorf("in a folder whose files are all served: %v", err)
	}
	dir = testProject(t, map[string]string{"public/index.html": ""})
	_, src, err := Init(dir)
	if err != nil || !strings.Contains(string(src), `dir = "public"`) {
		t.Errorf("beside the folder: %v\n%s", err, src)
	}
}
