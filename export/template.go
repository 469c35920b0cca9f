package export

import (
	"embed"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// fill returns the text of a template with data. The functions write its values as the format has
// them.
func fill(name string, data any, functions template.FuncMap) (string, error) {
	parsed, err := template.New(name).Funcs(functions).ParseFS(templates, "templates/"+name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = parsed.Execute(&b, data)
	return b.String(), err
}
