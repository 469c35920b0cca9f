package tests

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/internal/fronttest"
)

// toldOfMode is toldByWSGI with an environment variable of the process.
var toldOfMode = strings.Replace(toldByWSGI, `"uid=%d" % os.getuid()`, `"mode=%s" % os.environ.get("MODE")`, 1)

// TestMigratedGunicornAnswersAlike serves an app by Gunicorn behind nginx, migrates the systemd
// unit, the Gunicorn settings and nginx's configuration, and sends the same requests to both.
func TestMigratedGunicornAnswersAlike(t *testing.T) {
	t.Parallel()
	gunicorn := fronttest.Require(t, "gunicorn", "gunicorn")
	fronttest.Require(t, "nginx", "nginx-light")
	s := newSite(t)
	s.write("blog/blog/__init__.py", "")
	s.write("blog/blog/wsgi.py", toldOfMode)
	s.write("blog/static/a.css", "a {}\n")
	s.write("blog/gunicorn.conf.py", `import os
bind = "unix:" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "gunicorn.sock")
workers = int(os.environ.get("WORKERS", 2))
threads = 2
raw_env = ["MODE=production"]
max_requests = 1000
`)
	s.write("blog.service", fmt.Sprintf(`[Unit]
Description=The blog
[Service]
Environment=WORKERS=1
WorkingDirectory=%[1]s/blog
ExecStart=%[2]s --config gunicorn.conf.py --log-level warning \
    blog.wsgi
Restart=always
`, s.dir, gunicorn))
	port := fronttest.FreePort(t)
	site := fmt.Sprintf(`upstream blog { server unix:%[1]s/blog/gunicorn.sock fail_timeout=0; }
server {
	listen 127.0.0.1:%[2]d;
	server_name blog.test;
	location /static/ { alias %[1]s/blog/static/; }
	location = /old { return 301 /new; }
	location / {
		try_files /none @blog;
	}
	location @blog {
		proxy_set_header Host $http_host;
		proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
		proxy_set_header X-Asked "by $http_x_asked";
		proxy_redirect off;
		proxy_pass http://blog;
	}
}
`, s.dir, port)
	s.write("site.conf", site)
	s.sh("chmod -R go+rX .")
	before := exec.Command(gunicorn, "--config", "gunicorn.conf.py", "--log-level", "warning", "blog.wsgi")
	before.Dir = s.path("blog")
	before.Env = []string{"PATH=/usr/bin:/bin", "WORKERS=1"}
	if err := before.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = before.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = before.Wait()
	})
	s.eventually("Gunicorn listens", func() bool {
		connection, err := net.Dial("unix", s.path("blog/gunicorn.sock"))
		if err == nil {
			_ = connection.Close() // no data was sent
		}
		return err == nil
	})
	s.sh("chmod 0777 blog/gunicorn.sock")
	fronttest.StartNginxSites(t, port, site)

	s.migrateAndStart("blog.service", "site.conf")
	after := fronttest.FreePort(t)
	changed := strings.ReplaceAll(s.read("migrated/nginx/site.conf"), fmt.Sprintf(":%d;", port), fmt.Sprintf(":%d;", after))
	fronttest.StartNginxSites(t, after, changed)
	for _, ask := range []string{
		"GET /", "GET /a/b?x=1", "GET /missing", "POST /form", "PUT /form", "HEAD /", "GET /old", "GET /static/a.css", "GET /static/none",
		"GET /caf%C3%A9/a%20b", "DELETE /x", "OPTIONS /",
	} {
		if diff := cmp.Diff(withoutProtocol(answerOf(t, port, ask)), withoutProtocol(answerOf(t, after, ask))); diff != "" {
			t.Errorf("%s: -gunicorn +migrated\n%s", ask, diff)
		}
	}
}

// withoutProtocol removes values that Gunicorn did not know of a client behind nginx: the client's
// protocol and, over a Unix socket, its address.
func withoutProtocol(answer string) string {
	return strings.NewReplacer("SERVER_PROTOCOL='HTTP/1.0'", "", "SERVER_PROTOCOL='HTTP/1.1'", "",
		"REMOTE_ADDR=''", "", "REMOTE_ADDR='127.0.0.1'", "").Replace(answer)
}

// migrateAndStart migrates sources, and serves the resulting descriptors.
func (s *site) migrateAndStart(sources ...string) {
	s.t.Helper()
	s.mustRun(append([]string{"migrate", "-c", "modgw.hcl", "--out", "migrated"}, sources...)...)
	s.write("modgw.hcl", strings.Replace(s.read("modgw.hcl"), "apps/*/modgw.hcl", "migrated/apps-enabled/*.hcl", 1))
	s.start()
}

// TestMigratedVassalsOfUWSGIAnswer migrates the folder of an Emperor, and sends requests to the
// host.
func TestMigratedVassalsOfUWSGIAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("shop/shop.py", strings.ReplaceAll(toldByWSGI, "def application", "def shop"))
	s.write("wiki/wiki/wsgi.py", toldOfMode)
	s.write("wiki/wiki/__init__.py", "")
	s.write("wiki/static/a.css", "a {}\n")
	s.write("emperor.ini", fmt.Sprintf("[uwsgi]\nemperor = %s/vassals\n", s.dir))
	s.write("vassals/shop.ini", fmt.Sprintf(`[uwsgi]
base = %[1]s
chdir = %%(base)/%%n
mount = /shop=shop.py
mount = /second=shop:shop
callable = shop
manage-script-name = true
env = MODE=%%n
processes = %%(%%k * 1)
threads = 2
socket = /run/%%n.sock
no-such-option = 1
`, s.dir))
	s.write("vassals/wiki.xml", fmt.Sprintf(`<uwsgi>
  <chdir>%[1]s/wiki</chdir>
  <module>wiki.wsgi</module>
  <env>MODE=wiki</env>
  <static-map>/static=%[1]s/wiki/static</static-map>
  <harakiri>20</harakiri>
</uwsgi>
`, s.dir))
	s.migrateAndStart("emperor.ini")
	for path, want := range map[string]string{
		"/shop/a":       "SCRIPT_NAME='/shop'\nPATH_INFO='/a'",
		"/second":       "SCRIPT_NAME='/second'\nPATH_INFO=''",
		"/x":            "mode=wiki",
		"/static/a.css": "a {}",
	} {
		if status, body := get(t, s.url+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s\nand not %s", path, status, body, want)
		}
	}
}
