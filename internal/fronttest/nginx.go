package fronttest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// StartNginx starts nginx with conf inside its one server block. FastCGIParams there includes the
// usual variables.
func StartNginx(t testing.TB, conf string) *Server {
	t.Helper()
	port := FreePort(t)
	return StartNginxSites(t, port, lines("server {", fmt.Sprintf("listen 127.0.0.1:%d;", port), conf, "}"))
}

// StartNginxSites starts nginx with conf, which must listen on port, inside its http block.
func StartNginxSites(t testing.TB, port int, conf string) *Server {
	t.Helper()
	dir := Dir(t)
	return start(t, dir, port, syscall.SIGHUP, append([]string{Require(t, "nginx", "nginx-light")}, nginxArguments(t, dir, conf)...)...)
}

// nginxArguments writes a configuration with conf inside its http block, and returns the arguments
// that name it.
func nginxArguments(t testing.TB, dir, conf string) []string {
	t.Helper()
	user := ""
	if os.Getuid() == 0 {
		user = "user www-data;"
	}
	file := filepath.Join(dir, "nginx.conf")
	write(t, file, lines(
		"daemon off;", "worker_processes 1;", user,
		"pid "+dir+"/pid;",
		"error_log stderr warn;",
		"events { worker_connections 256; }",
		"http {",
		"  access_log off;",
		"  client_body_temp_path "+dir+"/body;", "  proxy_temp_path "+dir+"/proxy;", "  fastcgi_temp_path "+dir+"/fastcgi;",
		"  uwsgi_temp_path "+dir+"/uwsgi;", "  scgi_temp_path "+dir+"/scgi;",
		conf,
		"}",
	))
	return []string{"-c", file, "-p", dir, "-e", "stderr"}
}

// CheckNginx has nginx check conf inside its http block, and returns its output.
func CheckNginx(t testing.TB, conf string) string {
	t.Helper()
	return output(t, Require(t, "nginx", "nginx-light"), append([]string{"-t"}, nginxArguments(t, Dir(t), conf)...)...)
}

// FastCGIParams are the variables that Debian's fastcgi_params file sets.
const FastCGIParams = `
    fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;
    fastcgi_param SCRIPT_NAME $fastcgi_script_name; fastcgi_param REQUEST_URI $request_uri;
    fastcgi_param DOCUMENT_URI $document_uri; fastcgi_param DOCUMENT_ROOT $document_root;
    fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param REQUEST_SCHEME $scheme;
    fastcgi_param HTTPS $https if_not_empty; fastcgi_param GATEWAY_INTERFACE CGI/1.1;
    fastcgi_param SERVER_SOFTWARE nginx/$nginx_version; fastcgi_param REMOTE_ADDR $remote_addr;
    fastcgi_param REMOTE_PORT $remote_port; fastcgi_param SERVER_ADDR $server_addr;
    fastcgi_param SERVER_PORT $server_port; fastcgi_param SERVER_NAME $server_name;
    fastcgi_param REDIRECT_STATUS 200;
`
