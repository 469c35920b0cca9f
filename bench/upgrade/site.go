package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

const wsgiApp = `
def application(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"pong"]
`

const asgiApp = `
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("there is none")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"pong"})
`

const descriptors = `
app "blog" {
  mount = "/blog"
  wsgi {
    entry   = "./blog.py"
    workers = 2
  }
}

app "echo" {
  mount = "/echo"
  asgi {
    entry   = "./echo.py"
    workers = 1
  }
}
`

// site is the host with the web servers in front of it.
type site struct {
	bed     testbed.Bed
	direct  string // address of the host's HTTP listener
	loads   []*load
	started []*testbed.Program
}

// startSite starts everything.
func startSite(ctx context.Context, bed testbed.Bed) (s *site, err error) {
	s = &site{bed: bed}
	if s.direct, err = testbed.FreeAddress(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	fcgi := filepath.Join(bed.Dir, "fcgi.sock")
	for name, text := range map[string]string{"apps.hcl": descriptors, "blog.py": wsgiApp, "echo.py": asgiApp, "modgw.hcl": fmt.Sprintf(`
		apps  = ["apps.hcl"]
		state = "state"
		listen "http" { address = %q }
		listen "fastcgi" {
		  address = "unix:%s"
		  mode    = "0666"
		}`, s.direct, fcgi)} {
		if err := bed.Write(name, text); err != nil {
			return s, err
		}
	}
	if err := s.start(bed.Program, "serve", "-c", "modgw.hcl"); err != nil {
		return s, err
	}
	s.loads = []*load{
		{name: "directly, WSGI", url: "http://" + s.direct + "/blog/"}, {name: "directly, ASGI", url: "http://" + s.direct + "/echo/"},
	}
	if err := s.startApache(fcgi); err != nil {
		return s, err
	}
	if err := s.startNginx(); err != nil {
		return s, err
	}
	for _, l := range s.loads {
		if err := awaitAnswer(ctx, l.url); err != nil {
			return s, fmt.Errorf("%s: %w\n%s", l.name, err, s.log())
		}
	}
	return s, nil
}

// start starts a program that ends with the site.
func (s *site) start(program string, args ...string) error {
	p, err := testbed.Start(s.bed.Dir, nil, append([]string{program}, args...)...)
	if err == nil {
		s.started = append(s.started, p)
	}
	return err
}

// startApache starts an Apache that passes requests on over FastCGI, on reused connections.
func (s *site) startApache(fcgi string) error {
	const httpd, modules = "/usr/sbin/apache2", "/usr/lib/apache2/modules"
	if _, err := os.Stat(httpd); err != nil {
		return nil
	}
	address, err := testbed.FreeAddress()
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, m := range []string{"mpm_event", "authn_core", "authz_core", "proxy", "proxy_fcgi"} {
		fmt.Fprintf(&text, "LoadModule %s_module %s\n", m, filepath.Join(modules, "mod_"+m+".so"))
	}
	fmt.Fprintf(&text, "ServerRoot %[1]s\nDefaultRuntimeDir %[1]s\nPidFile %[1]s/httpd.pid\nMutex pthread default\n"+
		"Listen %[2]s\nServerName localhost\nErrorLog %[1]s/error.log\nDocumentRoot %[1]s\n"+
		"<Proxy \"fcgi://host\" enablereuse=on max=20>\n</Proxy>\n"+
		"<Location \"/blog\">\n  SetHandler \"proxy:unix:%[3]s|fcgi://host\"\n</Location>\n", s.bed.Dir, address, fcgi)
	if os.Getuid() == 0 {
		text.WriteString("User www-data\nGroup www-data\n")
	}
	if err := s.bed.Write("httpd.conf", text.String()); err != nil {
		return err
	}
	s.loads = append(s.loads, &load{name: "Apache, FastCGI with reuse", url: "http://" + address + "/blog/"})
	return s.start(httpd, "-f", filepath.Join(s.bed.Dir, "httpd.conf"), "-DFOREGROUND")
}

// startNginx starts an nginx that passes requests on over HTTP, on connections that it keeps.
func (s *site) startNginx() error {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		return nil
	}
	address, err := testbed.FreeAddress()
	if err != nil {
		return err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user www-data;"
	}
	text := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log stderr error; %[4]s
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
  upstream host { server %[2]s; keepalive 16; }
  server {
    listen %[3]s;
    location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://host; }
  }
}
`, s.bed.Dir, s.direct, address, user)
	if err := s.bed.Write("nginx.conf", text); err != nil {
		return err
	}
	s.loads = append(s.loads, &load{name: "nginx, HTTP with keepalive", url: "http://" + address + "/blog/"})
	return s.start(nginx, "-c", filepath.Join(s.bed.Dir, "nginx.conf"), "-p", s.bed.Dir, "-e", "stderr")
}

func awaitAnswer(ctx context.Context, url string) error {
	l := &load{url: url}
	for range 600 {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		l.first, l.lost = "", 0
		l.run(ctx, 10)
		cancel()
		if l.sent > 0 && l.lost == 0 {
			return nil
		}
	}
	return fmt.Errorf("it never answers: %s", l.first)
}

// log returns the end of the output of each program.
func (s *site) log() (text string) {
	for _, p := range s.started {
		text += p.Log()
	}
	return text
}

// stop ends everything, the web servers first.
func (s *site) stop() {
	for i := len(s.started) - 1; i >= 0; i-- {
		s.started[i].Stop()
	}
	s.started = nil
}
