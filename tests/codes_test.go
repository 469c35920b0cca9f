package tests

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw/fcgi"
)

// explained waits until the host's log has a code with a message that troubleshooting.md quotes.
func (s *site) explained(code string) {
	s.t.Helper()
	s.eventually(code, func() bool { return faulttest.Has(s.log.String(), code) })
}

// asked returns a request over FastCGI.
func asked(id uint16, body string, variables map[string]string) string {
	b := begun(id, encoded(variables))
	return string(fcgi.AppendRecord(fcgi.AppendStream(b, fcgi.TypeStdin, id, []byte(body)), fcgi.TypeStdin, id, nil))
}

// encoded returns the variables of a request in FastCGI's format.
func encoded(variables map[string]string) (params []byte) {
	for name, value := range variables {
		params = fcgi.AppendPair(params, name, value)
	}
	return params
}

// begun returns the beginning of a request over FastCGI, without its body.
func begun(id uint16, params []byte) []byte {
	b := fcgi.AppendRecord(nil, fcgi.TypeBegin, id, []byte{0, byte(fcgi.RoleResponder), 0, 0, 0, 0, 0, 0})
	b = fcgi.AppendStream(b, fcgi.TypeParams, id, params)
	return fcgi.AppendRecord(b, fcgi.TypeParams, id, nil)
}

// paramsOf returns the variables of a request for a path.
func paramsOf(method, path string, more ...string) map[string]string {
	all := map[string]string{
		"REQUEST_METHOD": method, "REQUEST_URI": path, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "",
		"SERVER_NAME": "any.test", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "192.0.2.1",
	}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		all[name] = value
	}
	return all
}

// uwsgiPacket returns a request over uwsgi.
func uwsgiPacket(variables map[string]string) string {
	var block []byte
	text := func(s string) { block = append(binary.LittleEndian.AppendUint16(block, uint16(len(s))), s...) }
	for name, value := range variables {
		text(name)
		text(value)
	}
	return string(append(append([]byte{0}, binary.LittleEndian.AppendUint16(nil, uint16(len(block)))...), append([]byte{0}, block...)...))
}

func TestRequestsThatFrontsRefuseAreExplained(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	proxied, slow := fronttest.FreePort(t), fronttest.FreePort(t)
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		trusted_proxies = ["127.0.0.1"]
		listen "http" { address = "127.0.0.1:0" }
		listen "http" {
		  address        = "127.0.0.1:%d"
		  proxy_protocol = true
		}
		listen "http" {
		  address         = "127.0.0.1:%d"
		  max_connections = 1
		  timeouts { body = "1s" }
		}
		listen "fastcgi" { address = "unix:%[3]s/fcgi.sock" }
		listen "uwsgi" { address = "unix:%[3]s/uwsgi.sock" }
	`, proxied, slow, s.dir))
	s.write("apps/scripts/modgw.hcl", "app \"scripts\" {\n  cgi { dir = \"cgi-bin\" }\n}\n")
	scripts := map[string]string{
		"cat":  "printf 'Content-Type: text/plain\\n\\n'; cat",
		"long": "printf 'Content-Type: text/plain\\nX-Long: %09000d\\n\\nlong' 0",
		"bad":  "printf 'Content-Type: text/plain\\nBad Name: x\\n\\nbad'",
	}
	for name, text := range scripts {
		s.write("apps/scripts/cgi-bin/"+name, "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(s.path("apps/scripts/cgi-bin/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	direct := strings.TrimPrefix(s.url, "http://")
	other := func(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
	many := ""
	for id := range uint16(150) {
		many += string(begun(id+1, encoded(paramsOf("POST", "/cat", "CONTENT_LENGTH=100"))))
	}
	for _, c := range []struct{ network, address, sent, code string }{
		{"unix", s.path("fcgi.sock"), asked(1, "", paramsOf("GET", "/long")), "MGW-REQ-003"},
		{"unix", s.path("fcgi.sock"), asked(1, "", paramsOf("GET", "/bad")), "MGW-APP-014"},
		{"unix", s.path("fcgi.sock"), string(begun(1, []byte("\xff\xff\xff\xff\xff\xff\xff\xff"))), "MGW-REQ-005"},
		{"unix", s.path("fcgi.sock"), asked(1, "", paramsOf("", "/")), "MGW-REQ-001"},
		{"unix", s.path("fcgi.sock"), asked(1, "short", paramsOf("POST", "/cat", "CONTENT_LENGTH=100")), "MGW-REQ-007"},
		{"unix", s.path("fcgi.sock"), many, "MGW-REQ-006"},
		{"unix", s.path("uwsgi.sock"), uwsgiPacket(paramsOf("POST", "/cat", "HTTP_TRANSFER_ENCODING=chunked")), "MGW-REQ-014"},
		{"unix", s.path("uwsgi.sock"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "MGW-REQ-013"},
		{"tcp", direct, "CONNECT any.test:443 HTTP/1.1\r\nHost: any.test:443\r\n\r\n", "MGW-REQ-011"},
		{"tcp", direct, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "MGW-REQ-012"},
		{"tcp", other(proxied), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "MGW-REQ-015"},
	} {
		conn, err := net.Dial(c.network, c.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.sent); err != nil {
			t.Fatal(err)
		}
		s.explained(c.code)
		conn.Close()
	}

	// Refusals because of a client's behaviour, or because of the listener's limits.
	slowly, err := net.Dial("tcp", other(slow))
	if err != nil {
		t.Fatal(err)
	}
	defer slowly.Close()
	fmt.Fprint(slowly, "POST /cat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow")
	waiting, err := net.Dial("tcp", other(slow))
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	fmt.Fprint(waiting, "POST /cat HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfast")
	s.explained("MGW-HST-016")
	s.explained("MGW-REQ-016")
	_ = waiting.SetDeadline(time.Now().Add(watchtest.Patience))
	if answer, err := io.ReadAll(bufio.NewReader(waiting)); err != nil || !strings.Contains(string(answer), "fast") {
		t.Errorf("who waited is answered %q, %v", answer, err)
	}
}

func TestWhatOnlyRootMayDoIsExplained(t *testing.T) {
	needsRoot(t)
	s := newSite(t)
	s.programForAll()
	s.write("own/modgw.hcl", "app \"own\" {\n  user = \"daemon\"\n  wsgi { entry = \"app.py\" }\n}\n")
	s.write("own/app.py", "def application(environ, start_response): pass\n")
	s.sh("mkdir shut state && chown -R 65534:65534 own state && chmod 0755 shut")
	asNobody := func(args ...string) string {
		out, ok := s.runWithin([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, args...)
		if ok {
			t.Errorf("%q succeeds:\n%s", args, out)
		}
		return out
	}
	faulttest.Want(t, asNobody("env", "build", "-t", "own", "--state", s.path("state")), "MGW-ENV-018")
	faulttest.Want(t, asNobody("serve", "own", "--state", s.path("state"), "--listen", "http=unix:"+s.path("shut/http.sock")),
		"MGW-HST-002")
}
