package migrate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader"
)

// Plan is the result of a migration.
type Plan struct {
	Report

	Files    *Files     // opens the files that sources name
	Apps     []*App     // each has a descriptor of its own
	Web      []*WebFile // new configuration of the web server
	Problems []Problem  // parts of the sources that could not be read

	// Front is the web server whose configuration the apps need when no source has one: "apache"
	// or "nginx". Empty means apache.
	Front string

	// Notes are for the top of the readable report: facts for the administrator in addition to the
	// entries.
	Notes []string

	options   Options
	sources   []string // paths in the order of reading
	variables []*Variable
	served    []Served
	finally   [stages][]func() // run when all sources have been read
	claims    map[string]bool
}

// App is an app that gets a descriptor file of its own.
type App struct {
	*loader.Draft
	Place          // line of the source that describes it
	Hosts []string // host names, as in the draft
	Mount string   // URL path, "/" for all
	plan  *Plan
}

// Problem adds something that could not be read.
func (p *Plan) Problem(at Place, format string, args ...any) {
	p.Problems = append(p.Problems, Problem{at, Show(fmt.Sprintf(format, args...))})
}

// App adds an app. The name is made from the source's: characters that are not allowed in names of
// apps are replaced, and a number is added to a name that another app has.
func (p *Plan) App(name string, at Place) *App {
	a := &App{Draft: &loader.Draft{Name: p.free(appName(name))}, Place: at, Mount: "/", plan: p}
	p.Apps = append(p.Apps, a)
	return a
}

var notInAppName = lazyregexp.New(`[^A-Za-z0-9._-]+`)

// appName is a name that an app can have.
func appName(text string) string {
	text = notInAppName.ReplaceAllString(withoutVariables(text), "-")
	text = strings.Trim(text, "-._")
	if len(text) > 56 {
		text = strings.TrimRight(text[:56], "-._")
	}
	if text == "" {
		return "app"
	}
	return text
}

func (p *Plan) free(name string) string {
	taken := func(n string) bool {
		return slices.ContainsFunc(p.Apps, func(a *App) bool { return a.Name == n })
	}
	for i, stem := 2, name; taken(name); i++ {
		name = fmt.Sprintf("%s-%d", stem, i)
	}
	return name
}

// Set gives a setting a value, as [loader.Draft.Set] does. Variables of a template in it become
// ${var.NAME}.
func (a *App) Set(setting string, value any) {
	a.Draft.Set(setting, a.plan.expand(value))
	switch v := value.(type) {
	case []string:
		if setting == "hosts" {
			a.Hosts = slices.Clone(v)
		}
	case string:
		if setting == "mount" {
			a.Mount = v
		}
	}
}

// Note puts a comment above a setting, as [loader.Draft.Note] does. Variables appear in it as in
// the template.
func (a *App) Note(setting, text string) { a.Draft.Note(setting, a.plan.Written(text)) }

// SetNumber is Set for a number, or a duration, that has a variable of a template in it.
func (a *App) SetNumber(setting, text string) {
	for _, m := range variablePattern.FindAllStringSubmatch(text, -1) {
		for _, v := range a.plan.variables {
			if v.Name == m[1] {
				v.Number = true
			}
		}
	}
	a.Set(setting, text)
}

// Alias lets the host serve a folder, or a file, below the app's mount.
func (a *App) Alias(url, argument, target string) {
	a.SetIn("alias", url, argument, a.plan.expand(target))
}

// Env adds an environment variable.
func (a *App) Env(name string, value any) {
	env, _ := a.Value("env").(map[string]any)
	if env == nil {
		env = map[string]any{}
	}
	env[name] = a.plan.expand(value)
	a.Draft.Set("env", env)
}

// FileName returns the name of the app's descriptor.
func (a *App) FileName() string { return a.Name + ".hcl" }

// Descriptor is the text of the app's descriptor file.
func (p *Plan) Descriptor(a *App) []byte {
	drafts := []*loader.Draft{a.Draft}
	return loader.WriteDrafts(p.declared(string(loader.WriteDrafts(nil, drafts))), drafts)
}

// WebFile is a file of the new configuration of a web server.
type WebFile struct {
	Server string // "apache" or "nginx": the folder that it is written to
	Name   string // path in that folder, with slashes
	Source string // file that it takes the place of; "": none
	Parts  []Part // pieces in their order
}

// Part is a piece of a web server's configuration. Insert is nil for one that is text.
type Part struct {
	Text   string  // as it is written; "" with Insert
	Insert *Insert // nil: Text counts
}

// Insert is a place in a virtual host for the directives of its apps.
type Insert struct {
	Host   string   // name of the virtual host; "": none
	Apps   []string // names of the apps
	Indent string   // beginning of each line, white space
}

// CleanName is a relative path for a file of a web server that stays below the folder.
func CleanName(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}
