package loader

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// pythonServer is a library whose programs serve HTTP themselves.
type pythonServer struct {
	name    string
	imports *lazyregexp.Regexp
	serves  *lazyregexp.Regexp // the call that serves; nil: the command does
	command []string           // %s is the script
	env     map[string]string
	port    string // the line with which the script listens on PORT; "": command or env do it
}

// selfServers are the known libraries that serve themselves, most likely first.
var selfServers = []pythonServer{
	{name: "Streamlit", imports: importOf("streamlit"),
		command: []string{"streamlit", "run", "%s", "--server.address", "127.0.0.1", "--server.port", "$PORT", "--server.headless", "true"}},
	{name: "Chainlit", imports: importOf("chainlit"),
		command: []string{"chainlit", "run", "%s", "--headless", "--host", "127.0.0.1", "--port", "$PORT"}},
	{name: "Panel", imports: importOf("panel"), serves: lazyregexp.New(`\.servable\(`),
		command: []string{"panel", "serve", "%s", "--address", "127.0.0.1", "--port", "$PORT", "--use-xheaders", "--allow-websocket-origin", "*"}},
	{name: "Gradio", imports: importOf("gradio"), serves: lazyregexp.New(`\.launch\(`),
		command: runScript, env: map[string]string{"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": "$PORT"}},
	{name: "NiceGUI", imports: importOf("nicegui"), serves: lazyregexp.New(`\bui\.run\(`),
		command: runScript, port: `ui.run(host="127.0.0.1", port=int(os.environ["PORT"]), reload=False, show=False)`},
	{name: "aiohttp", imports: importOf("aiohttp"), serves: lazyregexp.New(`\brun_app\(`),
		command: runScript, port: `web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]))`},
	{name: "Tornado", imports: importOf("tornado"), serves: lazyregexp.New(`\.listen\(|\.bind\(`),
		command: runScript, port: `app.listen(int(os.environ["PORT"]), "127.0.0.1")`},
	{name: "CherryPy", imports: importOf("cherrypy"), serves: lazyregexp.New(`\bquickstart\(|\bengine\.start\(`),
		command: runScript, port: `cherrypy.config.update({"server.socket_port": int(os.environ["PORT"])})`},
	{name: "Python", imports: importOf("http.server|socketserver|wsgiref.simple_server"), serves: lazyregexp.New(`\bserve_forever\(`),
		command: runScript, port: `HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)`},
}

var runScript = []string{"python", "%s"}

func importOf(modules string) *lazyregexp.Regexp {
	return lazyregexp.New(`(?m)^\s*(?:from|import)\s+(?:` + strings.ReplaceAll(modules, ".", `\.`) + `)\b`)
}

// servesItself is the library by which the text of a Python script serves HTTP itself; nil for one
// that does not.
func servesItself(text string) *pythonServer {
	for i, server := range selfServers {
		if server.imports.MatchString(text) && (server.serves == nil || server.serves.MatchString(text)) {
			return &selfServers[i]
		}
	}
	return nil
}

// scriptOfPython finds a script in the folder itself that is not named as apps usually are: one
// with the app of a framework, or one that serves HTTP itself. It is nil where there is none, or
// more than one.
func (p *project) scriptOfPython() *finding {
	var scripts []string
	for _, name := range p.filesIn(".", ".py") {
		text := p.text(name)
		if _, ok := frameworkApp(text); (ok || servesItself(text) != nil) && !strings.HasPrefix(name, "test_") {
			scripts = append(scripts, name)
		}
	}
	for _, name := range append(usualFiles[:len(usualFiles):len(usualFiles)], "streamlit_app.py", filepath.Base(p.dir)+".py") {
		if slices.Contains(scripts, name) {
			scripts = []string{name}
		}
	}
	if len(scripts) != 1 {
		return nil
	}
	if c, ok := frameworkApp(p.text(scripts[0])); ok && bareModule.MatchString(strings.TrimSuffix(scripts[0], ".py")) {
		return p.found("", strings.TrimSuffix(scripts[0], ".py"), c)
	}
	return p.serving(scripts[0], servesItself(p.text(scripts[0])))
}

// serving is a script that serves HTTP itself; nil without a library.
func (p *project) serving(script string, server *pythonServer) *finding {
	if server == nil {
		return nil
	}
	f := &finding{name: nameFrom(filepath.Base(p.dir)), what: server.name + " program", kind: modgw.KindHTTP, root: p.dir, python: true, variables: server.env}
	for _, word := range server.command {
		f.command = append(f.command, strings.ReplaceAll(word, "%s", script))
	}
	if server.port != "" && !strings.Contains(p.text(script), "PORT") {
		f.note("%s must listen where the host says: %s", script, server.port)
	}
	return f
}
