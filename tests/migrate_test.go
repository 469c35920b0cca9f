package tests

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/internal/fronttest"
)

// toldByWSGI is an app that shows the request that it got.
const toldByWSGI = `import os
NAMES = ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "REMOTE_USER", "REMOTE_ADDR", "AUTH_TYPE",
         "CONTENT_TYPE", "HTTP_X_ASKED", "wsgi.url_scheme", "MODE", "SERVER_PROTOCOL"]
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("404 Not Found" if "missing" in environ["PATH_INFO"] else "200 OK",
                   [("Content-Type", "text/plain"), ("X-Two", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    lines = ["%s=%r" % (name, environ.get(name)) for name in NAMES]
    lines += ["body=%r" % body, "uid=%d" % os.getuid()]
    return ["\n".join(lines).encode()]
`

// TestMigratedSiteAnswersAlike serves two apps by Apache with mod_wsgi, migrates its configuration,
// and sends the same requests to both servers.
func TestMigratedSiteAnswersAlike(t *testing.T) {
	t.Parallel()
	needsRoot(t) // the apps run as other users
	fronttest.Require(t, "apache2", "apache2")
	s := newSite(t)
	s.programForAll()
	s.write("blog/blog.wsgi", toldByWSGI)
	s.write("api/app.py", toldByWSGI)
	s.write("blog/static/a.css", "a {}\n")
	s.write("passwords", "ada:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n") // "secret"
	s.sh("chmod -R go+rX .")
	port := fronttest.FreePort(t)
	s.write("site.conf", fmt.Sprintf(`
LoadModule wsgi_module %[1]s
Listen 127.0.0.1:%[2]d
WSGISocketPrefix %[3]s/wsgi
WSGIPythonHashSeed 7
User www-data
Group www-data
<VirtualHost *:%[2]d>
	ServerName blog.test
	SetEnv MODE production
	Redirect permanent /old /new
	RedirectMatch 302 ^/legacy/(.*)$ /fresh/$1
	RewriteEngine On
	RewriteRule ^/away$ http://example.com/ [R=302,L]
	RewriteRule ^/short/(.*)$ /long/$1 [PT]
	Alias /static %[3]s/blog/static
	<Directory %[3]s/blog>
		Require all granted
	</Directory>
	<Directory %[3]s/api>
		AuthType Basic
		AuthName api
		AuthUserFile %[3]s/passwords
		Require valid-user
	</Directory>
	WSGIDaemonProcess blog processes=2 threads=5
	WSGIDaemonProcess api threads=3 display-name=%%{GROUP}
	WSGIScriptAlias /api %[3]s/api/app.py process-group=api
	WSGIProcessGroup blog
	WSGIApplicationGroup %%{GLOBAL}
	WSGIScriptAlias / %[3]s/blog/blog.wsgi
</VirtualHost>
`, s.apacheModule("wsgi", "libapache2-mod-wsgi-py3"), port, s.dir))
	site := s.read("site.conf")
	fronttest.StartApache(t, site)

	s.mustRun("migrate", "-c", "modgw.hcl", "--out", "migrated", "site.conf")
	s.write("modgw.hcl", strings.Replace(s.read("modgw.hcl"), "apps/*/modgw.hcl", "migrated/apps-enabled/*.hcl", 1))
	if said, ok := s.run("check", "migrated/apps-enabled"); !ok {
		t.Fatalf("the descriptors have mistakes:\n%s", said)
	}
	s.start()
	after := fronttest.FreePort(t)
	changed := s.read("migrated/apache/site.conf")
	changed = regexp.MustCompile(fmt.Sprintf(`([*1]:)%d\b`, port)).ReplaceAllString(changed, fmt.Sprintf("${1}%d", after))
	fronttest.StartApache(t, changed)

	for _, ask := range []string{
		"GET /", "GET /a/b?x=1", "GET /missing", "POST /form", "PUT /form", "HEAD /", "GET /old/x", "GET /legacy/a", "GET /away",
		"GET /short/x", "GET /static/a.css", "GET /static/none", "GET /static", "GET /api", "GET /apix", "GET /caf%C3%A9/a%20b",
		"GET /api/x ada:secret", "POST /api ada:secret", "GET /api/x ada:wrong", "DELETE /x",
	} {
		before, now := answerOf(t, port, ask), answerOf(t, after, ask)
		if diff := cmp.Diff(before, now); diff != "" {
			t.Errorf("%s: -mod_wsgi +migrated\n%s", ask, diff)
		}
	}
}

// answerOf returns the answer of a site to "METHOD TARGET [USER:PASSWORD]", without the parts that
// differ between any two servers.
func answerOf(t *testing.T, port int, ask string) string {
	t.Helper()
	words := strings.Fields(ask)
	var body io.Reader
	if words[0] == "POST" || words[0] == "PUT" {
		body = strings.NewReader("field=value")
	}
	request, err := http.NewRequest(words[0], fmt.Sprintf("http://127.0.0.1:%d%s", port, words[1]), body)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "blog.test"
	request.Header.Set("X-Asked", "yes")
	if len(words) > 2 {
		user, password, _ := strings.Cut(words[2], ":")
		request.SetBasicAuth(user, password)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil && err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	for _, name := range []string{"Date", "Server", "Content-Length", "Keep-Alive", "Connection"} {
		response.Header.Del(name)
	}
	var b strings.Builder
	_ = response.Header.Write(&b) // a strings.Builder accepts everything
	fmt.Fprintf(&b, "%d\n%s", response.StatusCode, text)
	return strings.ReplaceAll(b.String(), fmt.Sprint(port), "PORT")
}
