package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// The places in images.
const (
	imageState = "/var/lib/modgw"
	imageFile  = "/etc/modgw/modgw.hcl"
	imageUser  = "modgw"
)

// privateNetworks trusts the address ranges of balancers in container engines and platforms.
const privateNetworks = `trusted_proxies = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7"]`

// container returns a container file and the list of files that it leaves out. The app's folder is
// the build context and has the same path in the image, so that every path of the descriptor stays
// valid.
func container(d modgw.Descriptor, l Launch) ([]File, error) {
	w := &containerfile{writer{server: "container"}}
	w.head(d)
	w.program(l)
	w.base(d)
	w.account(d)
	w.files(d)
	w.build(d, l)
	w.start(d, l)
	text, err := w.bytes()
	if err != nil {
		return nil, err
	}
	return []File{{"Containerfile", string(text)}, {".containerignore", containerIgnore(d)}}, nil
}

// containerfile writes a Containerfile, which docker and podman read alike.
type containerfile struct{ writer }

// word quotes a value for a shell, and keeps it from being read as a variable by the builder.
func (w *containerfile) word(what, value string) string {
	if strings.ContainsFunc(value, unicode.IsControl) || strings.ContainsAny(value, `'$\`) {
		w.fail(what, value)
	}
	if plainWord.MatchString(value) {
		return value
	}
	return "'" + value + "'"
}

// words are arguments as a shell reads them.
func (w *containerfile) words(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = w.word("argument", arg)
	}
	return strings.Join(quoted, " ")
}

var plainWord = lazyregexp.New(`^[\w@%+=:,./-]+$`)

// list writes values as an instruction has them.
func (w *containerfile) list(what string, values ...string) string {
	for _, value := range values {
		if strings.ContainsFunc(value, unicode.IsControl) || strings.ContainsAny(value, `$\`) {
			w.fail(what, value)
		}
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(values) // strings can be encoded
	return strings.TrimSpace(b.String())
}

func (w *containerfile) head(d modgw.Descriptor) {
	w.line("# syntax=docker/dockerfile:1")
	w.comment("App %q as a container. Written by: modgw-host export container %s", d.Name, d.Name)
	w.comment("It belongs beside .containerignore (for docker: .dockerignore), in %q:", d.Root)
	w.comment("podman build -t %s%s .", label(string(d.Name)), buildArguments(d))
	w.comment("podman run -p 8000:8000%s %s", startArguments(d), label(string(d.Name)))
	var n notes
	n.add("It listens at $PORT, by default 8000, and ends in order at SIGTERM, which takes up to %d seconds.", seconds(endTime(d)))
	n.unwatched("a new version is a new image")
	n.local()
	if d.Limits.Memory > 0 {
		n.add("limits { memory }: podman run --memory=%d", d.Limits.Memory+hostMemory)
	}
	if d.Limits.CPU > 0 {
		n.add("limits { cpu }: podman run --cpus=%g", d.Limits.CPU)
	}
	if d.Limits.Processes > 0 {
		n.add("limits { processes }: podman run --pids-limit=%d", d.Limits.Processes+hostTasks)
	}
	for _, file := range privateFiles(d) {
		n.add("%q has secrets: the build and the run mount it, the image has it not.", file)
	}
	for _, name := range d.HostVariables {
		n.add("env(%q): the container's environment, and that of the build where env() has no default.", name)
	}
	n.images(d)
	w.comments(n)
	w.line("")
}

// secretID names a private file for a builder.
func secretID(file string) string { return label(file) }

func buildArguments(d modgw.Descriptor) string {
	var b strings.Builder
	if _, ok := files.Inside(d.Root, d.File); !ok {
		fmt.Fprintf(&b, " --build-context descriptor=%q", path.Dir(d.File))
	}
	for _, file := range privateFiles(d) {
		fmt.Fprintf(&b, " --secret id=%s,src=%q", secretID(file), file)
	}
	for _, name := range d.HostVariables {
		fmt.Fprintf(&b, " --secret id=%q,env=%q", name, name)
	}
	return b.String()
}

func startArguments(d modgw.Descriptor) string {
	var b strings.Builder
	for _, file := range privateFiles(d) {
		fmt.Fprintf(&b, " -v %q", file+":"+file+":ro")
	}
	for _, name := range d.HostVariables {
		fmt.Fprintf(&b, " -e %q", name)
	}
	return b.String()
}

// program builds modgw-host for the architecture of the image.
func (w *containerfile) program(l Launch) {
	w.line("FROM docker.io/library/golang:1 AS modgw")
	w.line("ARG MODGW_VERSION=%s", w.word("version", cmp.Or(l.Version, "latest")))
	w.line("RUN CGO_ENABLED=0 go install github.com/modgw/modgw/cmd/modgw-host@${MODGW_VERSION}")
	w.line("")
}

// exactPython and lowestPython match version requirements that fit an image of Python.
var (
	exactPython  = lazyregexp.New(`^(pypy)?(\d+\.\d+)(?:\.\d+)?$`)
	lowestPython = lazyregexp.New(`(?:>=|==|~=)\s*(\d+\.\d+)`)
)

// base chooses the image that has the programs of the app.
func (w *containerfile) base(d modgw.Descriptor) {
	w.line("FROM %s", w.image(d))
	if d.UsesPython() {
		w.comment("A package without a wheel needs a compiler: RUN apt-get update && apt-get install -y build-essential")
	}
	w.line("COPY --from=modgw /go/bin/modgw-host /usr/local/bin/modgw-host")
}

func (w *containerfile) image(d modgw.Descriptor) string {
	const library = "docker.io/library/"
	switch {
	case d.UsesPython():
		if m := exactPython.FindStringSubmatch(d.Python.Version); m != nil {
			return library + cmp.Or(m[1], "python") + ":" + m[2] + "-slim"
		}
		if m := lowestPython.FindStringSubmatch(d.Python.Version); m != nil {
			return library + "python:" + m[1] + "-slim"
		}
		if d.Python.Version != "" {
			w.comment("python { version }: %q is no version of an image; take one that has it.", d.Python.Version)
		}
		return library + "python:3-slim"
	case d.Kind == modgw.KindGo:
		return library + "golang:1"
	case d.FastCGI != nil && d.FastCGI.IsPHP():
		return library + "php:8-cgi"
	case d.HTTP != nil && slices.Contains([]string{"node", "npm", "npx"}, path.Base(d.HTTP.Command[0])):
		return library + "node:lts-slim"
	case d.HTTP != nil:
		w.comment("The image needs %q.", d.HTTP.Command[0])
	case d.FastCGI != nil && len(d.FastCGI.Command) > 0:
		w.comment("The image needs %q.", d.FastCGI.Command[0])
	case d.CGI != nil:
		w.comment("The image needs the interpreters of the scripts.")
	}
	return library + "debian:stable-slim"
}

// account makes the user that the host and the app run as.
func (w *containerfile) account(d modgw.Descriptor) {
	user := w.word("user", cmp.Or(d.User, imageUser))
	group := w.word("group", cmp.Or(d.Group, d.User, imageUser))
	for _, name := range append([]string{cmp.Or(d.Group, d.User, imageUser)}, d.Groups...) {
		name = w.word("group", name)
		w.line("RUN getent group %s || groupadd --system %s", name, name)
	}
	w.line("RUN id -u %s || useradd --system --gid %s --home-dir %s %s", user, group, imageState, user)
	w.line("RUN install -d -o %s -g %s %s /etc/modgw", user, group, imageState)
}

// files copies the app and its descriptor to the paths that they have on this machine.
func (w *containerfile) files(d modgw.Descriptor) {
	w.line("RUN echo '%s' > %s", privateNetworks, imageFile)
	// Modes stay as they are here, so files that only a group may read are given to the app's.
	owner := "root:" + w.word("group", cmp.Or(d.Group, d.User, imageUser))
	w.line("COPY --chown=%s %s", owner, w.list("root of the app", ".", strings.TrimSuffix(d.Root, "/")+"/"))
	if _, ok := files.Inside(d.Root, d.File); !ok {
		w.line("COPY --from=descriptor --chown=%s %s", owner, w.list("descriptor", path.Base(d.File), d.File))
	}
	w.line("WORKDIR %s", w.word("working directory", cmp.Or(d.Home, d.Root)))
	switch {
	case len(d.Groups) > 0: // the host gives them to the app, so it has to be root
	case d.Group != "":
		w.line("USER %s", w.word("user", d.User+":"+d.Group))
	default:
		w.line("USER %s", w.word("user", cmp.Or(d.User, imageUser)))
	}
}

// build makes the environment a layer of the image.
func (w *containerfile) build(d modgw.Descriptor, l Launch) {
	var mounts []string
	for _, file := range privateFiles(d) {
		mounts = append(mounts, fmt.Sprintf("--mount=type=secret,id=%s,target=%s,mode=0444", secretID(file), w.word("secret", file)))
	}
	for _, name := range d.HostVariables {
		mounts = append(mounts, fmt.Sprintf("--mount=type=secret,id=%s,env=%s", w.word("variable", name), name))
	}
	args := append([]string{"env", "build", "--state", imageState}, varArguments(l)...)
	args = append(args, "--target", d.File, string(d.Name))
	words := append(mounts, "modgw-host "+w.words(args))
	w.line("RUN %s", strings.Join(words, " \\\n    "))
	w.line("")
}

// start runs the app. The shell is replaced by the host, which so gets the signals.
func (w *containerfile) start(d modgw.Descriptor, l Launch) {
	args := w.words(runArguments(d, l, imageState, imageFile))
	w.line("EXPOSE 8000")
	w.line("STOPSIGNAL SIGTERM")
	command := fmt.Sprintf(`exec modgw-host %s --listen "http=0.0.0.0:${PORT:-8000}"`, args)
	text, _ := json.Marshal(command) // a string can be encoded
	w.line(`CMD ["/bin/sh", "-c", %s]`, text)
}

// containerIgnore lists the files that the image must not contain: secrets, and files that are
// built on each machine.
func containerIgnore(d modgw.Descriptor) string {
	var b strings.Builder
	b.WriteString("# What the image of the app leaves out.\n")
	for _, file := range privateFiles(d) {
		if rel, ok := files.Inside(d.Root, file); ok {
			b.WriteString(ignored(rel) + "\n")
		}
	}
	for _, pattern := range []string{
		".git", ".env", ".env.*", "**/__pycache__", "**/*.pyc", ".venv", "venv", "node_modules", "*.sqlite3", "Containerfile", "Dockerfile",
		".containerignore", ".dockerignore",
	} {
		if venv, ok := files.Inside(d.Root, d.Python.Venv); ok && d.Python.Venv != "" && venv == pattern {
			continue
		}
		if pattern == "node_modules" && d.HTTP != nil && d.HTTP.KeepPackages {
			continue
		}
		b.WriteString(pattern + "\n")
	}
	return b.String()
}

// ignored is a path as a pattern that matches it alone.
func ignored(rel string) string {
	return regexp.MustCompile(`[\\*?\[\]!#]`).ReplaceAllString(rel, `\$0`)
}
