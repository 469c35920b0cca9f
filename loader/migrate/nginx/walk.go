package nginx

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// scope has the settings that a block inherits from the enclosing ones.
type scope struct {
	names       []string // host names of the server
	location    *webconf.Directive
	conditional bool // in an if or limit_except
	root        string
	body        *webconf.Directive // client_max_body_size in force
	statics     *[]static          // folders of the server
	apps        *[]*migrate.App    // apps of the server, in the order of locations
}

// static is a location that serves files.
type static struct {
	url, dir string
	file     bool
}

// keep is the outcome of directives that stay.
func keep() pyapp.Outcome { return pyapp.Translated("it stays as it is in the new configuration") }

// set adds the entry of a directive, once for a file that is included twice.
func (r *reading) set(d *webconf.Directive, o pyapp.Outcome) {
	f := r.files[d.File]
	if f == nil || f.seen[d.From] {
		return
	}
	f.seen[d.From] = true
	o.Report(r.plan, migrate.Place{File: d.File, Line: d.Line}, title(d))
}

// title is a directive in the report. Blocks have their arguments.
func title(d *webconf.Directive) string {
	if d.Block || d.Name == "proxy_set_header" || strings.HasSuffix(d.Name, "_param") {
		return strings.TrimSpace(d.Name + " " + strings.Join(d.Args[:min(len(d.Args), 2)], " "))
	}
	return d.Name
}

// walk follows the directives of a block.
func (r *reading) walk(block *webconf.Directive, around *scope) {
	in := *around
	all := r.children(block)
	for _, d := range all {
		switch d.Name {
		case "root":
			in.root = d.Arg(0)
		case "client_max_body_size":
			in.body = d
		}
	}
	app := r.passOf(all, &in)
	for _, d := range all {
		switch {
		case d.Name == "server" && d.Block:
			r.set(d, keep())
			r.server(d, &in)
		case d.Name == "location":
			r.set(d, keep())
			inner := in
			inner.location = d
			r.walk(d, &inner)
			r.static(d, &inner)
		case d.Name == "if" || d.Name == "limit_except":
			r.set(d, keep())
			inner := in
			inner.conditional = true
			r.walk(d, &inner)
		case d.Name == "upstream":
			r.upstream(d)
		case app != nil && !in.conditional:
			r.passing(d, app, &in)
		default:
			r.set(d, r.kept(d))
			if d.Block {
				r.walk(d, &in)
			}
		}
	}
}

// kept is the outcome of a directive that stays.
func (r *reading) kept(d *webconf.Directive) pyapp.Outcome {
	if !isPass(d) {
		return keep()
	}
	app, addresses := r.appAt(d.Arg(0))
	switch {
	case app != nil:
		return pyapp.ByHand("nginx takes no parameters in this block: write the pass to app %s into a location of its own", app.Name)
	case strings.Contains(d.Arg(0), "$"):
		return pyapp.ByHand("where it leads is only known for a request: pass what belongs to an app to a listener of the host")
	}
	return pyapp.Translated("it stays as it is: no app among the sources is served at %s", strings.Join(addresses, ", "))
}

func isPass(d *webconf.Directive) bool {
	switch d.Name {
	case "proxy_pass", "uwsgi_pass", "fastcgi_pass", "scgi_pass", "grpc_pass":
		return true
	}
	return false
}

// server follows a server block, and gives its settings to the block's apps.
func (r *reading) server(d *webconf.Directive, around *scope) {
	in := *around
	in.names, in.statics, in.apps = nil, &[]static{}, &[]*migrate.App{}
	unnamed := true
	for _, inner := range r.children(d) {
		if inner.Name != "server_name" {
			continue
		}
		for _, name := range inner.Args {
			switch {
			case name == "_" || name == "" || name == "localhost":
			case strings.HasPrefix(name, "~") || strings.HasSuffix(name, ".*") || strings.Contains(strings.TrimPrefix(name, "*."), "*") || strings.Contains(name, "$"):
				unnamed = false
			case strings.HasPrefix(name, "."):
				in.names = append(in.names, name[1:], "*"+name)
				unnamed = false
			default:
				in.names = append(in.names, name)
				unnamed = false
			}
		}
	}
	r.walk(d, &in)
	for i, app := range *in.apps {
		if !unnamed && len(in.names) == 0 {
			app.Note("hosts", "The server_name of nginx is a pattern: set hosts to the names of the app.")
		}
		for _, name := range in.names {
			if !slices.Contains(app.Hosts, name) {
				app.Set("hosts", append(slices.Clone(app.Hosts), name))
			}
		}
		if i == 0 {
			r.aliases(app, *in.statics)
		}
	}
}

// aliases gives the folders of a server to its first app that answers for all paths.
func (r *reading) aliases(app *migrate.App, folders []static) {
	for _, one := range folders {
		url := one.url
		if app.Mount != "/" {
			below, ok := strings.CutPrefix(url, app.Mount+"/")
			if !ok {
				continue
			}
			url = "/" + below
		}
		if slices.Contains(app.Labels("alias"), url) {
			continue
		}
		argument := "dir"
		if one.file {
			argument = "file"
		}
		app.Alias(url, argument, one.dir)
	}
}

// static notes a location that serves the files of a folder.
func (r *reading) static(d *webconf.Directive, in *scope) {
	if in.statics == nil || len(d.Args) == 0 || slices.ContainsFunc(d.Children, isPass) {
		return
	}
	modifier, url := "", d.Args[len(d.Args)-1]
	if len(d.Args) > 1 {
		modifier = d.Args[0]
	}
	if modifier != "" && modifier != "^~" && modifier != "=" || !strings.HasPrefix(url, "/") || url == "/" {
		return
	}
	dir := ""
	for _, inner := range d.Children {
		switch inner.Name {
		case "alias":
			dir = inner.Arg(0)
		case "root":
			dir = path.Join(inner.Arg(0), url)
		case "try_files", "return", "rewrite", "internal", "auth_basic", "allow", "deny", "auth_request", "secure_link":
			return
		}
	}
	if dir == "" || strings.Contains(dir, "$") || !path.IsAbs(dir) {
		return
	}
	*in.statics = append(*in.statics, static{strings.TrimSuffix(url, "/"), strings.TrimSuffix(dir, "/"), modifier == "="})
}

// upstream is the outcome of an upstream block.
func (r *reading) upstream(d *webconf.Directive) {
	out := keep()
	if app, _ := r.appAt(d.Arg(0)); app != nil {
		out = pyapp.NotNeeded("it led to the old server of app %s: no location uses it any more, so that it can be removed", app.Name)
	}
	r.set(d, out)
	for _, inner := range r.children(d) {
		r.set(inner, out)
	}
}

// passOf returns the app that the pass of a block leads to, and notes that it is served there.
func (r *reading) passOf(all []*webconf.Directive, in *scope) *migrate.App {
	for _, d := range all {
		if !isPass(d) {
			continue
		}
		app, _ := r.appAt(d.Arg(0))
		if app == nil || in.conditional {
			return nil
		}
		if in.apps != nil && !slices.Contains(*in.apps, app) {
			*in.apps = append(*in.apps, app)
		}
		r.mount(d, all, app, in)
		r.limit(app, in.body)
		return app
	}
	return nil
}

// mount gives an app its mount: the value of SCRIPT_NAME, or the part that a pass with a path
// removes.
func (r *reading) mount(pass *webconf.Directive, all []*webconf.Directive, app *migrate.App, in *scope) {
	for _, d := range all {
		name := strings.ToLower(d.Arg(0))
		if strings.HasSuffix(d.Name, "_param") && name == "script_name" || d.Name == "proxy_set_header" && (name == "x-script-name" || name == "script_name" || name == "x-forwarded-prefix" || name == "script-name") {
			if url := "/" + strings.Trim(d.Arg(1), "/"); !strings.Contains(url, "$") && url != "/" {
				app.Set("mount", url)
				return
			}
		}
	}
	if in.location == nil || pass.Name != "proxy_pass" || len(in.location.Args) == 0 {
		return
	}
	_, target, _ := strings.Cut(pass.Arg(0), "://")
	_, uri, hasURI := strings.Cut(strings.TrimPrefix(target, "unix:/"), "/")
	if socket, ok := strings.CutPrefix(target, "unix:"); ok {
		_, uri, hasURI = strings.Cut(socket, ":/")
	}
	url := strings.Trim(in.location.Args[len(in.location.Args)-1], "/")
	if hasURI && uri == "" && url != "" && len(in.location.Args) == 1 {
		app.Set("mount", "/"+url)
		app.Note("mount", "nginx took this off the path, and the app did not know of it. Now it is in SCRIPT_NAME.")
	}
}

// limit gives an app nginx's largest body, if the app has no limit itself.
func (r *reading) limit(app *migrate.App, d *webconf.Directive) {
	if app.Value("limits.body") != nil {
		return
	}
	text := "1m" // nginx's default
	if d != nil {
		text = strings.ToLower(d.Arg(0))
	}
	unit := int64(1)
	switch {
	case strings.HasSuffix(text, "k"):
		unit = 1 << 10
	case strings.HasSuffix(text, "m"):
		unit = 1 << 20
	case strings.HasSuffix(text, "g"):
		unit = 1 << 30
	}
	n, err := strconv.ParseInt(strings.TrimRight(text, "kmg"), 10, 32)
	if err != nil {
		return
	}
	app.Set("limits.body", loader.Bytes(n*unit))
}

// passing follows a directive of a block that passes requests to an app.
func (r *reading) passing(d *webconf.Directive, app *migrate.App, in *scope) {
	f := r.files[d.File]
	host := ""
	if len(in.names) > 0 {
		host = in.names[0]
	}
	replace := func(e edit, o pyapp.Outcome) {
		r.set(d, o)
		e.from, e.to = d.From, d.To
		for _, other := range f.edits {
			if other.from == e.from && other.app != e.app {
				r.plan.Problem(migrate.Place{File: d.File, Line: d.Line}, "cannot pass requests to app %q and app %q in one file that both include", other.app, e.app)
				return
			}
		}
		f.edits = append(f.edits, e)
	}
	if isPass(d) {
		f.passes = true
		replace(edit{app: app.Name, host: host}, pyapp.Translated("requests go to app %s by a listener of the host", app.Name))
		return
	}
	protocol, name, _ := strings.Cut(d.Name, "_")
	if d.Name == "include" {
		for _, known := range parameterFiles {
			if strings.HasSuffix(d.Arg(0), known) {
				replace(edit{}, pyapp.NotNeeded("the host gets its own parameters"))
				return
			}
		}
	}
	if d.Name == "client_max_body_size" {
		replace(edit{}, pyapp.Translated("limits.body of app %s", app.Name))
		return
	}
	if protocol != "proxy" && protocol != "uwsgi" && protocol != "fastcgi" && protocol != "scgi" {
		r.set(d, keep())
		return
	}
	switch name {
	case "read_timeout":
		replace(edit{}, r.timeout(app, d.Arg(0)))
	case "set_header", "param":
		text, out := header(d, name == "param")
		replace(edit{text: text}, out)
	case "intercept_errors", "hide_header", "pass_header", "ignore_headers", "no_cache", "cache_bypass", "cache", "cache_valid", "cache_key", "cache_use_stale", "cache_methods", "cache_lock", "cache_min_uses":
		replace(edit{text: "fastcgi_" + name + " " + strings.Join(quoted(d.Args), " ") + ";"}, pyapp.Translated("fastcgi_%s", name))
	case "connect_timeout", "send_timeout", "http_version", "redirect", "buffering", "buffer_size", "buffers", "busy_buffers_size", "request_buffering", "max_temp_file_size", "temp_file_write_size",
		"next_upstream", "next_upstream_timeout", "next_upstream_tries", "ignore_client_abort", "socket_keepalive", "headers_hash_max_size", "headers_hash_bucket_size", "modifier1", "modifier2", "keep_conn", "index", "split_path_info", "pass_request_headers", "pass_request_body":
		replace(edit{}, pyapp.NotNeeded("the lines that pass requests to the host have what they need"))
	default:
		if strings.HasPrefix(name, "ssl_") {
			replace(edit{}, pyapp.NotNeeded("requests go to the host by a socket of this machine"))
			return
		}
		r.set(d, pyapp.ByHand("it has no effect on requests that go to the host: write it as fastcgi_%s, if nginx has that, or do it in the app", name))
	}
}

// quoted are words with quotation marks where they need them.
func quoted(words []string) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w
		if w == "" || strings.ContainsAny(w, " \t;{}\"'#") {
			all[i] = `"` + strings.ReplaceAll(w, `"`, `\"`) + `"`
		}
	}
	return all
}

// timeout is the rule for how long nginx waits for an app.
func (r *reading) timeout(app *migrate.App, text string) pyapp.Outcome {
	if app.Value("timeouts.request") != nil {
		return pyapp.NotNeeded("timeouts.request of app %s counts", app.Name)
	}
	if strings.Trim(text, "0123456789") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(strings.NewReplacer("d", "h", "M", "m").Replace(text))
	if err != nil || d <= 0 {
		return pyapp.ByHand("%s is not a time: set timeouts.request of app %s", migrate.Quote(text), app.Name)
	}
	app.Set("timeouts.request", d)
	return pyapp.Translated("timeouts.request = %q of app %s", d, app.Name)
}

// known are the headers and parameters whose facts the host gets anyway.
var known = strings.Fields("host x-real-ip x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-forwarded-protocol " +
	"x-forwarded-ssl x-scheme x-url-scheme x-client-ip x-request-start connection upgrade forwarded accept-encoding x-forwarded-server content-length " +
	"sec-websocket-key sec-websocket-version sec-websocket-extensions " +
	"request_method request_uri path_info query_string content_type content_length document_root document_uri server_protocol remote_addr " +
	"remote_port server_addr server_port server_name server_software request_scheme https gateway_interface uwsgi_scheme uwsgi_script uwsgi_chdir " +
	"uwsgi_pyhome uwsgi_module uwsgi_callable uwsgi_file redirect_status script_filename remote_user path_translated http_host " +
	"http_x_forwarded_for http_x_forwarded_proto http_x_real_ip")

// header returns the outcome of a header or parameter, and its replacement.
func header(d *webconf.Directive, param bool) (text string, out pyapp.Outcome) {
	name := strings.ToLower(d.Arg(0))
	switch {
	case name == "script_name" || name == "x-script-name" || name == "script-name" || name == "x-forwarded-prefix":
		return "", pyapp.Translated("mount")
	case slices.Contains(known, name):
		return "", pyapp.NotNeeded("the host gets it with each request")
	}
	variable := d.Arg(0)
	if !param {
		variable = "HTTP_" + strings.ToUpper(strings.ReplaceAll(variable, "-", "_"))
	}
	value := quoted([]string{d.Arg(1)})[0]
	return fmt.Sprintf("fastcgi_param %s %s;", variable, value), pyapp.Translated("fastcgi_param %s", variable)
}
