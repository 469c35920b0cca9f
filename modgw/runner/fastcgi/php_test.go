package fastcgi

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// phpVars prints the variables that tests check.
const phpVars = `<?php
header("Content-Type: text/plain");
foreach (["SCRIPT_FILENAME","SCRIPT_NAME","PATH_INFO","DOCUMENT_ROOT","QUERY_STRING","REQUEST_URI","HTTP_PROXY","SERVER_PROTOCOL","PHP_SELF","X"] as $name)
	echo $name, "=", $_SERVER[$name] ?? "(none)", "\n";
echo "body=", file_get_contents("php://input"), "\n";
`

func php(t *testing.T) string { return fronttest.Require(t, "php-cgi", "php-cgi") }

func TestPHPExecutesScriptsAndNothingElse(t *testing.T) {
	d := descriptor(t, modgw.FastCGI{Command: []string{php(t)}, ScriptRoot: ""})
	d.Mount = "/site"
	a := serve(t, d, map[string]string{
		"index.php":        "<?php echo 'front ', $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['PATH_INFO'] ?? '-', ' ', $_SERVER['REQUEST_URI'];",
		"vars.php":         phpVars,
		"admin/index.php":  "<?php echo 'admin';",
		"picture.png":      "<?php echo 'executed'.' a picture';",
		"plain/readme.txt": "text",
	})
	outside := t.TempDir() + "/secret.php"
	if err := writeFile(outside, "<?php echo 'escaped';"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, a.Root+"/link.php"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/site/":                         {200, "front /site/index.php - /site/"},
		"/site/pretty/url?x=1":           {200, "front /site/index.php - /site/pretty/url?x=1"},
		"/site/admin/":                   {200, "admin"},
		"/site/admin":                    {301, ""},
		"/site/vars.php":                 {200, "SCRIPT_NAME=/site/vars.php\nPATH_INFO=(none)\n"},
		"/site/vars.php/a/b.php?q":       {200, "SCRIPT_NAME=/site/vars.php\nPATH_INFO=/a/b.php\n"},
		"/site//vars.php":                {200, "SCRIPT_FILENAME=" + a.Root + "/vars.php\n"},
		"/site/picture.png/x.php":        {200, "front "},
		"/site/picture.png%00.php":       {404, ""},
		"/site/picture.png":              {200, "<?php echo 'executed'.' a picture';"},
		"/site/plain/readme.txt":         {200, "text"},
		"/site/../vars.php":              {404, ""},
		"/site/%2e%2e/%2e%2e/etc/passwd": {404, ""},
		"/site/link.php":                 {200, "front "},
		"/site/vars.PHP":                 {200, "front "},
		"/site/missing.php":              {200, "front "},
		"/site/%c8%ba%c8%ba.php":         {200, "front "},
		"/site/index.php/%0a":            {200, "front /site/index.php /\n"},
	} {
		got := a.Get(path)
		if got.Err != nil || got.Status != want.status || !strings.Contains(got.Body, want.body) {
			t.Errorf("%s: got %d %q, %v; want %d with %q", path, got.Status, got.Body, got.Err, want.status, want.body)
		}
		if strings.Contains(got.Body, "executed a picture") || strings.Contains(got.Body, "escaped") {
			t.Errorf("%s executed what is no script of the app: %q", path, got.Body)
		}
	}
	if got := a.Get("/site/admin?x=1").Header.Get("Location"); got != "/site/admin/?x=1" {
		t.Errorf("redirect to %q", got)
	}
}

func TestPHPGetsTheRequestAndNoProxy(t *testing.T) {
	a := serve(t, descriptor(t, modgw.FastCGI{Command: []string{php(t)}}), map[string]string{"vars.php": phpVars})
	got := a.Do("POST", "/vars.php?a=b", strings.NewReader("a body"), http.Header{"Proxy": {"http://evil"}, "Content-Type": {"text/plain"}})
	a.Want(got, 200, "body=a body")
	a.Want(got, 200, "QUERY_STRING=a=b\n")
	a.Want(got, 200, "HTTP_PROXY=(none)\n")
	a.Want(got, 200, "DOCUMENT_ROOT="+a.Root+"\n")
	// A body of unknown length, which CGI cannot express.
	got = a.Do("POST", "/vars.php", struct{ *strings.Reader }{strings.NewReader(strings.Repeat("chunk", 50000))}, nil)
	a.Want(got, 200, "body="+strings.Repeat("chunk", 50000))
	for range 20 {
		a.Want(a.Get("/vars.php"), 200, "QUERY_STRING=\n")
	}
	if s := a.runner.Status(); s.Restarts != 0 || len(s.Workers) != 1 || s.Capacity != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestPHPErrorsReachTheLogAndStatusesTheClient(t *testing.T) {
	a := serve(t, descriptor(t, modgw.FastCGI{Command: []string{php(t), "-d", "display_errors=0", "-d", "log_errors=1"}}), map[string]string{
		"index.php":    "<?php nonsense();",
		"redirect.php": "<?php header('Location: /elsewhere');",
		"gone.php":     "<?php http_response_code(410); setcookie('a', 'b'); setcookie('c', 'd'); echo 'gone';",
	})
	a.Want(a.Get("/"), 500, "")
	a.Eventually("log", func() bool {
		for line := range strings.Lines(a.Log()) {
			if strings.Contains(line, "Call to undefined function nonsense()") {
				return strings.Contains(line, " request=") // which logs --id finds
			}
		}
		return false
	})
	if got := a.Get("/redirect.php"); got.Status != 302 || got.Header.Get("Location") != "/elsewhere" {
		t.Errorf("got %d %v", got.Status, got.Header)
	}
	got := a.Get("/gone.php")
	a.Want(got, 410, "gone")
	if len(got.Header["Set-Cookie"]) != 2 {
		t.Errorf("cookies %q", got.Header["Set-Cookie"])
	}
}

func TestScriptOfAnotherNameAnswersForTheFolder(t *testing.T) {
	d := descriptor(t, modgw.FastCGI{Command: []string{php(t)}, Index: "manager.php"})
	d.Mount = "/files"
	a := serve(t, d, map[string]string{
		"manager.php": "<?php echo 'manager ', $_SERVER['SCRIPT_NAME'];", "other.php": "<?php echo 'other';",
		"admin/manager.php": "<?php echo 'admin';", "index.php": "<?php echo 'index';",
	})
	for path, body := range map[string]string{
		"/files/": "manager /files/manager.php", "/files/pretty": "manager /files/manager.php", "/files/other.php": "other",
		"/files/admin/": "admin", "/files/index.php": "index",
	} {
		a.Want(a.Get(path), 200, body)
	}
}

func TestFilesBesideScriptsAreServedAndWhatIsPrivateIsNot(t *testing.T) {
	a := serve(t, descriptor(t, modgw.FastCGI{Command: []string{php(t)}}), map[string]string{
		"index.php": "<?php echo 'front';", "style.css": "body {}", "lib/code.inc": "source", "lib/page.twig": "source",
		"data/.htaccess": "## no access\n<IfModule mod_authz_core.c>\n  Require all denied\n</IfModule>\n", "data/wiki.txt": "secret",
		"data/run.php": "<?php echo 'ran';", "old/.htaccess": "Order allow,deny\nDeny from all\n", "old/a.txt": "secret",
		"open/.htaccess": "<Files ~ \"x\">\nRequire all denied\n</Files>\n", "open/a.txt": "open", "manual/index.html": "manual",
		".env": "secret", ".git/config": "secret", "index.php~": "secret", "composer.json": "secret", "app.sqlite": "secret", "modgw.hcl": "secret", "shop.hcl": "secret",
	})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/style.css": {200, "body {}"}, "/open/a.txt": {200, "open"}, "/manual/": {200, "manual"}, "/missing.css": {200, "front"},
		"/lib/code.inc": {404, ""}, "/lib/page.twig": {404, ""}, "/data/wiki.txt": {404, ""}, "/data/run.php": {404, ""},
		"/old/a.txt": {404, ""}, "/.env": {404, ""}, "/.git/config": {404, ""}, "/index.php~": {404, ""},
		"/composer.json": {404, ""}, "/app.sqlite": {404, ""}, "/data/": {404, ""},
		"/modgw.hcl": {404, ""}, "/shop.hcl": {404, ""},
	} {
		got := a.Get(path)
		if got.Err != nil || got.Status != want.status || want.status == 200 && got.Body != want.body {
			t.Errorf("%s: got %d %q, %v; want %d %q", path, got.Status, got.Body, got.Err, want.status, want.body)
		}
		if strings.Contains(got.Body, "secret") || strings.Contains(got.Body, "source") {
			t.Errorf("%s shows what is private: %q", path, got.Body)
		}
	}
	css := a.Get("/style.css")
	if css.Header.Get("Content-Type") != "text/css; charset=utf-8" || css.Header.Get("ETag") == "" {
		t.Errorf("style.css has %v", css.Header)
	}
	a.Want(a.Do("POST", "/style.css", strings.NewReader("x"), nil), 405, "")
}

func TestPHPIsGivenTheSettingsOfItsApp(t *testing.T) {
	d := descriptor(t, modgw.FastCGI{Command: []string{php(t)}, INI: map[string]string{"memory_limit": "77M", "upload_max_filesize": "5M"}})
	a := serve(t, d, map[string]string{"index.php": "<?php echo ini_get('memory_limit'), ' ', ini_get('upload_max_filesize');"})
	a.Want(a.Get("/"), 200, "77M 5M")
}

func TestOpcacheLooksForSavedScripts(t *testing.T) {
	if options := strings.Join(phpOptions(modgw.FastCGI{Command: []string{"/usr/bin/php-cgi8.2"}}), " "); options != "-d opcache.revalidate_freq=0" {
		t.Errorf("options %q", options)
	}
	ini := map[string]string{"opcache.revalidate_freq": "60"}
	if options := strings.Join(phpOptions(modgw.FastCGI{Command: []string{"php-cgi"}, INI: ini}), " "); options != "-d opcache.revalidate_freq=60" {
		t.Errorf("options %q", options)
	}
	if options := phpOptions(modgw.FastCGI{Command: []string{"./counter.pl"}}); options != nil {
		t.Errorf("options of another program: %q", options)
	}
}
