package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// poser is a program that sends a request to the FastCGI listener as a web server would, in the
// name of a user whom no one has authenticated. It prints the answer.
const poser = `
import socket, struct, sys

def record(kind, content):
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content

def pair(name, value):
    return bytes([len(name), len(value)]) + name.encode() + value.encode()

def pose(address):
    s = socket.socket(socket.AF_UNIX if address[0] == "/" else socket.AF_INET)
    s.settimeout(30)
    host, _, port = address.rpartition(":")
    try:
        s.connect(address if address[0] == "/" else (host, int(port)))
        params = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/victim/", "REQUEST_URI": "/victim/", "SERVER_NAME": "x",
                  "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "MODGW_APP": "victim", "REMOTE_USER": "admin"}
        s.sendall(record(1, struct.pack("!HB5x", 1, 0)) +
                  record(4, b"".join(pair(*p) for p in params.items())) + record(4, b"") + record(5, b""))
        answer = b""
        while True:
            data = s.recv(65536)
            if not data:
                return answer.decode("latin-1")
            answer += data
    except OSError as e:
        return "refused: %s" % e

if __name__ == "__main__":
    print(pose(sys.argv[1]))
`

const posingApp = `
import os, poser

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [poser.pose(os.environ["LISTENER"]).encode()]
`

const victimApp = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("hello " + environ.get("REMOTE_USER", "stranger")).encode()]
`

// posing returns a site with an app that runs as its own user, with a FastCGI listener at address.
func posing(t *testing.T, address, settings string) *site {
	needsRoot(t)
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("no Python that every user may execute")
	}
	s := newSite(t)
	listener := address
	if strings.HasPrefix(address, "/") {
		address = s.dir + address
		listener = "unix:" + address
	}
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "http" { address = "127.0.0.1:0" }
		listen "fastcgi" {
		  address = %q
		  %s
		}
	`, listener, settings))
	s.write("poser.py", poser)
	s.write("apps/posing/poser.py", poser)
	s.write("apps/posing/app.py", posingApp)
	s.write("apps/posing/modgw.hcl", fmt.Sprintf("app \"posing\" {\n mount = \"/posing\"\n user = \"nobody\"\n env = { LISTENER = %q }\n"+
		" wsgi {\n  entry = \"app.py\"\n  workers = 1\n }\n}\n", address))
	s.write("apps/victim/app.py", victimApp)
	s.write("apps/victim/modgw.hcl", mounted("victim", "/victim"))
	s.start()
	return s
}

// pose sends a request like a web server's from a process of a user.
func (s *site) pose(uid int, address string) string {
	s.t.Helper()
	// An absolute path: otherwise Python looks for its library next to the first python3 in its
	// PATH.
	cmd := exec.Command("/usr/bin/python3", s.path("poser.py"), address)
	if uid != 0 {
		cmd = exec.Command("setpriv", fmt.Sprintf("--reuid=%d", uid), fmt.Sprintf("--regid=%d", uid), "--clear-groups",
			"/usr/bin/python3", s.path("poser.py"), address)
	}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin"} // programs that every user may execute
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestAnAppIsNotTakenForTheWebServerOnALoopbackPort(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", fronttest.FreePort(t))
	s := posing(t, address, "")
	if _, body := s.get("/posing"); strings.Contains(body, "hello") {
		t.Errorf("an app speaks for any user:\n%s", body)
	}
	s.wantLog("connection refused")
	if n := strings.Count(s.log.String(), "connection refused"); n != 1 {
		t.Errorf("the log has it %d times", n)
	}
	wantParts(t, s.pose(0, address), "hello admin")
	if out, err := exec.Command("id", "-u", "www-data").Output(); err == nil {
		var uid int
		fmt.Sscan(string(out), &uid)
		wantParts(t, s.pose(uid, address), "hello admin")
	}
	if strings.Contains(s.log.String(), "MGW-HST-021") {
		t.Error("a warning of an app that cannot connect")
	}
}

func TestOnlyTheUsersThatASettingNamesMayConnect(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", fronttest.FreePort(t))
	s := posing(t, address, `allow_users = ["daemon"]`)
	wantParts(t, s.pose(tenantA, address), "hello admin")
	for _, uid := range []int{tenantB, 33} {
		if out := s.pose(uid, address); strings.Contains(out, "hello") {
			t.Errorf("user %d may connect:\n%s", uid, out)
		}
	}
}

func TestAnAppThatCanPoseAsTheWebServerIsWarnedOfOnce(t *testing.T) {
	t.Parallel()
	s := posing(t, "/fcgi.sock", `mode = "0666"`)
	for range 2 {
		s.mustRun("reload", "posing", "-c", "modgw.hcl")
	}
	if n := strings.Count(s.log.String(), "MGW-HST-021"); n != 1 {
		t.Errorf("the log warns %d times:\n%s", n, s.log)
	}
	wantParts(t, s.log.String(), `app "posing"`, `user "nobody"`, "fcgi.sock")
	if strings.Contains(s.log.String(), `user = "www-data"`) {
		t.Error("the log advises to run apps as the web server's user")
	}
}

func TestASocketOfTheWebServersGroupIsNoReasonToWarn(t *testing.T) {
	t.Parallel()
	s := posing(t, "/fcgi.sock", "mode = \"0660\"\n group = \"daemon\"")
	if strings.Contains(s.log.String(), "MGW-HST-021") {
		t.Errorf("a warning of an app that cannot connect:\n%s", s.log)
	}
	if _, body := s.get("/posing"); strings.Contains(body, "hello") {
		t.Errorf("an app speaks for any user:\n%s", body)
	}
	if _, err := os.Stat(s.path("fcgi.sock")); err != nil {
		t.Error(err)
	}
}
