package export

import (
	"cmp"
	_ "embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/modgw/modgw/modgw"
)

//go:embed units/modgw.service
var hostService string

//go:embed units/modgw.socket
var hostSocket string

const (
	program     = "/usr/bin/modgw-host"
	hostFile    = "/etc/modgw/modgw.hcl"
	packagedRun = "ExecStart=" + program + " serve -c " + hostFile
)

// SystemdHost returns the units of the package: one host with all apps of its file.
func SystemdHost(l Launch) ([]File, error) {
	w := &unit{writer{server: "systemd"}}
	serve := w.command(append([]string{cmp.Or(l.Program, program), "serve", "-c", cmp.Or(l.Config, hostFile)}, varArguments(l)...))
	if w.err != nil {
		return nil, w.err
	}
	service := strings.Replace(hostService, packagedRun, "ExecStart="+serve, 1)
	return []File{{"modgw.service", service}, {"modgw.socket", hostSocket}}, nil
}

// systemdApp returns a service and a socket for one app.
func systemdApp(d modgw.Descriptor, l Launch) ([]File, error) {
	name := "modgw-" + string(d.Name)
	service := &unit{writer{server: "systemd"}}
	service.head(d)
	service.service(d, l, name)
	text, err := service.bytes()
	if err != nil {
		return nil, err
	}
	socket := &unit{writer{server: "systemd"}}
	socket.socket(d, l)
	listening, err := socket.bytes()
	if err != nil {
		return nil, err
	}
	return []File{{name + ".service", string(text)}, {name + ".socket", string(listening)}}, nil
}

// unit writes a unit file (systemd.syntax(7)).
type unit struct{ writer }

// value returns a value with its special characters escaped: "%" begins a specifier, and a newline
// would end the value.
func (w *unit) value(what, value string) string {
	if strings.ContainsFunc(value, unicode.IsControl) || strings.HasSuffix(value, `\`) || strings.TrimSpace(value) != value {
		w.fail(what, value)
	}
	return strings.ReplaceAll(value, "%", "%%")
}

// command returns a command line, whose words are quoted where they have to be
// (systemd.service(5)).
func (w *unit) command(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if strings.ContainsFunc(word, unicode.IsControl) {
			w.fail("argument", word)
		}
		word = strings.NewReplacer("%", "%%", "$", "$$", `\`, `\\`, `"`, `\"`).Replace(word)
		if word == "" || word == ";" || strings.ContainsAny(word, ` "'\`) {
			word = `"` + word + `"`
		}
		quoted[i] = word
	}
	return strings.Join(quoted, " ")
}

func (w *unit) set(name, value string) { w.line("%s=%s", name, value) }

func (w *unit) head(d modgw.Descriptor) {
	w.comment("App %q as a service of its own. Written by: modgw-host export systemd %s", d.Name, d.Name)
	w.comment("It belongs into /etc/systemd/system, beside modgw-%s.socket:", d.Name)
	w.comment("systemctl daemon-reload && systemctl enable --now modgw-%s.socket modgw-%s.service", d.Name, d.Name)
	var n notes
	n.unwatched("systemctl reload starts new workers, and no request is lost")
	n.add("Mounts and hosts of other apps are for the web server in front: this service has one app.")
	n.add("The host's file is not read, for its listeners belong to the host: no defaults, no trusted_proxies.")
	if d.User == "" {
		n.add(`The descriptor names no user: modgw has to be able to read the app's folder.`)
	}
	for _, file := range d.SecretFiles {
		n.add("secret(): the service's user reads %q itself. To leave it to root, write secret(%q) and", file, path.Base(file))
		n.add("add LoadCredential=%s:%s to the service.", path.Base(file), file)
	}
	for _, name := range d.HostVariables {
		n.add("env(%q): set it with Environment= or EnvironmentFile=.", name)
	}
	if d.Nice > 0 {
		n.add("nice: run gives it to the app's processes; Nice= would add to it.")
	}
	n.idle(d)
	w.comments(n)
	w.line("")
}

func (w *unit) service(d modgw.Descriptor, l Launch, name string) {
	w.line("[Unit]")
	w.set("Description", w.value("description", "modgw app "+string(d.Name)))
	w.set("Documentation", "man:modgw-host-run(1)")
	w.set("Wants", "network-online.target")
	w.set("After", "network-online.target "+name+".socket")
	w.set("Requires", name+".socket")
	w.line("")
	w.line("[Service]")
	w.set("Type", "notify")
	w.set("NotifyAccess", "main")
	run := append([]string{cmp.Or(l.Program, program)}, runArguments(d, l, "/var/lib/"+name, "")...)
	w.set("ExecStart", w.command(run))
	w.set("ExecReload", "/bin/kill -HUP $MAINPID")
	w.comment("The environment of the app is built at the first start, which can take minutes.")
	w.set("TimeoutStartSec", "infinity")
	w.comment("timeouts: drain %s, websocket_drain %s, stop %s.", d.Timeouts.Drain, d.Timeouts.WebSocketDrain, d.Timeouts.Stop)
	w.set("TimeoutStopSec", strconv.Itoa(seconds(endTime(d))))
	w.set("WatchdogSec", "60")
	w.set("Restart", "on-failure")
	w.set("KillMode", "mixed")
	w.set("StateDirectory", name)
	w.set("StateDirectoryMode", "0750")
	w.set("WorkingDirectory", w.value("working directory", cmp.Or(d.Home, d.Root)))
	w.account(d)
	w.limits(d)
	w.sandbox(d)
	w.line("")
	w.line("[Install]")
	w.set("WantedBy", "multi-user.target")
	w.set("Also", name+".socket")
}

// account sets the user of the service.
func (w *unit) account(d modgw.Descriptor) {
	w.line("")
	switch {
	case len(d.Groups) > 0:
		w.comment("groups: the host gives the app's processes user and groups, so it starts as root.")
	case d.User == "":
		w.set("User", "modgw")
	default:
		w.set("User", w.value("user", d.User))
		if d.Group != "" {
			w.set("Group", w.value("group", d.Group))
		}
	}
	if d.Umask != "" {
		w.set("UMask", w.value("umask", d.Umask))
	}
	if d.Nice < 0 {
		w.comment("nice: run gives it to the app's processes.")
		w.set("LimitNICE", strconv.Itoa(d.Nice))
	}
}

// limits sets the limits of the service: the app's, plus the needs of the host.
func (w *unit) limits(d modgw.Descriptor) {
	limits := d.Limits
	w.line("")
	w.comment("The host puts the app into a control group of its own below that of the service.")
	w.set("Delegate", "yes")
	w.set("OOMPolicy", "continue")
	w.set("LimitNOFILE", "1048576")
	if limits.Memory > 0 {
		w.comment("limits { memory } is %d bytes; the host has %d more.", limits.Memory, hostMemory)
		w.set("MemoryMax", strconv.FormatInt(limits.Memory+hostMemory, 10))
	}
	if limits.MemorySoft > 0 {
		w.set("MemoryHigh", strconv.FormatInt(limits.MemorySoft+hostMemory, 10))
	}
	if limits.CPU > 0 {
		w.set("CPUQuota", fmt.Sprintf("%d%%", max(1, int(limits.CPU*100+0.5))))
	}
	if limits.CPUWeight > 0 {
		w.set("CPUWeight", strconv.Itoa(limits.CPUWeight))
	}
	if limits.IOWeight > 0 {
		w.set("IOWeight", strconv.Itoa(limits.IOWeight))
	}
	if limits.Processes > 0 {
		w.comment("limits { processes } is %d; the host has %d threads more.", limits.Processes, hostTasks)
		w.set("TasksMax", strconv.Itoa(limits.Processes+hostTasks))
	} else {
		w.set("TasksMax", "infinity")
	}
	if limits.Stack > 0 {
		w.set("LimitSTACK", strconv.FormatInt(limits.Stack, 10))
	}
}

// sandbox removes privileges of the service that apps do not need.
func (w *unit) sandbox(d modgw.Descriptor) {
	w.line("")
	w.comment("Programs that change their user, such as sudo and sendmail, do not work below this service.")
	w.set("NoNewPrivileges", "yes")
	if len(d.Groups) > 0 {
		w.set("CapabilityBoundingSet", capabilities())
	} else {
		w.set("CapabilityBoundingSet", "")
	}
	for _, name := range []string{
		"LockPersonality", "ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables",
		"RestrictRealtime", "RestrictSUIDSGID",
	} {
		w.set(name, "yes")
	}
	w.set("ProtectSystem", "full")
	w.set("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK")
	w.set("SystemCallArchitectures", "native")
}

// capabilities returns the capabilities of the packaged host, which changes to the users of its
// apps.
func capabilities() string {
	_, rest, _ := strings.Cut(hostService, "CapabilityBoundingSet=")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}

func (w *unit) socket(d modgw.Descriptor, l Launch) {
	kind, address := cmp.Or(l.Listen.Kind, "http"), string(l.Listen.Address)
	if address == "" {
		address = "unix:/run/modgw/" + string(d.Name) + ".sock"
	}
	socket, local := strings.CutPrefix(address, "unix:")
	w.comment("The socket of app %q. Written by: modgw-host export systemd %s", d.Name, d.Name)
	w.line("")
	w.line("[Unit]")
	w.set("Description", w.value("description", "Socket of modgw app "+string(d.Name)))
	w.line("")
	w.line("[Socket]")
	w.set("ListenStream", w.value("address of the socket", socket))
	w.set("FileDescriptorName", kind)
	w.set("Backlog", "4096")
	if local {
		w.comment("The web server in front has to be in this group.")
		w.set("SocketGroup", "www-data")
		w.set("SocketMode", "0660")
		w.set("DirectoryMode", "0755")
	}
	w.line("")
	w.line("[Install]")
	w.set("WantedBy", "sockets.target")
}
