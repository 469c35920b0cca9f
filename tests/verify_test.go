package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// modWSGISites are four sites of an Apache with mod_wsgi: one with a login and files, one below a
// path, one with a CGI program, and one that leads to TLS. DIR and CERT are filled in.
const modWSGISites = `
WSGIDaemonProcess shop processes=1 threads=2 python-path=DIR/shop
WSGIDaemonProcess tools threads=2
<VirtualHost *:80>
    ServerName shop.test
    Alias /static/ DIR/shop/static/
    WSGIProcessGroup shop
    WSGIApplicationGroup %{GLOBAL}
    WSGIScriptAlias / DIR/shop/shop.wsgi
    <Directory DIR/shop>
        Require all granted
    </Directory>
    <Location /private>
        AuthType Basic
        AuthName Readers
        AuthUserFile DIR/passwords
        Require valid-user
    </Location>
    Header always set X-Frame-Options DENY
    RedirectMatch permanent ^/old/(.*)$ /new/$1
</VirtualHost>
<VirtualHost *:80>
    ServerName tools.test
    DocumentRoot DIR/files
    WSGIScriptAlias /tools DIR/shop/shop.wsgi process-group=tools application-group=%{GLOBAL}
    <Directory DIR>
        Require all granted
    </Directory>
</VirtualHost>
<VirtualHost *:80>
    ServerName cgi.test
    ScriptAlias / DIR/cgi/
    <Directory DIR/cgi>
        Require all granted
    </Directory>
</VirtualHost>
<VirtualHost *:80>
    ServerName secure.test
    RewriteEngine On
    RewriteRule ^(.*)$ https://%{HTTP_HOST}$1 [R=301,L]
</VirtualHost>
<VirtualHost *:443>
    ServerName secure.test
    SSLEngine On
    SSLCertificateFile CERT
    SSLCertificateKeyFile CERT
    WSGIProcessGroup tools
    WSGIApplicationGroup %{GLOBAL}
    WSGIScriptAlias / DIR/shop/shop.wsgi
    <Directory DIR/shop>
        Require all granted
    </Directory>
</VirtualHost>
`

// modWSGIApp answers with its view of the request, and with values that are different each time.
const modWSGIApp = `
import secrets, time
def application(environ, start_response):
    names = "SCRIPT_NAME PATH_INFO QUERY_STRING REMOTE_USER HTTP_HOST wsgi.url_scheme HTTP_COOKIE".split()
    seen = "".join("%s = %s\n" % (name, environ.get(name)) for name in names)
    cookie = "id=%s; HttpOnly; Path=/" % secrets.token_urlsafe(16)
    status = "404 Not Found" if environ["PATH_INFO"].endswith("missing") else "200 OK"
    start_response(status, [("Content-Type", "text/plain"), ("Set-Cookie", cookie)])
    return [("%stime = %r\ntoken = %s==\n" % (seen, time.time(), secrets.token_urlsafe(30))).encode()]
`

const modWSGIRequests = `
http://shop.test/
http://shop.test/a/b?c=d&e=%C3%A4
HEAD http://shop.test/a
OPTIONS http://shop.test/a
http://shop.test/missing
http://shop.test/static/site.css
http://shop.test/static/none.css
http://shop.test/old/page
http://shop.test/private/page
http://tools.test/tools
http://tools.test/tools/x%20y
http://tools.test/file.txt
http://tools.test/
http://cgi.test/hello
http://secure.test/x?y
https://secure.test/x?y
`

// TestMigratedSitesAnswerAsModWSGIDid migrates the sites of an Apache with mod_wsgi and compares
// the answers of both. A lost directive is found and named.
func TestMigratedSitesAnswerAsModWSGIDid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	fronttest.Require(t, "apache2", "apache2")
	s.apacheModule("wsgi", "libapache2-mod-wsgi-py3")
	s.write("sites.conf", strings.NewReplacer("DIR", s.dir, "CERT", fronttest.SelfSigned(t)).Replace(modWSGISites))
	s.write("shop/shop.wsgi", modWSGIApp)
	s.write("shop/static/site.css", "h1 { color: red }")
	s.write("files/file.txt", "a file")
	s.write("cgi/hello", "#!/bin/sh\nprintf 'Content-Type: text/plain\\nX-Program: cgi\\n\\n%s\\n' \"$REQUEST_URI\"\n")
	if err := os.Chmod(s.path("cgi/hello"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("passwords", "reader:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n") // "secret"
	s.write("requests", modWSGIRequests)

	verify := func(args ...string) (out string, err error) {
		all := []string{"migrate", "--verify", "--out", s.path("new"), "--requests", s.path("requests"), s.path("sites.conf")}
		command := exec.CommandContext(t.Context(), program, append(all, args...)...)
		command.Env = append(os.Environ(), "XDG_STATE_HOME="+s.path("state"), "HOME="+s.dir)
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		err = command.Run()
		if t.Failed() || testing.Verbose() {
			t.Logf("%s", stderr.String())
		}
		return stdout.String() + stderr.String(), err
	}
	for _, login := range []string{"reader:none", "reader:secret"} {
		header := "Authorization: Basic cmVhZGVyOm5vbmU="
		if login == "reader:secret" {
			header = "Authorization: Basic cmVhZGVyOnNlY3JldA=="
		}
		out, err := verify("--header", header)
		if err != nil || !strings.Contains(out, "16 alike, 0 different, 0 not answered") {
			t.Fatalf("as %s: %v\n%s", login, err, out)
		}
	}

	conf := s.path("new/apache/sites.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "X-Frame-Options") && !strings.Contains(line, "Alias /static/") {
			kept = append(kept, line)
		}
	}
	if err := os.WriteFile(conf, []byte(strings.Join(kept, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	lineOf := func(directive string) string {
		before, _, _ := strings.Cut(modWSGISites, directive)
		return fmt.Sprintf("sites.conf:%d: ", 1+strings.Count(before, "\n"))
	}
	out, err := verify()
	for _, want := range []string{
		`header X-Frame-Options: "DENY" became nothing`, lineOf("Header always") + "Header: ",
		"GET shop.test/static/site.css", lineOf("Alias /static/") + "Alias: ",
	} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: want %q in\n%s", err, want, out)
		}
	}
}
