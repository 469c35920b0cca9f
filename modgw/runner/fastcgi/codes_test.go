package fastcgi

import (
	"os"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
)

func TestFailuresOfProgramsAreExplained(t *testing.T) {
	a, _ := play(t, one, func(x *asked) {
		switch x.params["REQUEST_URI"] {
		case "/overloaded":
			x.end(fcgi.Overloaded)
		case "/garbage":
			x.raw([]byte("HTTP/1.1 200 OK\r\n\r\nhello")...)
		case "/closes":
			x.Close()
		default:
			x.out("Bad Name: 1\r\n" + okHead)
			x.end(0)
		}
	})
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/overloaded": {503, "MGW-CGI-003"}, "/garbage": {502, "MGW-CGI-004"}, "/closes": {502, "MGW-APP-008"}, "/": {502, "MGW-APP-014"},
	} {
		a.Want(a.Get(path), want.status, "")
		faulttest.Want(t, a.Log(), want.code)
	}
	_, err := deploy(t, descriptor(t, modgw.FastCGI{Connect: "unix:/no/such/socket"}), nil)
	if err == nil {
		t.Fatal("an app is served whose program was not started")
	}
	faulttest.Want(t, err.Error(), "MGW-CGI-002")
}

func TestScriptsThatCannotBeFoundAreExplained(t *testing.T) {
	serveScripts := func(user string) *app {
		a, _ := play(t, one, func(x *asked) {
			x.out(okHead + "executed " + x.params["SCRIPT_NAME"])
			x.end(0)
		}, func(d *modgw.Descriptor) {
			d.FastCGI.ScriptRoot, d.User = d.Root, user
			if err := writeFile(d.Root+"/page.php", ""); err != nil {
				t.Fatal(err)
			}
		})
		return a
	}
	a := serveScripts("")
	a.Want(a.Get("/page.php"), 200, "executed /page.php")
	a.Want(a.Get("/none"), 404, "")
	faulttest.Want(t, a.Log(), "MGW-CGI-005")
	a.Write("index.php", "")
	a.Want(a.Get("/none"), 200, "executed /index.php")

	if os.Geteuid() != 0 {
		t.Skip("needs root, to serve the scripts of another user")
	}
	a = serveScripts("nobody")
	a.Want(a.Get("/page.php"), 403, "") // the folder of a test is its own user's
	faulttest.Want(t, a.Log(), "MGW-CGI-006")
}
