package export

import (
	"cmp"
	_ "embed"
	"fmt"
	"path"
	"strings"
	"text/template"
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

// service has the values for the templates of a service and its socket.
type service struct {
	modgw.Descriptor
	Unit         string   // name of both, without the suffix
	Notes        notes    // comments at the beginning
	Run          []string // command line
	StopTime     int      // seconds until the service is killed that was told to end
	Capabilities string   // those that the host needs

	Kind    string // kind of listener for the socket
	Address string // path or address of the socket
	IsLocal bool   // it is a path
}

// systemdApp returns a service and a socket for one app.
func systemdApp(d modgw.Descriptor, l Launch) ([]File, error) {
	name := "modgw-" + string(d.Name)
	s := service{
		Descriptor: d, Unit: name, Notes: serviceNotes(d), StopTime: seconds(endTime(d)), Kind: cmp.Or(l.Listen.Kind, "http"),
		Run: append([]string{cmp.Or(l.Program, program)}, runArguments(d, l, "/var/lib/"+name, "")...),
	}
	if len(d.Groups) > 0 {
		s.Capabilities = capabilities()
	}
	address := cmp.Or(string(l.Listen.Address), "unix:/run/modgw/"+string(d.Name)+".sock")
	s.Address, s.IsLocal = strings.CutPrefix(address, "unix:")
	w := &unit{writer{server: "systemd"}}
	functions := template.FuncMap{
		"value": w.value, "command": w.command,
		"account": func() []string { return w.account(d) }, "bounds": func() []string { return bounds(d.Limits) },
	}
	var files []File
	for _, suffix := range []string{".service", ".socket"} {
		text, err := fill("systemd"+suffix, s, functions)
		if err = cmp.Or(w.err, err); err != nil {
			return nil, err
		}
		files = append(files, File{name + suffix, text})
	}
	return files, nil
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

func serviceNotes(d modgw.Descriptor) (n notes) {
	n.add("App %q as a service of its own. Written by: modgw-host export systemd %s", d.Name, d.Name)
	n.add("It belongs into /etc/systemd/system, beside modgw-%s.socket:", d.Name)
	n.add("systemctl daemon-reload && systemctl enable --now modgw-%s.socket modgw-%s.service", d.Name, d.Name)
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
	return n
}

// account returns the lines with the user of the service.
func (w *unit) account(d modgw.Descriptor) (lines []string) {
	switch {
	case len(d.Groups) > 0:
		lines = []string{"# groups: the host gives the app's processes user and groups, so it starts as root."}
	case d.User == "":
		lines = []string{"User=modgw"}
	default:
		lines = []string{"User=" + w.value("user", d.User)}
		if d.Group != "" {
			lines = append(lines, "Group="+w.value("group", d.Group))
		}
	}
	if d.Umask != "" {
		lines = append(lines, "UMask="+w.value("umask", d.Umask))
	}
	if d.Nice < 0 {
		lines = append(lines, "# nice: run gives it to the app's processes.", fmt.Sprintf("LimitNICE=%d", d.Nice))
	}
	return lines
}

// bounds returns the limits of the service: the app's, plus the needs of the host.
func bounds(l modgw.Limits) (lines []string) {
	add := func(set bool, format string, args ...any) {
		if set {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	add(l.Memory > 0, "# limits { memory } is %d bytes; the host has %d more.", l.Memory, hostMemory)
	add(l.Memory > 0, "MemoryMax=%d", l.Memory+hostMemory)
	add(l.MemorySoft > 0, "MemoryHigh=%d", l.MemorySoft+hostMemory)
	add(l.CPU > 0, "CPUQuota=%d%%", max(1, int(l.CPU*100+0.5)))
	add(l.CPUWeight > 0, "CPUWeight=%d", l.CPUWeight)
	add(l.IOWeight > 0, "IOWeight=%d", l.IOWeight)
	add(l.Processes > 0, "# limits { processes } is %d; the host has %d threads more.", l.Processes, hostTasks)
	add(l.Processes > 0, "TasksMax=%d", l.Processes+hostTasks)
	add(l.Processes <= 0, "TasksMax=infinity")
	add(l.Stack > 0, "LimitSTACK=%d", l.Stack)
	return lines
}

// capabilities returns the capabilities of the packaged host, which changes to the users of its
// apps.
func capabilities() string {
	_, rest, _ := strings.Cut(hostService, "CapabilityBoundingSet=")
	line, _, _ := strings.Cut(rest, "\n")
	return line
}
