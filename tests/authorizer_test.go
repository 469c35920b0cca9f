package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// TestApacheAsksAnAppWhoMayPass has Apache guard its own files with an app's callables, by
// mod_authnz_fcgi.
func TestApacheAsksAnAppWhoMayPass(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	s.write("accounts.py", `
def check_password(environ, user, password):
    if user == "broken":
        raise RuntimeError("no database")
    return {"ada": "lovelace", "eve": "apple"}.get(user) == password if user in ("ada", "eve") else None
def groups_for_user(environ, user):
    return {"ada": ["editors"]}.get(user, [])
`)
	s.write("app.py", `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the app itself"]
`)
	s.write("modgw.hcl", `
app "accounts" {
  wsgi {
    entry   = "app.py"
    workers = 1
  }
  authorize {
    check_password  = "accounts:check_password"
    groups_for_user = "accounts:groups_for_user"
    groups          = ["editors"]
  }
}
`)
	port := fronttest.FreePort(t)
	s.spawn(nil, "serve", "modgw.hcl", "--listen", "http=127.0.0.1:0", "--listen", fmt.Sprintf("fastcgi=127.0.0.1:%d", port), "--state", s.path("state"))
	s.write("docs/secret.txt", "the secret")
	apache := fronttest.StartApache(t, fmt.Sprintf(`
LoadModule authnz_fcgi_module /usr/lib/apache2/modules/mod_authnz_fcgi.so
AuthnzFcgiDefineProvider authn users fcgi://127.0.0.1:%d/
AuthnzFcgiDefineProvider authz editors fcgi://127.0.0.1:%d/
Alias /secret %s
<Directory %s>
  AuthType Basic
  AuthName accounts
  AuthBasicProvider users
  <RequireAll>
    Require valid-user
    Require editors
  </RequireAll>
</Directory>
`, port, port, s.path("docs"), s.path("docs")))
	for name, c := range map[string]struct {
		user, password string
		status         int
	}{
		"nobody":         {"", "", 401},
		"editor":         {"ada", "lovelace", 200},
		"wrong password": {"ada", "apple", 401},
		"no editor":      {"eve", "apple", 401},
		"unknown":        {"mallory", "x", 401},
		"error":          {"broken", "x", 500},
	} {
		r, err := http.NewRequest("GET", apache.URL+"/secret/secret.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.user != "" {
			r.SetBasicAuth(c.user, c.password)
		}
		code, body := s.send(r)
		if code != c.status || (code == 200) != strings.Contains(body, "the secret") {
			t.Errorf("%s: got %d %q", name, code, body)
		}
	}
	has(t, s.page("/"), "the app itself")
	if strings.Contains(s.log.String(), "lovelace") {
		t.Error("a password is in the log")
	}
	// An app without an authorize block admits no user.
	s.write("modgw.hcl", "app \"accounts\" {\n  wsgi {\n    entry = \"app.py\"\n    workers = 1\n  }\n}\n")
	s.eventually("refusal", func() bool {
		r, err := http.NewRequest("GET", apache.URL+"/secret/secret.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("ada", "lovelace")
		code, _ := s.send(r)
		return code != 200 && strings.Contains(s.log.String(), "MGW-REQ-106")
	})
}

// TestApacheAsksAnAppWithoutALogin has Apache call allow_access for every request, without a login
// of the client. The configuration is the one in docs/authorizer.md.
func TestApacheAsksAnAppWithoutALogin(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2")
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	s.write("accounts.py", `
def allow_access(environ, host):
    return {"blue": "ada", "green": True}.get(environ.get("HTTP_X_BADGE"), False) if host == "127.0.0.1" else False
`)
	s.write("app.py", `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the app itself"]
`)
	s.write("modgw.hcl", `
app "accounts" {
  wsgi {
    entry   = "app.py"
    workers = 1
  }
  authorize { allow_access = "accounts:allow_access" }
}
`)
	port := fronttest.FreePort(t)
	s.spawn(nil, "serve", "modgw.hcl", "--listen", "http=127.0.0.1:0", "--listen", fmt.Sprintf("fastcgi=127.0.0.1:%d", port), "--state", s.path("state"))
	s.write("docs/secret.txt", "the secret")
	guard := manualGuard(t, "<Location /private>")
	guard = strings.ReplaceAll(guard, "127.0.0.1:9001", fmt.Sprintf("127.0.0.1:%d", port))
	apache := fronttest.StartApache(t, fmt.Sprintf(`
LoadModule authnz_fcgi_module /usr/lib/apache2/modules/mod_authnz_fcgi.so
Alias /private %s
Header set X-User expr=%%{REMOTE_USER}
%s`, s.path("docs"), guard))
	for badge, want := range map[string]struct {
		status int
		user   string
	}{"blue": {200, "ada"}, "green": {200, "guest"}, "red": {403, ""}, "": {403, ""}} {
		r, err := http.NewRequest("GET", apache.URL+"/private/secret.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Badge", badge)
		response, err := impatient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if user := response.Header.Get("X-User"); response.StatusCode != want.status || user != want.user ||
			(want.status == 200) != strings.Contains(string(body), "the secret") {
			t.Errorf("badge %q: got %d as %q: %q", badge, response.StatusCode, user, body)
		}
	}
}

// manualGuard returns the Apache block of docs/authorizer.md that contains a line.
func manualGuard(t *testing.T, line string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/authorizer.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range strings.Split(string(page), "```apache\n")[1:] {
		if block, _, _ := strings.Cut(piece, "```"); strings.Contains(block, line) {
			return block
		}
	}
	t.Fatalf("docs/authorizer.md has no block with %s", line)
	return ""
}
