package export

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// nomad returns a job that runs the image of the app.
func nomad(d modgw.Descriptor, l Launch) ([]File, error) {
	w := &job{writer{server: "nomad"}}
	name := label(string(d.Name))
	for _, note := range nomadNotes(d) {
		w.comment("%s", note)
	}
	w.open("job %s", w.text("name", name))
	w.line(`type = "service"`)
	w.open("group %s", w.text("name", name))
	w.line("count = 2")
	w.update(d)
	w.open("network")
	w.open(`port "http"`)
	w.line("to = %d", containerPort)
	w.close()
	w.close()
	w.service(d, name)
	w.task(d, l, name)
	w.close()
	w.close()
	text, err := w.bytes()
	return []File{{name + ".nomad.hcl", string(text)}}, err
}

// job writes a job specification.
type job struct{ writer }

// text quotes a string as HCL has it, and keeps it from being read as a template.
func (w *job) text(what, value string) string {
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		w.fail(what, value)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{").Replace(value) + `"`
}

func nomadNotes(d modgw.Descriptor) (n notes) {
	n.add("App %q on Nomad. Written by: modgw-host export nomad %s", d.Name, d.Name)
	n.add("The image is that of: modgw-host export container %s", d.Name)
	n.unwatched("a new version is a new image, and allocations are replaced one after the other")
	n.local()
	n.add("hosts and mount: the balancer in front routes; it finds the allocations by the service.")
	for _, file := range privateFiles(d) {
		n.add("%q has secrets: nomad var put nomad/jobs/%s %s=@%q", file, label(string(d.Name)), secretKey(file), file)
	}
	for _, name := range d.HostVariables {
		n.add("env(%q): add it to the env block, or to a template with env = true when it is a secret.", name)
	}
	if d.Limits.CPU > 0 {
		n.add("limits { cpu }: Nomad counts MHz, and takes 1000 of them here for one processor.")
	}
	if d.Limits.Processes > 0 {
		n.add("limits { processes }: pids_limit of the docker driver.")
	}
	n.images(d)
	return n
}

// secretKey names a private file as a variable of Nomad.
func secretKey(file string) string { return strings.ReplaceAll(secretID(file), "-", "_") }

func (w *job) update(d modgw.Descriptor) {
	healthy := seconds(d.Timeouts.Startup)
	w.open("update")
	w.line("max_parallel = 1")
	w.line("canary = 1")
	w.line("auto_promote = true")
	w.line("auto_revert = true")
	w.line(`min_healthy_time = "5s"`)
	w.line(`healthy_deadline = "%ds"`, healthy+300)
	w.line(`progress_deadline = "%ds"`, healthy+600)
	w.close()
}

func (w *job) service(d modgw.Descriptor, name string) {
	w.open("service")
	w.line("name = %s", w.text("name", name))
	w.line(`port = "http"`)
	w.line(`provider = "nomad"`)
	w.open("check")
	if d.Health.Path == "" {
		w.line(`type = "tcp"`)
	} else {
		w.line(`type = "http"`)
		w.line("path = %s", w.text("health path", healthURL(d)))
		if len(d.Hosts) > 0 {
			w.open("header")
			w.line("Host = [%s]", w.text("host", strings.Replace(d.Hosts[0], "*", "probe", 1)))
			w.close()
		}
	}
	w.line(`interval = "10s"`)
	w.line(`timeout = "%ds"`, max(1, seconds(d.Health.Timeout)))
	w.close()
	w.close()
}

func (w *job) task(d modgw.Descriptor, l Launch, name string) {
	w.open("task %s", w.text("name", name))
	w.line(`driver = "docker"`)
	w.comment("The client has to allow this time: max_kill_timeout.")
	w.line(`kill_timeout = "%ds"`, seconds(endTime(d)))
	w.line(`shutdown_delay = "%ds"`, preStop)
	w.open("config")
	w.line("image = %s", w.text("image", image(d, l)))
	w.line(`ports = ["http"]`)
	if d.Limits.Processes > 0 {
		w.line("pids_limit = %d", d.Limits.Processes+hostTasks)
	}
	for _, file := range privateFiles(d) {
		w.open("mount")
		w.line(`type = "bind"`)
		w.line("source = %s", w.text("secret", "secrets/"+secretID(file)))
		w.line("target = %s", w.text("secret", file))
		w.line("readonly = true")
		w.close()
	}
	w.close()
	w.open("env")
	w.line("PORT = %q", strconv.Itoa(containerPort))
	w.close()
	for _, file := range privateFiles(d) {
		w.open("template")
		variables := fmt.Sprintf(`{{ with nomadVar "nomad/jobs/%s" }}{{ .%s }}{{ end }}`, name, secretKey(file))
		w.line("data = %s", w.text("template", variables))
		w.line("destination = %s", w.text("secret", "secrets/"+secretID(file)))
		w.line(`change_mode = "restart"`)
		w.close()
	}
	if d.Limits.Memory > 0 || d.Limits.CPU > 0 {
		w.open("resources")
		if d.Limits.CPU > 0 {
			w.line("cpu = %d", max(1, int(d.Limits.CPU*1000+0.5)))
		}
		if d.Limits.Memory > 0 {
			w.line("memory = %d", (d.Limits.Memory+hostMemory+1<<20-1)>>20)
		}
		w.close()
	}
	w.close()
}
