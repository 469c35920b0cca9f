package loader

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
	"github.com/zclconf/go-cty/cty"
)

// Init examines the project in dir and writes a descriptor for it: name is the name of its file,
// src its text. It stores nothing. An error means that no app was found, or that there is a
// descriptor already.
func Init(dir string) (name string, src []byte, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	name = filepath.Join(dir, DescriptorName)
	if info, err := (safepath.Opener{}).Stat(name); err == nil && !info.IsDir() {
		return "", nil, &modgw.Fault{Code: codeExists, Summary: fmt.Sprintf("cannot write %q: it is there already", name),
			Hint: "edit it, or remove it first"}
	}
	found, _, err := find(dir, Options{})
	if err != nil {
		return "", nil, err
	}
	if found.kind == modgw.KindStatic && found.public == "." {
		return "", nil, &modgw.Fault{Code: codeDetect, Summary: fmt.Sprintf("cannot write %q: all files of that folder would be public, and it is one of them", name),
			Hint: `move the site into a folder of its own, such as "public"; modgw-host dev and serve need no descriptor for it`}
	}
	if slices.Contains(usualStems, found.name) {
		// a host of many projects has one of that name already
		found.name = nameFrom(filepath.Base(dir))
	}
	return name, found.commented(), nil
}

// usualStems are uninformative names of files.
var usualStems = []string{"app", "application", "asgi", "index", "main", "project", "run", "server", "web", "wsgi"}

// source returns the finding as a descriptor, for the decoder.
func (f *finding) source() []byte {
	file := hclwrite.NewEmptyFile()
	f.write(file.Body(), nil)
	return file.Bytes()
}

// commented returns the finding as a descriptor for people, with comments about settings that most
// of them add next.
func (f *finding) commented() []byte {
	file := hclwrite.NewEmptyFile()
	writeComment(file.Body(), fmt.Sprintf("%s, found in %s. All settings: modgw-host explain app", f.what, filepath.Base(f.root)))
	for _, note := range f.notes {
		writeComment(file.Body(), note)
	}
	app := f.write(file.Body(), f.hints)
	app.AppendNewline()
	writeComment(app, `hosts    = ["www.example.com"]   # default: any host`)
	writeComment(app, `mount    = "/`+f.name+`"   # default: "/"`)
	if f.envFile == "" {
		writeComment(app, `env_file = ".env"   # KEY=VALUE lines`)
	}
	text := string(hclwrite.Format(file.Bytes()))
	return []byte(strings.ReplaceAll(text, "\n\n\n", "\n\n"))
}

// write appends the app block, with hints as comments in that of its kind, and returns its body.
func (f *finding) write(body *hclwrite.Body, hints []string) *hclwrite.Body {
	app := body.AppendNewBlock("app", []string{f.name}).Body()
	if f.below != "" {
		app.SetAttributeValue("root", cty.StringVal(f.below))
	}
	kind := app.AppendNewBlock(string(f.kind), nil).Body()
	f.writeKind(kind)
	for _, hint := range hints {
		writeComment(kind, hint)
	}
	if f.venv != "" || f.path != nil || f.python {
		app.AppendNewline()
		python := app.AppendNewBlock("python", nil).Body()
		if f.venv != "" {
			python.SetAttributeValue("venv", cty.StringVal(f.venv))
		}
		if f.path != nil {
			python.SetAttributeValue("path", words(f.path))
		}
	}
	if f.envFile != "" {
		app.AppendNewline()
		app.SetAttributeValue("env_file", cty.StringVal(f.envFile))
	}
	if env := f.env(); len(env) > 0 {
		app.AppendNewline()
		app.SetAttributeValue("env", cty.ObjectVal(env))
	}
	if f.watch != nil {
		app.AppendNewline()
		app.AppendNewBlock("reload", nil).Body().SetAttributeValue("watch", words(f.watch))
	}
	if f.build != nil {
		app.AppendNewline()
		build := app.AppendNewBlock("build", nil).Body()
		build.SetAttributeValue("command", words(f.build))
		if f.inputs != nil {
			build.SetAttributeValue("inputs", words(f.inputs))
		}
	}
	if f.static != "" {
		app.AppendNewline()
		app.AppendNewBlock("alias", []string{f.alias}).Body().SetAttributeValue("dir", cty.StringVal(f.static))
	}
	return app
}

// env are the variables that the app needs.
func (f *finding) env() map[string]cty.Value {
	env := map[string]cty.Value{}
	for name, value := range f.variables {
		env[name] = cty.StringVal(value)
	}
	if f.settings != "" {
		env["DJANGO_SETTINGS_MODULE"] = cty.StringVal(f.settings)
	}
	return env
}

func (f *finding) writeKind(kind *hclwrite.Body) {
	switch f.kind {
	case modgw.KindGo:
		if f.pkg != "" {
			kind.SetAttributeValue("package", cty.StringVal(f.pkg))
		}
	case modgw.KindHTTP:
		kind.SetAttributeValue("command", words(f.command))
		if f.keep {
			kind.SetAttributeValue("keep_packages", cty.True)
		}
	case modgw.KindFastCGI:
		kind.SetAttributeValue("command", words(f.command))
		if f.public != "" && f.public != "." {
			kind.SetAttributeValue("script_root", cty.StringVal(f.public))
		}
		if f.index != "" {
			kind.SetAttributeValue("index", cty.StringVal(f.index))
		}
	case modgw.KindCGI:
		if f.script != "" {
			kind.SetAttributeValue("script", cty.StringVal(f.script))
		} else {
			kind.SetAttributeValue("dir", cty.StringVal(f.public))
		}
	case modgw.KindStatic:
		kind.SetAttributeValue("dir", cty.StringVal(f.public))
	default:
		kind.SetAttributeValue("entry", cty.StringVal(f.entry))
	}
}

func words(list []string) cty.Value {
	values := make([]cty.Value, len(list))
	for i, word := range list {
		values[i] = cty.StringVal(word)
	}
	return cty.ListVal(values)
}
