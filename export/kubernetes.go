package export

import (
	"fmt"
	"path"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/modgw/modgw/modgw"
)

// containerPort is where the image listens.
const containerPort = 8000

// manifest has the values for the template of a manifest.
type manifest struct {
	modgw.Descriptor
	Name        string   // the app's name as a label
	Image       string   // image of the container
	Notes       notes    // comments at the beginning
	Port        int      // port that the container listens on
	Files       []string // files that are mounted from a Secret
	Amounts     map[string]string
	Startup     probe
	Readiness   probe
	GracePeriod int // seconds from being told to end until it is killed
	PreStop     int // seconds of these in which it goes on serving
	Path        string
}

// probe asks whether a container is well.
type probe struct {
	Path, Host                string // URL path and its host; "": the probe only connects
	Period, Timeout, Failures int    // seconds, seconds, and how many in a row count
}

// kubernetes returns a manifest with a Deployment, a Service and an Ingress, and a ConfigMap when
// the descriptor reads variables. Secrets are referred to, and never written.
func kubernetes(d modgw.Descriptor, l Launch) ([]File, error) {
	m := manifest{
		Descriptor: d, Name: label(string(d.Name)), Image: image(d, l), Notes: kubernetesNotes(d), Port: containerPort,
		Files: privateFiles(d), Amounts: amounts(d), Startup: probeOf(d, max(1, (seconds(d.Timeouts.Startup)+4)/5), 5),
		Readiness: probeOf(d, 2, 10), GracePeriod: seconds(endTime(d)) + preStop, PreStop: preStop,
		Path: path.Clean(string(d.Mount)),
	}
	text, err := fill("kubernetes.yaml", m, template.FuncMap{"yaml": yamlValue, "secretID": secretID})
	return []File{{m.Name + ".yaml", text}}, err
}

// yamlValue is a value in a manifest. Further lines of it are indented by so many columns.
func yamlValue(indent int, value any) (string, error) {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	err := encoder.Encode(value)
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\n", "\n"+strings.Repeat(" ", indent)), err
}

func kubernetesNotes(d modgw.Descriptor) (n notes) {
	name := label(string(d.Name))
	n.add("App %q on Kubernetes. Written by: modgw-host export kubernetes %s", d.Name, d.Name)
	n.add("The image is that of: modgw-host export container %s", d.Name)
	n.unwatched("a new version is a new image, and pods are replaced one after the other")
	n.local()
	n.add("env is in the image's descriptor, so no ConfigMap repeats it.")
	if files := privateFiles(d); len(files) > 0 {
		n.add("Secret %q has the files with secrets. To make it:", name+"-files")
		from := ""
		for _, file := range files {
			from += fmt.Sprintf(" --from-file=%s=%q", secretID(file), file)
		}
		n.add("kubectl create secret generic %s-files%s", name, from)
	}
	for _, variable := range d.HostVariables {
		n.add("env(%q): set it in ConfigMap %q, or in Secret %q when it is one.", variable, name, name+"-env")
	}
	for _, host := range d.Hosts {
		if strings.HasPrefix(host, "*.") {
			n.add("hosts: %q has one label before the dot in an Ingress, and any number in the descriptor.", host)
		}
	}
	if d.MountMatch != "" {
		n.add("mount_match: the Ingress sends everything below %q, and the host answers 404 for the rest.", d.Mount)
	}
	if d.Health.Path == "" {
		n.add("The descriptor has no health { path }: the probes only connect. The host lets requests wait until the app is up.")
	}
	if d.Limits.Processes > 0 {
		n.add("limits { processes }: the kubelet bounds a pod (podPidsLimit), this manifest cannot.")
	}
	if s := d.Scale(); s.IsFixed() {
		n.add("Workers are per pod: replicas times workers is what there is.")
	} else {
		n.add("Each pod has %d to %d workers, by its load. Requests and limits of the container are for all of them: "+
			"a HorizontalPodAutoscaler adds pods by the processor time, which is right when a pod has its %d workers.", s.Min, s.Max, s.Max)
	}
	n.images(d)
	return n
}

// preStop is how many seconds a pod keeps serving after it was told to end: balancers keep sending
// requests for a moment.
const preStop = 5

// probeOf asks the health path of the app as a client of its first host.
func probeOf(d modgw.Descriptor, failures, period int) probe {
	p := probe{Period: period, Timeout: max(1, seconds(d.Health.Timeout)), Failures: failures}
	if d.Health.Path != "" {
		p.Path, p.Host = healthURL(d), probedHost(d)
	}
	return p
}

// probedHost is a name by which probes ask for the app; "": any does.
func probedHost(d modgw.Descriptor) string {
	if len(d.Hosts) == 0 {
		return ""
	}
	return strings.Replace(d.Hosts[0], "*", "probe", 1)
}

func healthURL(d modgw.Descriptor) string {
	return strings.TrimSuffix(string(d.Mount), "/") + "/" + strings.TrimPrefix(d.Health.Path, "/")
}

// amounts returns the resources of a container.
func amounts(d modgw.Descriptor) map[string]string {
	all := map[string]string{}
	if d.Limits.Memory > 0 {
		all["memory"] = fmt.Sprint(d.Limits.Memory + hostMemory)
	}
	if d.Limits.CPU > 0 {
		all["cpu"] = fmt.Sprintf("%dm", max(1, int(d.Limits.CPU*1000+0.5)))
	}
	return all
}
