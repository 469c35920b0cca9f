package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/modgw/modgw/export"
)

// documentOf returns the object of a kind in a manifest.
func documentOf(t *testing.T, manifest, kind string) map[string]any {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(manifest))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			t.Fatalf("no %s in\n%s", kind, manifest)
		}
		if err != nil {
			t.Fatal(err)
		}
		if object["kind"] == kind {
			return object
		}
	}
}

// requireWithin fails the test unless got has everything that want has.
func requireWithin(t *testing.T, at string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, value := range want {
			requireWithin(t, at+"."+name, value, object[name])
		}
	case []any:
		list, _ := got.([]any)
		for i, value := range want {
			if i >= len(list) {
				t.Errorf("%s[%d] is lost", at, i)
				continue
			}
			requireWithin(t, fmt.Sprintf("%s[%d]", at, i), value, list[i])
		}
	default:
		// kubectl leaves out false and "", and has JSON's numbers.
		if fmt.Sprint(want) != fmt.Sprint(got) && (got != nil || want != false && want != "" && want != 0) {
			t.Errorf("%s: %v became %v", at, want, got)
		}
	}
}

// TestManifestsSelectTheirPods checks the references between the objects of a manifest.
func TestManifestsSelectTheirPods(t *testing.T) {
	for name, manifest := range goldenFiles(t, export.Kubernetes) {
		var d struct {
			Spec struct {
				Selector struct {
					MatchLabels map[string]string `yaml:"matchLabels"`
				}
				Template struct {
					Metadata struct{ Labels map[string]string }
					Spec     struct {
						Containers []struct{ Ports []struct{ Name string } }
					}
				}
			}
		}
		reread(t, documentOf(t, manifest, "Deployment"), &d)
		var s struct {
			Spec struct {
				Selector map[string]string
				Ports    []struct {
					TargetPort string `yaml:"targetPort"`
				}
			}
		}
		reread(t, documentOf(t, manifest, "Service"), &s)
		pods := fmt.Sprint(d.Spec.Template.Metadata.Labels)
		if fmt.Sprint(d.Spec.Selector.MatchLabels) != pods || fmt.Sprint(s.Spec.Selector) != pods {
			t.Errorf("%s: labels %s, selectors %v and %v", name, pods, d.Spec.Selector.MatchLabels, s.Spec.Selector)
		}
		ports := d.Spec.Template.Spec.Containers[0].Ports
		if !slices.ContainsFunc(ports, func(p struct{ Name string }) bool { return p.Name == s.Spec.Ports[0].TargetPort }) {
			t.Errorf("%s: no port %q in %v", name, s.Spec.Ports[0].TargetPort, ports)
		}
	}
}

// reread decodes an object into a struct.
func reread(t *testing.T, object map[string]any, into any) {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(into); err != nil {
		t.Fatal(err)
	}
}
