package apache

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/webserver"
)

// apps writes the directives for apps, the one that is asked first coming first.
func (w *writer) apps(apps []modgw.Descriptor, up upstream) {
	w.comment("An encoded slash reaches the app as it was sent.")
	w.directive("AllowEncodedSlashes", "NoDecode")
	w.open("IfModule", "mod_headers.c")
	w.comment("When the request came in, from which the host knows how long it waited.")
	w.directive("RequestHeader", "set", "X-Request-Start", "%t")
	w.comment("An app knows its ETag without what mod_deflate and mod_brotli add to it.")
	for _, name := range []string{"If-None-Match", "If-Match"} {
		w.directive("RequestHeader", "edit*", name, `-(gzip|br)"`, `"`)
	}
	w.close("IfModule")
	if slices.ContainsFunc(apps, up.upgrades) {
		w.comment("WebSockets over HTTP/2, where Apache can.")
		w.open("IfDirective", "H2WebSockets")
		w.directive("H2WebSockets", "on")
		w.close("IfDirective")
	}
	// Of sections that hold a URL the last one wins, of ProxyPass and Alias the first one.
	for _, d := range slices.Backward(apps) {
		w.location(d, up)
	}
	for _, d := range apps {
		w.passes(d, up)
	}
}

// facts passes variables about TLS, and about a client certificate if there is one, to apps.
func (w *writer) facts() {
	w.comment("What TLS says of the connection, and of the client's certificate where there is one.")
	for _, name := range []string{"SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI", "SSL_CLIENT_VERIFY"} {
		w.directive("ProxyFCGISetEnvIf", "%{HTTPS} == 'on'", name, "%{"+name+"}")
	}
	for _, name := range []string{"SSL_CLIENT_S_DN", "SSL_CLIENT_S_DN_CN", "SSL_CLIENT_I_DN", "SSL_CLIENT_M_SERIAL"} {
		w.directive("ProxyFCGISetEnvIf", "-n %{"+name+"}", name, "%{"+name+"}")
	}
}

func (w *writer) location(d modgw.Descriptor, up upstream) {
	w.line("")
	w.origin(d)
	section := "Location"
	if d.MountMatch == "" {
		w.open(section, w.url(d, string(d.Mount)))
	} else {
		section = "LocationMatch"
		w.openMatch(section, mountPattern(d))
	}
	w.comment("How large a request may be is the host's to say.")
	w.directive("LimitRequestBody", "0")
	if up.fcgi != "" {
		w.directive("ProxyFCGIBackendType", "GENERIC")
		w.directive("CGIPassAuth", "On")
		w.directive("SetEnv", "MODGW_APP", string(d.Name))
		w.comment("The host vouches for Content-Length, which Apache would drop.")
		w.directive("SetEnv", "ap_trust_cgilike_cl", "1")
	}
	if up.speaksHTTP(d) {
		w.directive("ProxyPreserveHost", "On")
		w.forwarded(up)
	}
	w.close(section)
}

// forwarded passes on over HTTP the facts that FastCGI has variables for. Clients cannot set them;
// only a trusted proxy in front of Apache may. Over FastCGI the host itself drops such headers of
// others.
func (w *writer) forwarded(up upstream) {
	var others []string
	if len(up.proxies) > 0 {
		var trusted []string
		for _, p := range up.proxies {
			trusted = append(trusted, fmt.Sprintf("%%{CONN_REMOTE_ADDR} -ipmatch '%s'", p.Masked()))
		}
		others = []string{"expr=! (" + strings.Join(trusted, " || ") + ")"}
	}
	w.open("IfModule", "mod_headers.c")
	for _, set := range [][]string{
		{"unset", "X-Forwarded-For"},
		{"unset", "X-Forwarded-Host"},
		{"unset", "X-Forwarded-Prefix"},
		{"unset", "X-Script-Name"},
		{"unset", "X-Server-Software"},
		{"set", "X-Forwarded-Proto", "expr=%{REQUEST_SCHEME}"},
		{"set", "X-Forwarded-Port", "expr=%{SERVER_PORT}"},
	} {
		w.directive("RequestHeader", append(set, others...)...)
	}
	if len(up.proxies) > 0 {
		w.directive("RequestHeader", "setifempty", "X-Forwarded-Proto", "expr=%{REQUEST_SCHEME}")
	}
	w.close("IfModule")
}

// passes writes which URLs of an app Apache answers itself and which it passes on.
func (w *writer) passes(d modgw.Descriptor, up upstream) {
	w.line("")
	w.origin(d)
	for _, a := range folderAliases(d) {
		w.alias(d, a)
	}
	mount := w.url(d, string(d.Mount))
	switch {
	case up.rewrites(d):
		w.rewrite(d, up)
		return
	case up.fcgi == "" && d.MountMatch != "":
		w.directiveMatch("ProxyPassMatch", mountPattern(d), append([]string{up.http(d)}, httpParameters(d)...)...)
		return
	case up.fcgi == "":
		w.directive("ProxyPass", append([]string{mount, up.http(d) + mount}, httpParameters(d)...)...)
		return
	}
	parameters := []string{
		up.fastcgi(d), "enablereuse=on", "flushpackets=auto", "flushwait=5", "iobuffersize=64000",
		fmt.Sprintf("timeout=%d", webserver.Timeout(d)),
	}
	if d.MountMatch != "" {
		w.directiveMatch("ProxyPassMatch", mountPattern(d), parameters...)
	} else {
		w.directive("ProxyPass", append([]string{mount}, parameters...)...)
	}
	if up.speaksHTTP(d) {
		w.websockets(d, up)
	}
}

// httpParameters returns the worker parameters of an app that Apache reaches over HTTP. The host
// closes a connection that is idle for a minute. Apache has to close it first, or a request could
// be lost on it.
func httpParameters(d modgw.Descriptor) []string {
	if !d.Upgrades() {
		return []string{"ttl=30", "iobuffersize=65536", fmt.Sprintf("timeout=%d", webserver.Timeout(d))}
	}
	return []string{"upgrade=websocket", "ttl=30", "iobuffersize=65536", fmt.Sprintf("timeout=%d", webserver.WebSocketTimeout(d))}
}

// folderAliases returns the aliases that Apache serves itself. Aliases of single files are left to
// the host.
func folderAliases(d modgw.Descriptor) []modgw.Alias {
	return slices.DeleteFunc(slices.Clone(d.Aliases), func(a modgw.Alias) bool { return a.File != "" })
}

func (w *writer) alias(d modgw.Descriptor, a modgw.Alias) {
	url := w.url(d, a.URL(d.Mount))
	dir := strings.TrimSuffix(a.Dir, "/")
	w.directive("ProxyPass", url, "!")
	w.directive("RedirectMatch", "404", files.HiddenBelow(url))
	w.directive("Alias", url, dir+"/")
	w.open("Directory", pattern(dir))
	w.comment("Files are sent as they are and never run.")
	w.directive("SetHandler", "default-handler")
	w.directive("Options", "SymLinksIfOwnerMatch")
	w.directive("AllowOverride", "None")
	w.directive("Require", "all", "granted")
	w.files(a.Files)
	w.close("Directory")
}

// files writes the directives that serve the files of an alias the way the host does.
func (w *writer) files(f modgw.Files) {
	w.open("IfModule", "mod_dir.c")
	if len(f.Index) > 0 {
		w.directive("DirectoryIndex", f.Index...)
	} else {
		w.directive("DirectoryIndex", "disabled")
	}
	w.close("IfModule")
	w.directive("FileETag", "MTime", "Size")
	w.directive("Header", "set", "X-Content-Type-Options", "nosniff")
	if f.Cache != "" {
		w.directive("Header", "set", "Cache-Control", f.Cache)
	}
	if len(f.Types) > 0 {
		w.open("IfModule", "mod_mime.c")
		for _, extension := range slices.Sorted(maps.Keys(f.Types)) {
			w.directive("AddType", f.Types[extension], extension)
		}
		w.close("IfModule")
	}
}

// rewrite passes an app's requests on over HTTP where ProxyPass cannot.
func (w *writer) rewrite(d modgw.Descriptor, up upstream) {
	w.open("Proxy", append([]string{up.http(d) + "/"}, httpParameters(d)...)...)
	w.close("Proxy")
	w.directive("RewriteEngine", "On")
	for _, a := range folderAliases(d) {
		w.directive("RewriteRule", literal(a.URL(d.Mount)), "-", "[L]")
	}
	w.directive("RewriteRule", mountPattern(d), up.http(d)+"%{REQUEST_URI}", "[P]")
}

// websockets sends requests that ask for an upgrade to the host's HTTP listener: FastCGI cannot
// upgrade.
func (w *writer) websockets(d modgw.Descriptor, up upstream) {
	w.open("IfModule", "mod_rewrite.c")
	w.open("Proxy", up.http(d)+"/", "upgrade=websocket", fmt.Sprintf("timeout=%d", webserver.WebSocketTimeout(d)))
	w.close("Proxy")
	w.directive("RewriteEngine", "On")
	w.directive("RewriteCond", "%{HTTP:Upgrade}", "=websocket", "[NC]")
	w.directive("RewriteRule", mountPattern(d), up.http(d)+"%{REQUEST_URI}", "[P]")
	w.close("IfModule")
}

// mountPattern is a regular expression for the beginning of the paths that an app answers.
func mountPattern(d modgw.Descriptor) string {
	if d.MountMatch != "" {
		beginning := literal(strings.TrimSuffix(string(d.Mount), "/"))
		return beginning + "(?:" + strings.ReplaceAll(d.MountMatch, `"`, `\x22`) + ")(/|$)"
	}
	if d.Mount == "/" {
		return "^/"
	}
	return literal(string(d.Mount)) + "(/|$)"
}

// literal is the beginning of a regular expression for a path that begins with text. mod_rewrite
// reads no quotation mark within its arguments.
func literal(text string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(text), `"`, `\x22`)
}

func (w *writer) origin(d modgw.Descriptor) {
	if d.File == "" {
		w.comment("app %q", d.Name)
		return
	}
	w.comment("app %q, %q line %d", d.Name, d.File, d.Line)
}

// url checks a path that Apache must take literally: sections read some characters as wildcards.
func (w *writer) url(d modgw.Descriptor, path string) string {
	if strings.ContainsAny(path, "*?[]{}|^$+()") || !strings.HasPrefix(path, "/") {
		w.fail(unusable(fmt.Sprintf("URL path of app %q", d.Name), path))
	}
	return path
}

// pattern writes a folder so that <Directory> takes its wildcards literally.
func pattern(dir string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(dir)
}
