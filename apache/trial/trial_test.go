package trial

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/apache"
)

// program returns the installed Apache. If there is none, the test is skipped, except on CI.
func program(t *testing.T) *apache.Program {
	t.Helper()
	p, err := apache.Find(t.Context(), "")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return p
}

// open returns a folder that the user of Apache's children can enter.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "trial-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// get requests a page of a site, by the site's name.
func get(t *testing.T, u *url.URL, host, path string) (status int, body string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), "GET", u.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func TestSitesOfAPartAnswerAtFreePorts(t *testing.T) {
	t.Parallel()
	dir := open(t)
	write(t, filepath.Join(dir, "sites.conf"), `
<VirtualHost *:80>
  ServerName http://one.test:80
  ServerAlias *.one.test also.test
  ErrorLog /var/log/apache2/never.log
  CustomLog "|/bin/false" combined
  Redirect "/moved \"here\"" "http://elsewhere.test/PLACE"
  <Location "/text here">
    ErrorDocument 404 "the text of \"one\""
    Require all granted
  </Location>
</VirtualHost>
<VirtualHost 192.0.2.1:80>
  ServerName two.test
  RewriteEngine On
  RewriteRule ^/([a-z]+)\.page$ http://two.test/$1 [R,L]
</VirtualHost>
`)
	s := start(t, Config{
		Program: program(t), Dir: open(t), Parts: []string{filepath.Join(dir, "sites.conf")},
		Replace: []string{"PLACE", "place"},
	})
	if s.Plain == nil || s.Secure != nil {
		t.Fatalf("answers at %v and %v", s.Plain, s.Secure)
	}
	if got, want := s.Names, []string{"one.test", "also.test", "two.test"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	if status, body := get(t, s.Plain, "one.test", "/text%20here"); status != 404 || body != `the text of "one"` {
		t.Errorf("got %d %q", status, body)
	}
	if status, body := get(t, s.Plain, "one.test", "/moved%20%22here%22"); status != 302 || !strings.Contains(body, "elsewhere.test/place") {
		t.Errorf("got %d %q", status, body)
	}
	if status, body := get(t, s.Plain, "two.test", "/a.page"); status != 302 || !strings.Contains(body, "http://two.test/a") {
		t.Errorf("got %d %q", status, body)
	}
}

func TestWholeServerRunsWithTheChangedFiles(t *testing.T) {
	t.Parallel()
	p := program(t)
	old, changed, into := open(t), open(t), filepath.Join(open(t), "conf")
	var modules strings.Builder
	for _, name := range []string{"mpm_event", "authz_core", "unixd", "alias"} {
		if file := p.ModuleFile(name); file != "" {
			modules.WriteString("LoadModule " + name + "_module " + file + "\n")
		}
	}
	write(t, filepath.Join(old, "httpd.conf"), "ServerRoot "+old+"\nListen 80\nUser daemon\nPidFile /run/never.pid\n"+
		modules.String()+"Include "+old+"/sites/*.conf\n")
	write(t, filepath.Join(old, "available", "site.conf"), "<VirtualHost *:80>\nRedirect / http://old.test/\n</VirtualHost>\n")
	if err := os.Mkdir(filepath.Join(old, "sites"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../available/site.conf", filepath.Join(old, "sites", "site.conf")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(changed, "sites", "site.conf"), "<VirtualHost *:80>\nRedirect / http://new.test/\n</VirtualHost>\n")
	if err := Overlay(old, changed, into); err != nil {
		t.Fatal(err)
	}
	for want, main := range map[string]string{"http://old.test/": old, "http://new.test/": into} {
		s := start(t, Config{Program: p, Dir: open(t), Main: filepath.Join(main, "httpd.conf")})
		if _, body := get(t, s.Plain, "any.test", "/"); !strings.Contains(body, want) {
			t.Errorf("got %q, want a redirect to %s", body, want)
		}
	}
}

func TestConfigurationThatApacheRefusesIsExplained(t *testing.T) {
	t.Parallel()
	dir := open(t)
	write(t, filepath.Join(dir, "bad.conf"), "NoSuchDirective here\n")
	s, err := Start(context.Background(), Config{Program: program(t), Dir: open(t), Parts: []string{filepath.Join(dir, "bad.conf")}})
	if err == nil {
		s.Stop()
		t.Fatal("it runs")
	}
	if !strings.Contains(err.Error(), "NoSuchDirective") {
		t.Errorf("got %v", err)
	}
}
