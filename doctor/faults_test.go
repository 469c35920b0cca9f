package doctor

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// row is a set-up with one fault.
type row struct {
	name   string
	base   string             // name of the sound set-up in which the fault is
	apps   []modgw.Descriptor // nil: a static app at /
	change []string           // pairs of a text in the base and its replacement
	code   string             // the finding
	// part of the line that is named
	at        string
	directive string   // named by the finding
	byHand    bool     // Repair does not fix it
	beside    []string // further codes that follow from the fault
	// the web server does not accept the configuration: no requests are sent
	refused bool
}

// conf returns the configuration of a row.
func (r row) conf(t *testing.T) string {
	t.Helper()
	conf := bases[r.base]
	if conf == "" {
		t.Fatalf("no base %q", r.base)
	}
	for i := 0; i < len(r.change); i += 2 {
		if !strings.Contains(conf, r.change[i]) {
			t.Fatalf("base %s has no %q", r.base, r.change[i])
		}
		conf = strings.Replace(conf, r.change[i], r.change[i+1], 1)
	}
	return conf
}

// lineWith returns the number of the first line of a text that contains a part, or -1.
func lineWith(text, part string) int {
	before, _, found := strings.Cut(text, part)
	if !found {
		return -1
	}
	return strings.Count(before, "\n") + 1
}

// bases are sound set-ups.
var bases = map[string]string{
	"apache fastcgi": `
<VirtualHost *:@PORT@>
    ServerName www.example.com
    AllowEncodedSlashes NoDecode
    <Location "/">
        ProxyFCGIBackendType GENERIC
        CGIPassAuth On
        SetEnv MODGW_APP "blog"
        SetEnv ap_trust_cgilike_cl 1
    </Location>
    ProxyPass "/" "unix:@FCGI@|fcgi://blog.modgw/" flushpackets=auto flushwait=5 timeout=135
</VirtualHost>
`,
	"apache http": `
<VirtualHost *:@PORT@>
    ServerName www.example.com
    AllowEncodedSlashes NoDecode
    ProxyPreserveHost On
    RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
    RequestHeader unset X-Forwarded-Prefix
    RequestHeader unset X-Script-Name
    RequestHeader unset X-Forwarded-For
    RequestHeader unset X-Forwarded-Host
    ProxyPass "/" "unix:@HTTP@|http://blog.modgw/" upgrade=websocket ttl=30 timeout=3600
</VirtualHost>
`,
	"apache two": `
<VirtualHost *:@PORT@>
    ServerName www.example.com
    AllowEncodedSlashes NoDecode
    <Location "/">
        CGIPassAuth On
        SetEnv ap_trust_cgilike_cl 1
    </Location>
    ProxyPass "/shop" "unix:@FCGI@|fcgi://shop.modgw/" flushpackets=auto flushwait=5 timeout=135
    ProxyPass "/" "unix:@FCGI@|fcgi://blog.modgw/" flushpackets=auto flushwait=5 timeout=135
</VirtualHost>
`,
	"apache files": `
<Directory />
    Require all denied
</Directory>
<VirtualHost *:@PORT@>
    ServerName www.example.com
    AllowEncodedSlashes NoDecode
    <Location "/">
        CGIPassAuth On
        SetEnv ap_trust_cgilike_cl 1
    </Location>
    Alias "/static" "@DIR@/static"
    <Directory "@DIR@/static">
        Require all granted
    </Directory>
    ProxyPass "/static" "!"
    ProxyPass "/" "unix:@FCGI@|fcgi://blog.modgw/" flushpackets=auto flushwait=5 timeout=135
</VirtualHost>
`,
	"apache tls": `
Listen 127.0.0.1:@TLSPORT@
<VirtualHost *:@TLSPORT@>
    ServerName www.example.com
    SSLEngine On
    SSLCertificateFile @CERTS@/good.pem
    SSLCertificateKeyFile @CERTS@/good.key
    AllowEncodedSlashes NoDecode
    ProxyPreserveHost On
    RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
    RequestHeader unset X-Forwarded-Prefix
    RequestHeader unset X-Script-Name
    ProxyPass "/" "unix:@HTTP@|http://blog.modgw/" upgrade=websocket ttl=30 timeout=3600
</VirtualHost>
`,
	"apache balancer": `
<Proxy "balancer://blog">
    BalancerMember "unix:@FCGI@|fcgi://blog.modgw" retry=0 flushpackets=auto flushwait=5 timeout=135
    ProxySet lbmethod=byrequests
</Proxy>
<VirtualHost *:@PORT@>
    ServerName www.example.com
    AllowEncodedSlashes NoDecode
    <Location "/">
        CGIPassAuth On
        SetEnv ap_trust_cgilike_cl 1
    </Location>
    ProxyPass "/" "balancer://blog/"
</VirtualHost>
`,
	"apache mount": `
<VirtualHost *:@PORT@>
    ServerName www.example.com
    AllowEncodedSlashes NoDecode
    ProxyPreserveHost On
    RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
    RequestHeader unset X-Forwarded-Prefix
    RequestHeader unset X-Script-Name
    ProxyPass "/blog" "http://@HTTPTCP@/blog" upgrade=websocket ttl=30 timeout=3600
</VirtualHost>
`,
	"nginx fastcgi": `
server {
    listen 127.0.0.1:@PORT@;
    server_name www.example.com;
    location / {
        client_max_body_size 64m;
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param REQUEST_URI $request_uri;
        fastcgi_param PATH_INFO $document_uri;
        fastcgi_param QUERY_STRING $query_string;
        fastcgi_param CONTENT_TYPE $content_type;
        fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param SERVER_PROTOCOL $server_protocol;
        fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
        fastcgi_param SERVER_NAME $host;
        fastcgi_param SERVER_PORT $server_port;
        fastcgi_param HTTPS $https if_not_empty;
        fastcgi_param REMOTE_ADDR $remote_addr;
        fastcgi_param MODGW_APP blog;
        fastcgi_read_timeout 135s;
        fastcgi_send_timeout 135s;
        fastcgi_pass unix:@FCGI@;
    }
}
`,
	"nginx http": `
upstream host { server unix:@HTTP@; keepalive 8; keepalive_timeout 30s; }
server {
    listen 127.0.0.1:@PORT@;
    server_name www.example.com;
    location / {
        client_max_body_size 64m;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Prefix "";
        proxy_set_header X-Script-Name "";
        proxy_set_header X-Server-Software nginx/$nginx_version;
        proxy_read_timeout 3600s;
        proxy_send_timeout 3600s;
        proxy_pass http://host;
    }
}
`,
	"nginx tls": `
server {
    listen 127.0.0.1:@TLSPORT@ ssl;
    server_name www.example.com;
    ssl_certificate @CERTS@/good.pem;
    ssl_certificate_key @CERTS@/good.key;
    location / {
        client_max_body_size 64m;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $host;
        proxy_set_header X-Forwarded-Prefix "";
        proxy_set_header X-Script-Name "";
        proxy_set_header X-Server-Software nginx/$nginx_version;
        proxy_read_timeout 3600s;
        proxy_send_timeout 3600s;
        proxy_pass http://unix:@HTTP@;
    }
}
`,
	"lighttpd fastcgi": `
$HTTP["host"] == "www.example.com" {
    server.stream-response-body = 1
    setenv.add-environment = ( "MODGW_APP" => "blog" )
    fastcgi.server = ( "/" => (( "socket" => "@FCGI@", "check-local" => "disable", "fix-root-scriptname" => "enable", "disable-time" => 0, "read-timeout" => 135 )) )
}
`,
	"lighttpd http": `
server.http-parseopts = ( "url-path-2f-decode" => "disable" )
$HTTP["host"] == "www.example.com" {
    server.stream-response-body = 1
    setenv.set-request-header = ( "X-Forwarded-Prefix" => "", "X-Script-Name" => "", "Forwarded" => "", "X-Forwarded-For" => "", "X-Forwarded-Host" => "", "X-Forwarded-Proto" => "" )
    proxy.header = ( "upgrade" => "enable" )
    proxy.server = ( "/" => (( "socket" => "@HTTP@", "disable-time" => 0, "read-timeout" => 3600 )) )
}
`,
	"haproxy fastcgi": `
  default_backend app
fcgi-app host
  docroot /
  pass-header Authorization
  set-param MODGW_APP "blog"
backend app
  timeout server 135s
  use-fcgi-app host
  server host unix@@FCGI@ proto fcgi
`,
	"haproxy http": `
  default_backend app
backend app
  timeout server 135s
  timeout tunnel 3600s
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request del-header X-Forwarded-Prefix
  http-request del-header X-Script-Name
  http-request del-header X-Forwarded-Host
  server host unix@@HTTP@
`,
}

// Apps of rows.
var (
	chat  = []modgw.Descriptor{app("blog", modgw.KindASGI, "/")}
	twins = []modgw.Descriptor{app("shop", modgw.KindStatic, "/shop"), app("blog", modgw.KindStatic, "/")}
	mount = []modgw.Descriptor{app("blog", modgw.KindStatic, "/blog")}
)

var table = []row{
	// How requests arrive behind Apache over FastCGI.
	{name: "AllowEncodedSlashes is missing", base: "apache fastcgi", change: []string{"    AllowEncodedSlashes NoDecode\n", ""},
		code: "MGW-DOC-001", at: "<VirtualHost", directive: "AllowEncodedSlashes"},
	{name: "AllowEncodedSlashes is off", base: "apache fastcgi", change: []string{"AllowEncodedSlashes NoDecode", "AllowEncodedSlashes Off"},
		code: "MGW-DOC-001", at: "AllowEncodedSlashes Off", directive: "AllowEncodedSlashes"},
	{name: "AllowEncodedSlashes of the main server", base: "apache fastcgi", change: []string{"    AllowEncodedSlashes NoDecode\n", "", "<VirtualHost", "AllowEncodedSlashes NoDecode\n<VirtualHost"},
		code: "MGW-DOC-001", at: "<VirtualHost", directive: "AllowEncodedSlashes"},
	{name: "CGIPassAuth is missing", base: "apache fastcgi", change: []string{"        CGIPassAuth On\n", ""},
		code: "MGW-DOC-002", at: "ProxyPass", directive: "CGIPassAuth"},
	{name: "CGIPassAuth is off", base: "apache fastcgi", change: []string{"CGIPassAuth On", "CGIPassAuth Off"},
		code: "MGW-DOC-002", at: "CGIPassAuth", directive: "CGIPassAuth"},
	{name: "flushpackets is missing", base: "apache fastcgi", change: []string{" flushpackets=auto flushwait=5", ""},
		code: "MGW-DOC-003", at: "ProxyPass", directive: "flushpackets"},
	{name: "flushpackets is off", base: "apache fastcgi", change: []string{"flushpackets=auto", "flushpackets=off"},
		code: "MGW-DOC-003", at: "ProxyPass", directive: "flushpackets"},
	{name: "ap_trust_cgilike_cl is missing", base: "apache fastcgi", change: []string{"        SetEnv ap_trust_cgilike_cl 1\n", ""},
		code: "MGW-DOC-004", at: "ProxyPass", directive: "SetEnv ap_trust_cgilike_cl"},
	{name: "nothing takes WebSockets beside FastCGI", base: "apache fastcgi", apps: chat,
		code: "MGW-DOC-005", at: "ProxyPass", directive: "upgrade=websocket"},
	{name: "LimitRequestBody is too small", base: "apache fastcgi", change: []string{"        CGIPassAuth On", "        LimitRequestBody 1000000\n        CGIPassAuth On"},
		code: "MGW-DOC-009", at: "LimitRequestBody", directive: "LimitRequestBody"},
	{name: "LimitRequestFieldSize is too small", base: "apache fastcgi", change: []string{"    AllowEncodedSlashes", "    LimitRequestFieldSize 4000\n    AllowEncodedSlashes"},
		code: "MGW-DOC-010", at: "LimitRequestFieldSize", directive: "LimitRequestFieldSize"},
	{name: "nocanon refuses queries", base: "apache fastcgi", change: []string{"timeout=135", "timeout=135 nocanon"},
		code: "MGW-DOC-011", at: "ProxyPass", directive: "nocanon", beside: []string{"MGW-DOC-012"}},
	{name: "timeout is too short", base: "apache fastcgi", change: []string{"timeout=135", "timeout=30"},
		code: "MGW-DOC-015", at: "ProxyPass", directive: "ProxyPass"},
	{name: "ProxyTimeout is too short", base: "apache fastcgi", change: []string{" timeout=135", "", "    AllowEncodedSlashes", "    ProxyTimeout 20\n    AllowEncodedSlashes"},
		code: "MGW-DOC-015", at: "ProxyTimeout", directive: "ProxyTimeout"},
	{name: "ProxyErrorOverride is on", base: "apache fastcgi", change: []string{"    AllowEncodedSlashes", "    ProxyErrorOverride On\n    AllowEncodedSlashes"},
		code: "MGW-DOC-016", at: "ProxyErrorOverride", directive: "ProxyErrorOverride"},
	{name: "SetHandler splits the path by files", base: "apache fastcgi", change: []string{
		"        CGIPassAuth On", "        CGIPassAuth On\n        SetHandler \"proxy:unix:@FCGI@|fcgi://blog.modgw/\"",
		"    ProxyPass \"/\" \"unix:@FCGI@|fcgi://blog.modgw/\" flushpackets=auto flushwait=5 timeout=135\n", "    <Proxy \"fcgi://blog.modgw/\" flushpackets=auto timeout=135>\n    </Proxy>\n"},
		code: "MGW-DOC-026", at: "SetHandler", directive: "SetHandler"},
	{name: "RequestHeader takes the credentials away", base: "apache fastcgi", change: []string{"    AllowEncodedSlashes", "    RequestHeader unset Authorization\n    AllowEncodedSlashes"},
		code: "MGW-DOC-002", at: "RequestHeader unset", directive: "RequestHeader"},
	{name: "RequestReadTimeout breaks long uploads off", base: "apache fastcgi", change: []string{
		"    AllowEncodedSlashes", "    RequestReadTimeout header=20 body=10\n    AllowEncodedSlashes",
		"\n<VirtualHost", "\nLoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so\n<VirtualHost"},
		code: "MGW-DOC-043", at: "RequestReadTimeout", directive: "RequestReadTimeout"},

	// Workers and places behind Apache.
	{name: "two sockets under one name of a worker", base: "apache two", apps: twins, change: []string{"unix:@FCGI@|fcgi://shop.modgw/", "unix:@DIR@/other.sock|fcgi://blog.modgw/"},
		code: "MGW-DOC-018", at: "ProxyPass \"/\"", directive: "ProxyPass", beside: []string{"MGW-DOC-031"}, byHand: true},
	{name: "the shorter path comes first", base: "apache two", apps: twins, change: []string{
		"    ProxyPass \"/shop\" \"unix:@FCGI@|fcgi://shop.modgw/\" flushpackets=auto flushwait=5 timeout=135\n", "",
		"</VirtualHost>", "    ProxyPass \"/shop\" \"unix:@FCGI@|fcgi://shop.modgw/\" flushpackets=auto flushwait=5 timeout=135\n</VirtualHost>"},
		code: "MGW-DOC-023", at: "ProxyPass \"/shop\"", directive: "ProxyPass"},
	{name: "a balancer without retry=0", base: "apache balancer", change: []string{" retry=0", ""},
		code: "MGW-DOC-022", at: "BalancerMember", directive: "BalancerMember"},
	{name: "a balancer with two members", base: "apache balancer", change: []string{"    ProxySet", "    BalancerMember \"fcgi://@FCGITCP@\" retry=0 flushpackets=auto\n    ProxySet"},
		code: "MGW-DOC-021", at: "BalancerMember \"fcgi://", directive: "BalancerMember", byHand: true},
	{name: "ProxyPass hides an alias", base: "apache files", change: []string{"    ProxyPass \"/static\" \"!\"\n", ""},
		code: "MGW-DOC-024", at: "Alias", directive: "Alias"},
	{name: "ProxyPass comes before its exclusion", base: "apache files", change: []string{
		"    ProxyPass \"/static\" \"!\"\n", "", "</VirtualHost>", "    ProxyPass \"/static\" \"!\"\n</VirtualHost>"},
		code: "MGW-DOC-024", at: "Alias", directive: "Alias"},
	{name: "access to an alias is denied", base: "apache files", change: []string{"    <Directory \"@DIR@/static\">\n        Require all granted\n    </Directory>\n", ""},
		code: "MGW-DOC-064", at: "Require all denied", directive: "Require"},
	{name: "MODGW_APP names another app", base: "apache fastcgi", change: []string{"MODGW_APP \"blog\"", "MODGW_APP \"old\""},
		code: "MGW-DOC-032", at: "MODGW_APP", directive: "SetEnv"},
	{name: "the socket has moved", base: "apache fastcgi", change: []string{"unix:@FCGI@", "unix:@DIR@/modgw-old.sock"},
		code: "MGW-DOC-031", at: "ProxyPass", directive: "ProxyPass"},
	{name: "FastCGI is spoken to the HTTP listener", base: "apache fastcgi", change: []string{"unix:@FCGI@", "unix:@HTTP@"},
		code: "MGW-DOC-040", at: "ProxyPass", directive: "ProxyPass"},
	{name: "a socket without a protocol", base: "apache fastcgi", change: []string{"|fcgi://blog.modgw/", ""},
		code: "MGW-DOC-037", at: "ProxyPass", directive: "ProxyPass", beside: []string{"MGW-DOC-030"}, refused: true},
	{name: "no virtual host for the app", base: "apache fastcgi", change: []string{"ServerName www.example.com", "ServerName www.example.org"},
		code: "MGW-DOC-030", at: "ServerName", directive: "ServerAlias"},
	{name: "another virtual host has the name", base: "apache fastcgi", change: []string{"<VirtualHost", "<VirtualHost *:@PORT@>\n    ServerName www.example.com\n    Redirect 404 /\n</VirtualHost>\n<VirtualHost"},
		code: "MGW-DOC-035", at: "ServerName www.example.com\n    Allow", directive: "ServerName", byHand: true},
	{name: "Apache is an open proxy", base: "apache fastcgi", change: []string{"    AllowEncodedSlashes", "    ProxyRequests On\n    AllowEncodedSlashes"},
		code: "MGW-DOC-042", at: "ProxyRequests", directive: "ProxyRequests"},

	{name: "no Listen for the port", base: "apache fastcgi", change: []string{"*:@PORT@", "*:@TLSPORT@"},
		code: "MGW-DOC-036", at: "<VirtualHost", directive: "Listen"},
	{name: "a relative path of a socket", base: "apache fastcgi", change: []string{"unix:@FCGI@", "unix:modgw.sock"},
		code: "MGW-DOC-038", at: "ProxyPass", directive: "ProxyPass", beside: []string{"MGW-DOC-031"}},
	{name: "a section without an end", base: "apache fastcgi", change: []string{"</Location>", ""},
		code: "MGW-DOC-039", at: "</VirtualHost>", refused: true, byHand: true},
	{name: "access to the app is denied", base: "apache fastcgi", change: []string{"        CGIPassAuth On", "        CGIPassAuth On\n        Require all denied"},
		code: "MGW-DOC-034", at: "ProxyPass", directive: "ProxyPass", byHand: true},

	// How requests arrive behind Apache over HTTP.
	{name: "ProxyPreserveHost is off", base: "apache http", apps: chat, change: []string{"ProxyPreserveHost On", "ProxyPreserveHost Off\n    ProxyAddHeaders Off"},
		code: "MGW-DOC-013", at: "ProxyPreserveHost", directive: "ProxyPreserveHost", beside: []string{"MGW-DOC-007", "MGW-DOC-008"}},
	{name: "a section of URLs without nocanon", base: "apache http", apps: chat, change: []string{"    ProxyPass", "    <Location \"/\">\n        LimitRequestBody 0\n    </Location>\n    ProxyPass"},
		code: "MGW-DOC-001", at: "ProxyPass \"/\"", directive: "nocanon"},
	{name: "upgrade=websocket is missing", base: "apache http", apps: chat, change: []string{" upgrade=websocket", ""},
		code: "MGW-DOC-005", at: "ProxyPass \"/\"", directive: "upgrade=websocket"},
	{name: "clients choose the scheme", base: "apache http", apps: chat, change: []string{"    RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}\n", ""},
		code: "MGW-DOC-008", at: "ProxyPass \"/\"", directive: "RequestHeader X-Forwarded-Proto"},
	{name: "clients choose the mount", base: "apache http", apps: chat, change: []string{"    RequestHeader unset X-Forwarded-Prefix\n", ""},
		code: "MGW-DOC-008", at: "ProxyPass \"/\"", directive: "RequestHeader unset X-Forwarded-Prefix"},
	{name: "ttl is longer than the host's", base: "apache http", apps: chat, change: []string{"ttl=30", "ttl=300"},
		code: "MGW-DOC-027", at: "ProxyPass \"/\"", directive: "ttl"},
	{name: "ProxyPass takes the mount off", base: "apache mount", apps: mount, change: []string{"http://@HTTPTCP@/blog", "http://@HTTPTCP@/"},
		code: "MGW-DOC-012", at: "ProxyPass", directive: "ProxyPass", beside: []string{"MGW-DOC-034"}},
	{name: "ProxyPass has a slash at its end", base: "apache mount", apps: mount, change: []string{"\"/blog\" \"http://@HTTPTCP@/blog\"", "\"/blog/\" \"http://@HTTPTCP@/blog/\""},
		code: "MGW-DOC-029", at: "ProxyPass \"/blog/\"", directive: "ProxyPass"},
	{name: "ProxyAddHeaders is off", base: "apache http", apps: chat, change: []string{"    AllowEncodedSlashes", "    ProxyAddHeaders Off\n    AllowEncodedSlashes"},
		code: "MGW-DOC-007", at: "ProxyAddHeaders", directive: "ProxyAddHeaders", beside: []string{"MGW-DOC-008"}},

	// TLS.
	{name: "a fixed scheme behind TLS", base: "apache tls", apps: chat, change: []string{"X-Forwarded-Proto expr=%{REQUEST_SCHEME}", "X-Forwarded-Proto http"},
		code: "MGW-DOC-006", at: "X-Forwarded-Proto", directive: "RequestHeader"},
	{name: "the certificate has expired", base: "apache tls", apps: chat, change: []string{"good.pem", "expired.pem", "good.key", "expired.key"},
		code: "MGW-DOC-051", at: "SSLCertificateFile", directive: "SSLCertificateFile", byHand: true},
	{name: "the certificate expires soon", base: "apache tls", apps: chat, change: []string{"good.pem", "soon.pem", "good.key", "soon.key"},
		code: "MGW-DOC-052", at: "SSLCertificateFile", directive: "SSLCertificateFile", byHand: true},
	{name: "the certificate is another host's", base: "apache tls", apps: chat, change: []string{"good.pem", "other.pem", "good.key", "other.key"},
		code: "MGW-DOC-053", at: "SSLCertificateFile", directive: "SSLCertificateFile", byHand: true},
	{name: "the chain is incomplete", base: "apache tls", apps: chat, change: []string{"good.pem", "live/cert.pem", "good.key", "live/privkey.pem"},
		code: "MGW-DOC-054", at: "SSLCertificateFile", directive: "SSLCertificateFile"},
	{name: "everyone can read the key", base: "apache tls", apps: chat, change: []string{"good.key", "open.key"},
		code: "MGW-DOC-056", at: "SSLCertificateKeyFile", directive: "SSLCertificateKeyFile"},
	{name: "the certificate's file is missing", base: "apache tls", apps: chat, change: []string{"good.pem", "none.pem"},
		code: "MGW-DOC-050", at: "SSLCertificateFile", directive: "SSLCertificateFile", refused: true, byHand: true},
	{name: "the key is another certificate's", base: "nginx tls", apps: chat, change: []string{"good.key", "other.key"},
		code: "MGW-DOC-055", at: "ssl_certificate_key", directive: "ssl_certificate_key", refused: true, byHand: true},
	{name: "SSLEngine is off", base: "apache tls", apps: chat, change: []string{"SSLEngine On", "SSLEngine Off"},
		code: "MGW-DOC-058", at: "SSLEngine", directive: "SSLEngine"},
	{name: "old versions of TLS", base: "apache tls", apps: chat, change: []string{"SSLEngine On", "SSLEngine On\n    SSLProtocol TLSv1 TLSv1.2"},
		code: "MGW-DOC-057", at: "SSLProtocol", directive: "SSLProtocol"},

	// nginx.
	{name: "client_max_body_size by default", base: "nginx fastcgi", change: []string{"        client_max_body_size 64m;\n", ""},
		code: "MGW-DOC-009", at: "fastcgi_pass", directive: "client_max_body_size"},
	{name: "client_max_body_size of the server", base: "nginx fastcgi", change: []string{"        client_max_body_size 64m;\n", "", "    location", "    client_max_body_size 2m;\n    location"},
		code: "MGW-DOC-009", at: "client_max_body_size", directive: "client_max_body_size"},
	{name: "fastcgi_read_timeout by default", base: "nginx fastcgi", change: []string{"        fastcgi_read_timeout 135s;\n", ""},
		code: "MGW-DOC-015", at: "fastcgi_pass", directive: "fastcgi_read_timeout"},
	{name: "QUERY_STRING is missing", base: "nginx fastcgi", change: []string{"        fastcgi_param QUERY_STRING $query_string;\n", ""},
		code: "MGW-DOC-011", at: "fastcgi_pass", directive: "fastcgi_param QUERY_STRING"},
	{name: "CONTENT_LENGTH is missing", base: "nginx fastcgi", change: []string{"        fastcgi_param CONTENT_LENGTH $content_length;\n", ""},
		code: "MGW-DOC-019", at: "fastcgi_pass", directive: "fastcgi_param CONTENT_LENGTH"},
	{name: "REQUEST_URI is the decoded path", base: "nginx fastcgi", change: []string{"REQUEST_URI $request_uri", "REQUEST_URI $uri"},
		code: "MGW-DOC-028", at: "REQUEST_URI", directive: "fastcgi_param REQUEST_URI", beside: []string{"MGW-DOC-001", "MGW-DOC-012"}},
	{name: "X-Accel-Buffering is ignored", base: "nginx fastcgi", change: []string{"        fastcgi_read", "        fastcgi_ignore_headers X-Accel-Buffering;\n        fastcgi_read"},
		code: "MGW-DOC-003", at: "fastcgi_ignore_headers", directive: "fastcgi_ignore_headers"},
	{name: "fastcgi_buffer_size is too small", base: "nginx fastcgi", change: []string{"        fastcgi_read", "        fastcgi_buffer_size 2k;\n        fastcgi_buffers 4 2k;\n        fastcgi_busy_buffers_size 4k;\n        fastcgi_read"},
		code: "MGW-DOC-017", at: "fastcgi_buffer_size", directive: "fastcgi_buffer_size"},
	{name: "error pages are intercepted", base: "nginx fastcgi", change: []string{"        fastcgi_read", "        fastcgi_intercept_errors on;\n        error_page 404 500 /error.html;\n        fastcgi_read"},
		code: "MGW-DOC-016", at: "fastcgi_intercept_errors", directive: "fastcgi_intercept_errors"},
	{name: "large_client_header_buffers is too small", base: "nginx fastcgi", change: []string{"    location", "    large_client_header_buffers 4 2k;\n    location"},
		code: "MGW-DOC-010", at: "large_client_header_buffers", directive: "large_client_header_buffers"},
	{name: "a location has headers of its own", base: "nginx http", apps: chat, change: []string{
		"        proxy_set_header Host $http_host;\n", "", "        proxy_set_header X-Forwarded-Host $http_host;\n", "", "    location", "    proxy_set_header Host $http_host;\n    location"},
		code: "MGW-DOC-013", at: "proxy_pass", directive: "proxy_set_header Host", beside: []string{"MGW-DOC-008"}, byHand: true},
	{name: "Upgrade is not passed", base: "nginx http", apps: chat, change: []string{"        proxy_set_header Upgrade $http_upgrade;\n", ""},
		code: "MGW-DOC-005", at: "proxy_pass", directive: "proxy_set_header Upgrade"},
	{name: "HTTP/1.0 to the host", base: "nginx http", apps: chat, change: []string{"        proxy_http_version 1.1;\n", ""},
		code: "MGW-DOC-005", at: "proxy_pass", directive: "proxy_http_version"},
	{name: "the client's word on its address", base: "nginx http", apps: chat, change: []string{"X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_forwarded_for"},
		code: "MGW-DOC-008", at: "X-Forwarded-For", directive: "proxy_set_header X-Forwarded-For", beside: []string{"MGW-DOC-007"}},
	{name: "proxy_pass with a path", base: "nginx http", apps: chat, change: []string{"proxy_pass http://host;", "proxy_pass http://host/;"},
		code: "MGW-DOC-001", at: "proxy_pass", directive: "proxy_pass"},
	{name: "requests that are sent again", base: "nginx http", apps: chat, change: []string{"        proxy_read", "        proxy_next_upstream error timeout non_idempotent;\n        proxy_read"},
		code: "MGW-DOC-021", at: "proxy_next_upstream", directive: "proxy_next_upstream"},
	{name: "idle connections of an upstream", base: "nginx http", apps: chat, change: []string{"keepalive_timeout 30s", "keepalive_timeout 300s"},
		code: "MGW-DOC-027", at: "keepalive_timeout", directive: "keepalive_timeout"},
	{name: "the scheme is not passed", base: "nginx tls", apps: chat, change: []string{"        proxy_set_header X-Forwarded-Proto $scheme;\n", ""},
		code: "MGW-DOC-006", at: "proxy_pass", directive: "proxy_set_header X-Forwarded-Proto", beside: []string{"MGW-DOC-008"}},
	{name: "a certificate without ssl", base: "nginx tls", apps: chat, change: []string{"@TLSPORT@ ssl;", "@TLSPORT@;"},
		code: "MGW-DOC-058", at: "listen", directive: "listen"},

	// lighttpd.
	{name: "lighttpd gathers responses", base: "lighttpd fastcgi", change: []string{"    server.stream-response-body = 1\n", ""},
		code: "MGW-DOC-003", at: "fastcgi.server", directive: "server.stream-response-body"},
	{name: "lighttpd looks for files", base: "lighttpd fastcgi", change: []string{"\"check-local\" => \"disable\", ", ""},
		code: "MGW-DOC-025", at: "fastcgi.server", directive: "check-local"},
	{name: "max-request-size is too small", base: "lighttpd fastcgi", change: []string{"    server.stream", "    server.max-request-size = 1024\n    server.stream"},
		code: "MGW-DOC-009", at: "server.max-request-size", directive: "server.max-request-size"},
	{name: "lighttpd waits too short", base: "lighttpd fastcgi", change: []string{"\"read-timeout\" => 135", "\"read-timeout\" => 30"},
		code: "MGW-DOC-015", at: "fastcgi.server", directive: "read-timeout"},
	{name: "lighttpd disables the host", base: "lighttpd fastcgi", change: []string{"\"disable-time\" => 0", "\"disable-time\" => 60"},
		code: "MGW-DOC-022", at: "fastcgi.server", directive: "disable-time"},
	{name: "lighttpd passes no upgrade", base: "lighttpd http", apps: chat, change: []string{"    proxy.header = ( \"upgrade\" => \"enable\" )\n", ""},
		code: "MGW-DOC-005", at: "proxy.server", directive: "proxy.header"},
	{name: "lighttpd refuses encoded slashes", base: "lighttpd fastcgi", change: []string{"\n$HTTP", "\nserver.http-parseopts = ( \"url-normalize\" => \"enable\", \"url-path-2f-decode\" => \"disable\", \"url-path-2f-reject\" => \"enable\" )\n$HTTP"},
		code: "MGW-DOC-001", at: "server.http-parseopts", directive: "server.http-parseopts"},
	{name: "lighttpd lets clients choose the mount", base: "lighttpd http", apps: chat, change: []string{
		"    setenv.set-request-header = ( \"X-Forwarded-Prefix\" => \"\", \"X-Script-Name\" => \"\", \"Forwarded\" => \"\", \"X-Forwarded-For\" => \"\", \"X-Forwarded-Host\" => \"\", \"X-Forwarded-Proto\" => \"\" )\n", ""},
		code: "MGW-DOC-008", at: "proxy.server", directive: "setenv.set-request-header"},

	// HAProxy.
	{name: "timeout server is too short", base: "haproxy http", apps: chat, change: []string{"timeout server 135s", "timeout server 20s"},
		code: "MGW-DOC-015", at: "timeout server", directive: "timeout server"},
	{name: "HAProxy does not name the client", base: "haproxy http", apps: chat, change: []string{"  http-request set-header X-Forwarded-For %[src]\n", ""},
		code: "MGW-DOC-007", at: "server host", directive: "http-request set-header X-Forwarded-For", beside: []string{"MGW-DOC-008"}},
	{name: "HAProxy does not name the scheme", base: "haproxy http", apps: chat, change: []string{"  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]\n", ""},
		code: "MGW-DOC-008", at: "server host", directive: "http-request set-header X-Forwarded-Proto"},
	{name: "HAProxy takes the credentials away", base: "haproxy http", apps: chat, change: []string{"  server host", "  http-request del-header Authorization\n  server host"},
		code: "MGW-DOC-002", at: "del-header Authorization", directive: "http-request del-header"},
	{name: "HAProxy takes cookies away", base: "haproxy http", apps: chat, change: []string{"  server host", "  http-request del-header Cookie\n  server host"},
		code: "MGW-DOC-014", at: "del-header Cookie", directive: "http-request del-header"},
	{name: "HAProxy sends requests again", base: "haproxy http", apps: chat, change: []string{"  server host", "  retry-on all-retryable-errors\n  server host"},
		code: "MGW-DOC-021", at: "retry-on", directive: "retry-on"},
	{name: "HAProxy speaks HTTP to FastCGI", base: "haproxy fastcgi", change: []string{" proto fcgi", ""},
		code: "MGW-DOC-040", at: "server host", directive: "proto fcgi", refused: true},
	{name: "HAProxy drops the credentials", base: "haproxy fastcgi", change: []string{"  pass-header Authorization\n", ""},
		code: "MGW-DOC-002", at: "fcgi-app host", directive: "pass-header"},
	{name: "set-param names another app", base: "haproxy fastcgi", change: []string{"MODGW_APP \"blog\"", "MODGW_APP \"old\""},
		code: "MGW-DOC-032", at: "set-param", directive: "set-param"},
}

func TestSeededFaultsAreNamedAndRepaired(t *testing.T) {
	var tried, named, repaired atomic.Int64
	t.Run("servers", func(t *testing.T) {
		for _, kind := range []Kind{Apache, Nginx, Lighttpd, HAProxy} {
			t.Run(string(kind), func(t *testing.T) {
				t.Parallel()
				b, s := newBench(t), start(t, kind)
				for _, r := range table {
					if Kind(strings.Fields(r.base)[0]) == kind {
						tried.Add(1)
						r.try(t, b, s, &named, &repaired)
					}
				}
			})
		}
	})
	if tried.Load() < int64(len(table)) {
		return // a web server is not installed, or was not chosen
	}
	if !t.Failed() && (len(table) < 60 || named.Load() != int64(len(table)) || repaired.Load() < 45) {
		t.Errorf("%d faults, %d named, %d repaired", len(table), named.Load(), repaired.Load())
	}
}

// try serves the configuration of a row, and counts whether the doctor names and repairs its fault.
func (r row) try(t *testing.T, b *bench, s *webServer, named, repaired *atomic.Int64) {
	t.Helper()
	b.serve(r.served())
	conf := b.variables(s).Replace(r.conf(t))
	d := b.doctor(t, s)
	if r.refused {
		s.write(t, s.sites, s.whole(t, conf))
		d.Host, d.Offline = nil, true
	} else {
		s.use(t, conf)
	}
	found := examine(t, d)
	if !r.isNamed(t, s, found) {
		return
	}
	named.Add(1)
	left, err := d.repair(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	if r.isRepaired(t, left) {
		repaired.Add(1)
	}
}

// served returns the apps of a row. They accept only short bodies, unless the fault is about
// bodies: long bodies take most of the time of a check, and are sent to every sound configuration
// anyway.
func (r row) served() []modgw.Descriptor {
	apps := slices.Clone(r.apps)
	if apps == nil {
		apps = defaultApps()
	}
	if r.code != "MGW-DOC-009" && r.code != "MGW-DOC-019" {
		for i := range apps {
			apps[i].Limits.Body = 64 << 10
		}
	}
	return apps
}

// isNamed reports whether the findings are the row's finding and the findings that follow from it.
func (r row) isNamed(t *testing.T, s *webServer, found []Finding) bool {
	t.Helper()
	ok := false
	for _, f := range found {
		if f.Code != r.code {
			known := false
			for _, code := range r.beside {
				known = known || code == f.Code
			}
			if !known {
				t.Errorf("%s: found, too: %s at %s", r.name, f.Text(), f.Place())
			}
			continue
		}
		faulttest.Want(t, f.Text(), f.Code)
		text, _ := readLines(s.sites)
		if line := lineWith(strings.Join(text, "\n"), r.at); f.File == s.sites && (f.Line == line) && f.Directive == r.directive {
			ok = true
		} else {
			t.Errorf("%s: named at %s, want line %d: %s", r.name, f.Place(), line, r.directive)
		}
	}
	if !ok {
		t.Errorf("%s: not named: %v", r.name, found)
	}
	return ok
}

// isRepaired reports whether all remaining findings are fixed.
func (r row) isRepaired(t *testing.T, left []Finding) bool {
	t.Helper()
	ok := true
	for _, f := range left {
		if !f.Fixed {
			ok = false
			if !r.byHand {
				t.Errorf("%s: left: %s at %s: %s", r.name, f.Text(), f.Place(), f.Fix)
			}
		}
	}
	return ok
}

func examine(t *testing.T, d *Doctor) []Finding {
	t.Helper()
	found, err := d.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var update = flag.Bool("update", false, "rewrite the table of faults in docs/doctor.md")

// manualPage has the table of faults between two comments.
const manualPage = "../docs/doctor.md"

func TestManualHasTheTableOfFaults(t *testing.T) {
	var b strings.Builder
	b.WriteString("| in front | fault | finding | directive | repaired |\n|---|---|---|---|---|\n")
	for _, r := range table {
		done := "yes"
		if r.byHand {
			done = "by hand"
		}
		directive := "`" + r.directive + "`"
		if r.directive == "" {
			directive = "the line"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", strings.Fields(r.base)[0], r.name, r.code, directive, done)
	}
	text, err := os.ReadFile(manualPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- faults -->\n", "<!-- end of faults -->\n"
	before, rest, found := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", manualPage)
	}
	if old == b.String() {
		return
	}
	if !*update {
		t.Fatalf("the table in %s is another one: go test ./doctor -run Manual -update", manualPage)
	}
	if err := os.WriteFile(manualPage, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
