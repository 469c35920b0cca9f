package httpd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

// TestCommandLineOfExpressBecomesAnApp reads command lines as units and scripts have them.
func TestCommandLineOfExpressBecomesAnApp(t *testing.T) {
	for _, test := range []struct {
		name, command string
		want          []string // lines of the descriptor
		byHand        []string // options that are to be done by hand
	}{
		{
			"script", "mod_wsgi-express start-server wsgi.py --port 8080 --user app --processes 3 --threads=10 --url-alias /static static --setenv A 1 --reload-on-changes",
			[]string{`root = "/srv/app"`, `user = "app"`, `entry = "wsgi.py"`, `workers = 3`, `threads = 10`, `alias "/static" {`, `dir = "/srv/app/static"`, `A = "1"`},
			[]string{"--port"},
		},
		{
			"module", "mod_wsgi-express start-server --application-type module shop.web --callable-object make --working-directory /srv/shop --python-path /srv/shop/env/lib/python3.9/site-packages --mount-point /shop/ --request-timeout 90 --shutdown-timeout 0",
			[]string{`root = "/srv/shop"`, `entry = "shop.web:make"`, `mount = "/shop"`, `venv = "/srv/shop/env"`, `request = "1m30s"`},
			nil,
		},
		{
			"paste", "mod_wsgi-express start-server --application-type paste production.ini --server-name www.example.com --server-alias example.com --limit-request-body 1048576",
			[]string{`entry = "paste.deploy:loadapp('config:/srv/app/production.ini')"`, `hosts = ["www.example.com", "example.com"]`, `body = "1MiB"`},
			nil,
		},
		{
			"static", "mod_wsgi-express start-server --application-type static --document-root htdocs",
			[]string{`static {`, `dir = "/srv/app/htdocs"`},
			nil,
		},
		{
			"unknown", "mod_wsgi-express start-server app.wsgi --no-such-option x --ssl-certificate /etc/cert --callable-object run --disable-reloading",
			[]string{`entry = "app.wsgi"`, `mode = "off"`},
			[]string{"--callable-object", "--no-such-option", "--ssl-certificate"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := &migrate.Plan{Files: &migrate.Files{}}
			args := strings.Fields(test.command)
			if !(Express{}).Runs(args) {
				t.Fatal("it was not recognised")
			}
			Express{}.Read(migrate.Command{Place: migrate.Place{File: "run.sh", Line: 3}, Args: args, Dir: "/srv/app"}, plan)
			text := string(plan.Descriptor(plan.Apps[0]))
			loose := strings.Join(strings.Fields(text), " ")
			for _, line := range test.want {
				if !strings.Contains(loose, line) {
					t.Errorf("%s is missing in\n%s", line, text)
				}
			}
			var byHand []string
			options := map[string]int{}
			for _, e := range plan.Entries {
				option := strings.TrimPrefix(e.Directive, "mod_wsgi-express ")
				options[option]++
				if e.Became == migrate.ByHand {
					byHand = append(byHand, option)
				}
			}
			if diff := cmp.Diff(test.byHand, byHand); diff != "" {
				t.Errorf("by hand: -want +got\n%s", diff)
			}
			for _, word := range args {
				if name, _, _ := strings.Cut(word, "="); strings.HasPrefix(name, "--") && options[name] != 1 {
					t.Errorf("%s has %d entries", name, options[name])
				}
			}
			if _, diags := loader.LoadText("/etc/a.hcl", []byte(text), loader.Options{Elsewhere: true}); diags.HasErrors() {
				t.Errorf("%v in\n%s", diags.Err(), text)
			}
		})
	}
}

// TestOtherCommandsOfExpressServeNothing reads the command lines with which it is installed.
func TestOtherCommandsOfExpressServeNothing(t *testing.T) {
	plan := &migrate.Plan{Files: &migrate.Files{}}
	Express{}.Read(migrate.Command{Args: []string{"/usr/bin/mod_wsgi-express", "install-module"}}, plan)
	if len(plan.Apps) > 0 || len(plan.Entries) != 1 {
		t.Errorf("it became %d apps and %d entries", len(plan.Apps), len(plan.Entries))
	}
}
