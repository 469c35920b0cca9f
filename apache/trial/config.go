package trial

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/webconf"
)

// Config describes the Apache to run.
type Config struct {
	Program *apache.Program // the installed Apache

	// Main is the main file of a configuration. "": there is none, and Parts are read with the
	// modules that are installed.
	Main  string
	Parts []string // files that a main file would include

	// Dir is a folder for the configuration that is run, its logs and its sockets. The user of
	// Apache's children must be able to enter it.
	Dir string

	// Modules are loaded in addition to those of the configuration if they are installed. An
	// example is "proxy_fcgi".
	Modules []string

	// Replace has pairs of texts: a text in arguments, such as the address of a socket, and its
	// replacement.
	Replace []string
}

// usualModules are those that configurations use without saying so, because the system loads them.
var usualModules = []string{
	"access_compat", "actions", "alias", "auth_basic", "auth_digest", "authn_core", "authn_file", "authz_core",
	"authz_groupfile", "authz_host", "authz_user", "autoindex", "cgid", "deflate", "dir", "env", "expires", "filter",
	"headers", "include", "mime", "negotiation", "proxy", "proxy_fcgi", "proxy_http", "ratelimit", "remoteip", "reqtimeout",
	"rewrite", "setenvif", "socache_shmcb", "ssl", "substitute", "unixd", "vhost_alias",
}

// leftOut lists the directives that belong to the system's Apache alone: its addresses, account,
// processes, logs and locks.
var leftOut = []string{
	"AcceptMutex", "AsyncRequestWorkerFactor", "CoreDumpDirectory", "CustomLog", "DefaultRuntimeDir", "Define", "ErrorLog",
	"ForensicLog", "GlobalLog", "Group", "Listen", "ListenBacklog", "LoadFile", "LoadModule", "LockFile", "MaxClients",
	"MaxRequestWorkers", "MaxSpareServers", "MaxSpareThreads", "MinSpareServers", "MinSpareThreads", "Mutex",
	"NameVirtualHost", "PidFile", "RewriteLog", "ScoreBoardFile", "ScriptLog", "ScriptSock", "ServerLimit", "ServerRoot",
	"SSLMutex", "SSLSessionCache", "SSLStaplingCache", "StartServers", "ThreadLimit", "ThreadsPerChild", "TransferLog",
	"UnDefine", "User", "WSGISocketPrefix",
}

// read reads the configuration as the installed Apache would.
func (c *Config) read() (*webconf.Tree, error) {
	main := c.Main
	if main == "" {
		var text strings.Builder
		for _, name := range slices.Concat([]string{c.Program.MPM()}, usualModules, c.Modules) {
			if file := c.Program.ModuleFile(name); file != "" {
				fmt.Fprintf(&text, "LoadModule %s_module %s\n", name, quote(file))
			}
		}
		for _, part := range c.Parts {
			fmt.Fprintf(&text, "Include %s\n", quote(part))
		}
		main = filepath.Join(c.Dir, "parts.conf")
		if err := os.WriteFile(main, []byte(text.String()), 0o644); err != nil {
			return nil, err
		}
	}
	user, group := apache.Account()
	return webconf.HTTPD{
		Version: c.Program.Version, Static: c.Program.Static,
		Variables: map[string]string{
			"APACHE_RUN_USER": user, "APACHE_RUN_GROUP": group, "APACHE_LOG_DIR": c.Dir,
			"APACHE_RUN_DIR": c.Dir, "APACHE_LOCK_DIR": c.Dir,
			"APACHE_PID_FILE": filepath.Join(c.Dir, "httpd.pid"), "SUFFIX": "",
		},
	}.Read(main)
}

// written is a configuration that can be run.
type written struct {
	text          string
	plain, secure int // ports of the sites without and with TLS; 0: there are none
	names         []string
}

// writer writes the directives of a configuration.
type writer struct {
	*Config
	ports   *ports
	replace *strings.Replacer
	text    strings.Builder
}

// write makes the configuration that is run.
func (c *Config) write() (w written, err error) {
	tree, err := c.read()
	if err != nil {
		return w, err
	}
	p, err := findPorts(tree)
	if err != nil {
		return w, err
	}
	out := &writer{Config: c, ports: p, replace: strings.NewReplacer(c.Replace...)}
	out.server(tree)
	out.list(tree.Children, "")
	return written{out.text.String(), p.first(usualPort, false), p.first("443", true), names(tree)}, nil
}

// names returns the names of all sites.
func names(tree *webconf.Tree) (all []string) {
	for _, d := range tree.Everywhere("ServerName", "ServerAlias") {
		for _, name := range d.Args {
			if _, rest, found := strings.Cut(name, "://"); found {
				name = rest
			}
			name, _, _ = strings.Cut(strings.ToLower(name), ":")
			if d.Parent != nil && !strings.ContainsAny(name, "*?") && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// server writes the replacements for the directives that are left out.
func (w *writer) server(tree *webconf.Tree) {
	in := func(name string) string { return quote(filepath.Join(w.Dir, name)) }
	root := cmp.Or(systemRoot(), w.Dir)
	for _, d := range tree.Find("ServerRoot") {
		root = d.Arg(0)
	}
	w.line("ServerRoot " + quote(root))
	w.modules(tree, root)
	w.line("DefaultRuntimeDir " + quote(w.Dir))
	w.line("PidFile " + in("httpd.pid"))
	w.line("Mutex pthread")
	w.line("ErrorLog " + in("error.log"))
	if os.Geteuid() == 0 {
		user, group := apache.Account()
		w.line("User " + user)
		w.line("Group " + group)
	}
	for _, port := range slices.Sorted(maps.Values(w.ports.free)) {
		w.line(fmt.Sprintf("Listen 127.0.0.1:%d", port))
	}
	if len(tree.Find("TypesConfig")) == 0 {
		w.line("<IfModule mime_module>\nTypesConfig " + apache.MIMETypes() + "\n</IfModule>")
	}
	if len(tree.Find("ServerName")) == 0 {
		w.line("ServerName localhost")
	}
	for _, l := range []string{
		"StartServers 1", "ServerLimit 4", "ThreadsPerChild 25", "MaxRequestWorkers 100", "MinSpareThreads 5",
		"MaxSpareThreads 75",
	} {
		w.line("<IfModule !mpm_prefork_module>\n" + l + "\n</IfModule>")
	}
	w.line("<IfModule wsgi_module>\nWSGISocketPrefix " + in("wsgi") + "\n</IfModule>")
}

// systemRoot is the ServerRoot of the system's Apache; "": there is none in the usual places.
func systemRoot() string {
	for _, dir := range []string{"/etc/apache2", "/etc/httpd"} {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	return ""
}

// modules loads the modules of the configuration and the requested ones.
func (w *writer) modules(tree *webconf.Tree, root string) {
	loaded := map[string]bool{}
	for _, d := range tree.Everywhere("LoadModule", "LoadFile") {
		args := slices.Clone(d.Args)
		if last := len(args) - 1; last >= 0 && !filepath.IsAbs(args[last]) {
			args[last] = filepath.Join(root, args[last])
		}
		if !loaded[d.Arg(0)] {
			loaded[d.Arg(0)] = true
			w.line(d.Name + quoted(args))
		}
	}
	for _, name := range w.Modules {
		if file := w.Program.ModuleFile(name); file != "" && !loaded[name+"_module"] {
			loaded[name+"_module"] = true
			w.line("LoadModule " + name + "_module " + quote(file))
		}
	}
}

func (w *writer) line(text string) { w.text.WriteString(text + "\n") }

// list writes directives and sections.
func (w *writer) list(all []*webconf.Directive, indent string) {
	for _, d := range all {
		if d.Is(leftOut...) {
			continue
		}
		args := slices.Clone(d.Args)
		if d.Is("VirtualHost") {
			args = w.ports.addresses(args)
		}
		if d.Is("WSGIDaemonProcess") && os.Geteuid() != 0 {
			args = slices.DeleteFunc(args, isAccount) // only root can become another user
		}
		for i := range args {
			args[i] = w.replace.Replace(args[i])
		}
		if !d.Block {
			w.line(indent + d.Name + quoted(args))
			continue
		}
		w.line(indent + "<" + d.Name + quoted(args) + ">")
		w.list(d.Children, indent+"  ")
		w.line(indent + "</" + d.Name + ">")
	}
}

func isAccount(option string) bool {
	name, _, _ := strings.Cut(option, "=")
	return slices.Contains([]string{"user", "group", "supplementary-groups", "socket-user"}, name)
}

// quoted are arguments as they are written, each after a space.
func quoted(args []string) string {
	var b strings.Builder
	for _, arg := range args {
		b.WriteString(" " + quote(arg))
	}
	return b.String()
}

// quote writes an argument in quotation marks where it needs them. Some directives take the rest of
// the line as it is, so that most are written without.
func quote(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\"'") {
		return arg // A backslash alone is itself.
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(arg) + `"`
}
