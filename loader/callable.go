package loader

import (
	"regexp"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// callable is an app in the text of a Python file.
type callable struct {
	kind modgw.Kind
	name string // "app", "create_app()"
	what string // for people
}

// plain reports whether the worker finds the callable in a file by itself.
func (c callable) plain() bool {
	return c.name == "application" || c.name == "app"
}

var (
	framework = lazyregexp.New(`(?m)^([A-Za-z_]\w*)\s*(?::[^=\n]*)?=\s*(?:[A-Za-z_]\w*\.)*(Flask|FastAPI|Starlette|Quart|Litestar|BlackSheep|APIFlask|OpenAPI|Bottle|Dash|Sanic|Datasette|falcon\.App|falcon\.asgi\.App)\(`)
	factory   = lazyregexp.New(`(?m)^def\s+(create_app|make_app|create_application|get_app)\s*\(([^)]*)\)`)
	asyncApp  = lazyregexp.New(`(?m)^async\s+def\s+(application|app)\s*\(`)
	plainDef  = lazyregexp.New(`(?m)^(?:def\s+(application|app)\s*\(|(application|app)\s*(?::[^=\n]*)?=[^=])`)
	madeApp   = lazyregexp.New(`(?m)^([A-Za-z_]\w*)\s*(?::[^=\n]*)?=\s*(?:\w+\.)*(?:create_app|make_app|create_application|get_app)\(`)
	asyncLibs = lazyregexp.New(`(?m)^\s*(?:from|import)\s+(fastapi|starlette|quart|litestar|blacksheep|sanic|datasette|shiny)\b|\bget_asgi_application\(|\bfalcon\.asgi\b`)
	argument0 = lazyregexp.New(`^\s*(?:[A-Za-z_]\w*\s*(?::[^=,]*)?=|\*)`)
)

// asgiFrameworks are those whose apps speak ASGI.
var asgiFrameworks = map[string]bool{
	"FastAPI": true, "Starlette": true, "Quart": true, "Litestar": true, "BlackSheep": true, "Sanic": true, "Datasette": true,
	"falcon.asgi.App": true,
}

// findCallable finds the app in the text of a Python file: of a framework, plain, made by a
// factory, or a factory without arguments. A program that serves HTTP itself has none.
func findCallable(text string) (callable, bool) {
	if c, ok := frameworkApp(text); ok {
		return c, true
	}
	if servesItself(text) != nil {
		return callable{}, false
	}
	if m := asyncApp.FindStringSubmatch(text); m != nil {
		return callable{modgw.KindASGI, m[1], "ASGI app"}, true
	}
	if m := plainDef.FindStringSubmatch(text); m != nil {
		kind, what := kindOf(text)
		return callable{kind, m[1] + m[2], what}, true
	}
	if m := madeApp.FindStringSubmatch(text); m != nil {
		kind, what := kindOf(text)
		return callable{kind, m[1], what}, true
	}
	for _, m := range factory.FindAllStringSubmatch(text, -1) {
		if m[2] == "" || argument0.MatchString(m[2]) {
			kind, what := kindOf(text)
			return callable{kind, m[1] + "()", what}, true
		}
	}
	return callable{}, false
}

// frameworkApp finds an app that is made from the class of a framework.
func frameworkApp(text string) (callable, bool) {
	m := framework.FindStringSubmatch(text)
	if m == nil {
		return callable{}, false
	}
	name, class := m[1], m[2]
	c := callable{modgw.KindWSGI, name, strings.TrimSuffix(strings.TrimSuffix(class, ".App"), ".asgi") + " app"}
	if asgiFrameworks[class] {
		c.kind = modgw.KindASGI
	}
	if class == "Dash" { // the callable is the Flask app within
		c.name += ".server"
		if server := regexp.MustCompile(`(?m)^(\w+)\s*=\s*` + name + `\.server\b`).FindStringSubmatch(text); server != nil {
			c.name = server[1]
		}
	}
	return c, true
}

// kindOf decides by the imports of a file whether its app speaks ASGI.
func kindOf(text string) (modgw.Kind, string) {
	if asyncLibs.MatchString(text) {
		return modgw.KindASGI, "ASGI app"
	}
	return modgw.KindWSGI, "WSGI app"
}
