package main

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/modgw"
)

// usualListeners are the listeners in the host file of the packages.
var usualListeners = []modgw.Listener{
	{Kind: "fastcgi", Address: "unix:/run/modgw/modgw.sock"},
	{Kind: "http", Address: "unix:/run/modgw/http.sock"},
}

// listeners are those that the web server is to ask.
func (m *migration) listeners() ([]modgw.Listener, error) {
	if !m.usesHostFile() {
		return usualListeners, nil
	}
	h, err := m.settings.host()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(h.Listeners()), modgw.Listener.Public), nil
}

// render makes all files of a plan. A descriptor that the loader does not accept, which its source
// must be the reason for, is a problem of the plan.
func (m *migration) render(plan *migrate.Plan, listeners []modgw.Listener) (outputs, error) {
	var files outputs
	texts := map[string][]byte{}
	for _, a := range plan.Apps {
		text := plan.Descriptor(a)
		name := "apps-enabled/" + a.FileName()
		files = append(files, output{name: name, text: text})
		texts[m.deployed(name)] = text
	}
	apps := m.load(plan, texts)
	web, err := m.web(plan, apps, listeners)
	if err != nil {
		return nil, err
	}
	files = append(files, web...)
	var report bytes.Buffer
	if err := writeEntries(&report, plan); err != nil {
		return nil, err
	}
	return append(files,
		output{name: "report.json", text: report.Bytes(), replace: true},
		output{name: "report.md", text: plan.Markdown(), replace: true}), nil
}

// deployed is the absolute path of an output.
func (m *migration) deployed(name string) string {
	path, err := filepath.Abs(outputPath(m.out, name))
	if err != nil {
		return "/" + name
	}
	return path
}

// load reads the descriptors back, for the configuration of the web server.
func (m *migration) load(plan *migrate.Plan, texts map[string][]byte) []modgw.Descriptor {
	vars := map[string]string{}
	for _, v := range plan.Variables() {
		vars[v.Name] = standIn(v)
	}
	files, diags := loader.LoadTexts(texts, loader.Options{Elsewhere: true, Vars: vars})
	for _, d := range diags {
		if d.Severity == loader.Error {
			place := migrate.Place{File: d.Range.Filename, Line: d.Range.Start.Line}
			plan.Problem(place, "cannot use the descriptor as it is: %s. %s [%s]", d.Summary, d.Detail, d.Code)
		}
	}
	return descriptorsOf(files)
}

// standIn is a value for a variable of a template, which the configuration of the web server has as
// the template wrote it.
func standIn(v migrate.Variable) string {
	if v.Number {
		return "1"
	}
	return "template-" + strings.ReplaceAll(v.Name, "_", "-") + "-x"
}

// web makes the files of the web server.
func (m *migration) web(plan *migrate.Plan, apps []modgw.Descriptor, listeners []modgw.Listener) (outputs, error) {
	var files outputs
	for _, f := range plan.Web {
		text, err := fill(f, apps, listeners)
		if err != nil {
			return nil, fmt.Errorf("cannot write what takes the place of %q: %w", f.Source, err)
		}
		for _, v := range plan.Variables() {
			if !v.Number {
				text = bytes.ReplaceAll(text, []byte(standIn(v)), []byte(v.Written))
			}
		}
		name := f.Server + "/" + migrate.CleanName(f.Name)
		files = append(files, output{name: name, text: text, before: f.Source})
	}
	if len(plan.Web) > 0 || len(apps) == 0 {
		return files, nil
	}
	name, config := "apache/modgw.conf", func() ([]byte, error) { return apache.Config(apps, listeners, apache.Options{}) }
	if cmp.Or(plan.Front, "apache") == "nginx" {
		name, config = "nginx/modgw.conf", func() ([]byte, error) { return export.Nginx(apps, listeners, export.Options{}) }
	}
	text, err := config()
	if err != nil {
		return nil, err
	}
	return outputs{{name: name, text: text}}, nil
}

// fill puts the directives of the apps into the places for them.
func fill(f *migrate.WebFile, apps []modgw.Descriptor, listeners []modgw.Listener) ([]byte, error) {
	var b bytes.Buffer
	for _, part := range f.Parts {
		if part.Insert == nil {
			b.WriteString(part.Text)
			continue
		}
		text, err := directives(f.Server, part.Insert, apps, listeners)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if strings.TrimSpace(line) != "" {
				b.WriteString(part.Insert.Indent)
			}
			b.WriteString(line)
		}
	}
	return b.Bytes(), nil
}

// directives returns the directives for the apps of a virtual host. Apache keeps serving the
// folders for which it has an Alias, so these are omitted from the apps.
func directives(server string, in *migrate.Insert, apps []modgw.Descriptor, listeners []modgw.Listener) ([]byte, error) {
	var there []modgw.Descriptor
	for _, d := range apps {
		if slices.Contains(in.Apps, string(d.Name)) {
			d.Aliases, d.Hosts = nil, nil
			there = append(there, d)
		}
	}
	if len(there) == 0 {
		return nil, nil
	}
	if server == "nginx" {
		return export.NginxLocation(there[0], listeners)
	}
	return apache.Directives("", there, listeners)
}
