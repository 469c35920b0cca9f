package export

import (
	"cmp"
	"fmt"
	"strings"
	"text/template"

	"github.com/modgw/modgw/modgw"
)

// job has the values for the template of a job.
type job struct {
	Name           string   // the app's name as a label
	Image          string   // image of the container
	Notes          notes    // comments at the beginning
	Port           int      // port that the container listens on
	Files          []string // files that variables of Nomad have
	Probe          probe
	HealthyWithin  int   // seconds until an allocation must be well
	ProgressWithin int   // seconds until a deployment must go on
	KillTimeout    int   // seconds from being told to end until it is killed
	PreStop        int   // seconds before it is told to end, without new requests
	Tasks          int   // processes and threads at most; 0: any number
	CPU            int   // MHz; 0: any
	Memory         int64 // MiB; 0: any
}

// nomad returns a job that runs the image of the app.
func nomad(d modgw.Descriptor, l Launch) ([]File, error) {
	startup := seconds(d.Timeouts.Startup)
	j := job{
		Name: label(string(d.Name)), Image: image(d, l), Notes: nomadNotes(d), Port: containerPort, Files: privateFiles(d),
		Probe: probeOf(d, 0, 10), HealthyWithin: startup + 300, ProgressWithin: startup + 600,
		KillTimeout: seconds(endTime(d)), PreStop: preStop,
	}
	if d.Limits.Processes > 0 {
		j.Tasks = d.Limits.Processes + hostTasks
	}
	if d.Limits.CPU > 0 {
		j.CPU = max(1, int(d.Limits.CPU*1000+0.5))
	}
	if d.Limits.Memory > 0 {
		j.Memory = (d.Limits.Memory + hostMemory + 1<<20 - 1) >> 20
	}
	w := writer{server: "nomad"}
	text, err := fill("nomad.hcl", j, template.FuncMap{
		"text": w.hclText, "secretID": secretID,
		"variable": func(file string) string {
			return fmt.Sprintf(`{{ with nomadVar "nomad/jobs/%s" }}{{ .%s }}{{ end }}`, j.Name, secretKey(file))
		},
	})
	return []File{{j.Name + ".nomad.hcl", text}}, cmp.Or(w.err, err)
}

// hclText quotes a string as HCL has it, and keeps it from being read as a template.
func (w *writer) hclText(what, value string) string {
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
