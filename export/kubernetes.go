package export

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/modgw/modgw/modgw"
)

// containerPort is where the image listens.
const containerPort = 8000

// The objects of a manifest, with those fields that are written (kubernetes.io/docs/reference).
type (
	object struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   metadata          `yaml:"metadata"`
		Data       map[string]string `yaml:"data,omitempty"`
		Spec       any               `yaml:"spec,omitempty"`
	}
	metadata struct {
		Name   string            `yaml:"name,omitempty"`
		Labels map[string]string `yaml:"labels,omitempty"`
	}
	deployment struct {
		Replicas int         `yaml:"replicas"`
		Strategy strategy    `yaml:"strategy"`
		Selector selector    `yaml:"selector"`
		Template podTemplate `yaml:"template"`
	}
	strategy struct {
		Type          string        `yaml:"type"`
		RollingUpdate rollingUpdate `yaml:"rollingUpdate"`
	}
	rollingUpdate struct {
		MaxSurge       int `yaml:"maxSurge"`
		MaxUnavailable int `yaml:"maxUnavailable"`
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	podTemplate struct {
		Metadata metadata `yaml:"metadata"`
		Spec     pod      `yaml:"spec"`
	}
	pod struct {
		GracePeriod int            `yaml:"terminationGracePeriodSeconds"`
		MountToken  bool           `yaml:"automountServiceAccountToken"`
		Containers  []podContainer `yaml:"containers"`
		Volumes     []volume       `yaml:"volumes,omitempty"`
	}
	podContainer struct {
		Name      string           `yaml:"name"`
		Image     string           `yaml:"image"`
		Env       []variable       `yaml:"env"`
		EnvFrom   []variables      `yaml:"envFrom,omitempty"`
		Ports     []containerPorts `yaml:"ports"`
		Startup   probe            `yaml:"startupProbe"`
		Readiness probe            `yaml:"readinessProbe"`
		Lifecycle lifecycle        `yaml:"lifecycle"`
		Resources *resources       `yaml:"resources,omitempty"`
		Security  *security        `yaml:"securityContext,omitempty"`
		Mounts    []volumeMount    `yaml:"volumeMounts,omitempty"`
	}
	variable struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	}
	variables struct {
		ConfigMap *reference `yaml:"configMapRef,omitempty"`
		Secret    *reference `yaml:"secretRef,omitempty"`
	}
	reference struct {
		Name     string `yaml:"name"`
		Optional bool   `yaml:"optional"`
	}
	containerPorts struct {
		Name string `yaml:"name"`
		Port int    `yaml:"containerPort"`
	}
	probe struct {
		HTTP     *httpGet   `yaml:"httpGet,omitempty"`
		TCP      *tcpSocket `yaml:"tcpSocket,omitempty"`
		Period   int        `yaml:"periodSeconds"`
		Timeout  int        `yaml:"timeoutSeconds"`
		Failures int        `yaml:"failureThreshold"`
	}
	httpGet struct {
		Path    string     `yaml:"path"`
		Port    string     `yaml:"port"`
		Headers []variable `yaml:"httpHeaders,omitempty"`
	}
	tcpSocket struct {
		Port string `yaml:"port"`
	}
	lifecycle struct {
		PreStop handler `yaml:"preStop"`
	}
	handler struct {
		Exec execAction `yaml:"exec"`
	}
	execAction struct {
		Command []string `yaml:"command"`
	}
	resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	}
	security struct {
		Escalation   bool          `yaml:"allowPrivilegeEscalation"`
		Capabilities capabilitySet `yaml:"capabilities"`
	}
	capabilitySet struct {
		Drop []string `yaml:"drop"`
	}
	volumeMount struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	}
	volume struct {
		Name   string       `yaml:"name"`
		Secret secretVolume `yaml:"secret"`
	}
	secretVolume struct {
		SecretName string `yaml:"secretName"`
	}
	service struct {
		Selector map[string]string `yaml:"selector"`
		Ports    []servicePort     `yaml:"ports"`
	}
	servicePort struct {
		Name       string `yaml:"name"`
		Port       int    `yaml:"port"`
		TargetPort string `yaml:"targetPort"`
	}
	ingress struct {
		Rules []ingressRule `yaml:"rules"`
	}
	ingressRule struct {
		Host string      `yaml:"host,omitempty"`
		HTTP ingressHTTP `yaml:"http"`
	}
	ingressHTTP struct {
		Paths []ingressPath `yaml:"paths"`
	}
	ingressPath struct {
		Path     string         `yaml:"path"`
		PathType string         `yaml:"pathType"`
		Backend  ingressBackend `yaml:"backend"`
	}
	ingressBackend struct {
		Service ingressService `yaml:"service"`
	}
	ingressService struct {
		Name string    `yaml:"name"`
		Port namedPort `yaml:"port"`
	}
	namedPort struct {
		Name string `yaml:"name"`
	}
)

// kubernetes returns a manifest with a Deployment, a Service and an Ingress, and a ConfigMap when
// the descriptor reads variables. Secrets are referred to, and never written.
func kubernetes(d modgw.Descriptor, l Launch) ([]File, error) {
	name := label(string(d.Name))
	var b bytes.Buffer
	for _, note := range kubernetesNotes(d) {
		fmt.Fprintf(&b, "# %s\n", note)
	}
	objects := []object{}
	if len(d.HostVariables) > 0 {
		objects = append(objects, named("v1", "ConfigMap", name, nil))
	}
	objects = append(objects,
		named("apps/v1", "Deployment", name, deploymentOf(d, l)),
		named("v1", "Service", name, service{labels(name), []servicePort{{"http", 80, "http"}}}),
		named("networking.k8s.io/v1", "Ingress", name, ingressOf(d)),
	)
	for _, o := range objects {
		b.WriteString("---\n")
		encoder := yaml.NewEncoder(&b)
		encoder.SetIndent(2)
		if err := encoder.Encode(o); err != nil {
			return nil, err
		}
		if err := encoder.Close(); err != nil {
			return nil, err
		}
	}
	return []File{{name + ".yaml", b.String()}}, nil
}

func named(version, kind, name string, spec any) object {
	return object{APIVersion: version, Kind: kind, Metadata: metadata{Name: name, Labels: labels(name)}, Spec: spec}
}

func labels(name string) map[string]string { return map[string]string{"app.kubernetes.io/name": name} }

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

func deploymentOf(d modgw.Descriptor, l Launch) deployment {
	name := label(string(d.Name))
	c := podContainer{
		Name: name, Image: image(d, l),
		Env:       []variable{{"PORT", fmt.Sprint(containerPort)}},
		Ports:     []containerPorts{{"http", containerPort}},
		Startup:   probeOf(d, max(1, (seconds(d.Timeouts.Startup)+4)/5), 5),
		Readiness: probeOf(d, 2, 10),
		// Balancers go on sending requests for a moment after the pod is told to end.
		Lifecycle: lifecycle{handler{execAction{[]string{"sleep", fmt.Sprint(preStop)}}}},
		Resources: resourcesOf(d),
	}
	if len(d.Groups) == 0 {
		c.Security = &security{Capabilities: capabilitySet{[]string{"ALL"}}}
	}
	if len(d.HostVariables) > 0 {
		c.EnvFrom = []variables{{ConfigMap: &reference{name, true}}, {Secret: &reference{name + "-env", true}}}
	}
	p := pod{GracePeriod: seconds(endTime(d)) + preStop}
	for _, file := range privateFiles(d) {
		c.Mounts = append(c.Mounts, volumeMount{"secrets", file, secretID(file), true})
		p.Volumes = []volume{{"secrets", secretVolume{name + "-files"}}}
	}
	p.Containers = []podContainer{c}
	return deployment{
		Replicas: 2, Strategy: strategy{"RollingUpdate", rollingUpdate{MaxSurge: 1}},
		Selector: selector{labels(name)}, Template: podTemplate{metadata{Labels: labels(name)}, p},
	}
}

// preStop is how many seconds a pod goes on serving after it was told to end.
const preStop = 5

// probeOf asks the health path of the app as a client of its first host.
func probeOf(d modgw.Descriptor, failures, period int) probe {
	p := probe{Period: period, Timeout: max(1, seconds(d.Health.Timeout)), Failures: failures}
	if d.Health.Path == "" {
		p.TCP = &tcpSocket{"http"}
		return p
	}
	p.HTTP = &httpGet{Path: healthURL(d), Port: "http"}
	if len(d.Hosts) > 0 {
		p.HTTP.Headers = []variable{{"Host", strings.Replace(d.Hosts[0], "*", "probe", 1)}}
	}
	return p
}

func healthURL(d modgw.Descriptor) string {
	return strings.TrimSuffix(string(d.Mount), "/") + "/" + strings.TrimPrefix(d.Health.Path, "/")
}

func resourcesOf(d modgw.Descriptor) *resources {
	r := &resources{Requests: map[string]string{}, Limits: map[string]string{}}
	if d.Limits.Memory > 0 {
		memory := fmt.Sprint(d.Limits.Memory + hostMemory)
		r.Requests["memory"], r.Limits["memory"] = memory, memory
	}
	if d.Limits.CPU > 0 {
		cpu := fmt.Sprintf("%dm", max(1, int(d.Limits.CPU*1000+0.5)))
		r.Requests["cpu"], r.Limits["cpu"] = cpu, cpu
	}
	if len(r.Limits) == 0 {
		return nil
	}
	return r
}

func ingressOf(d modgw.Descriptor) ingress {
	backend := ingressBackend{ingressService{label(string(d.Name)), namedPort{"http"}}}
	paths := ingressHTTP{[]ingressPath{{path.Clean(string(d.Mount)), "Prefix", backend}}}
	if len(d.Hosts) == 0 {
		return ingress{[]ingressRule{{HTTP: paths}}}
	}
	var rules []ingressRule
	for _, host := range d.Hosts {
		rules = append(rules, ingressRule{host, paths})
	}
	return ingress{rules}
}
