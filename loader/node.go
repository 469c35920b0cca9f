package loader

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// plainCommand is a command line that needs no shell.
var plainCommand = lazyregexp.New(`^[\w./@:+,=-]+(?: +[\w./@:+,=-]+)*$`)

// sourceFolders are the folders that the build of a Node.js project reads, and none that it writes.
var sourceFolders = []string{"app", "components", "layouts", "lib", "pages", "server", "src", "styles"}

// node finds out how a Node.js project is started: by its start script, else by server.js, as npm
// start does. It is nil for a folder that is none. A script that names node itself is run without
// npm, which would be one more process for nothing.
func (p *project) node() *finding {
	var pkg struct {
		Name    string
		Scripts struct{ Start, Build string }
	}
	if json.Unmarshal([]byte(p.text("package.json")), &pkg) != nil {
		return nil
	}
	found := &finding{name: nameFrom(filepath.Base(p.dir)), what: "Node.js project", kind: modgw.KindHTTP, root: p.dir}
	start := strings.TrimSpace(pkg.Scripts.Start)
	switch {
	case strings.HasPrefix(start, "node ") && plainCommand.MatchString(start):
		found.command = strings.Fields(start)
	case start != "":
		found.command = []string{"npm", "start"}
	case p.has("server.js"):
		found.command = []string{"node", "server.js"}
	default:
		return nil
	}
	if script := found.command[len(found.command)-1]; found.command[0] == "node" {
		if text := p.text(script); strings.Contains(text, ".listen(") && !strings.Contains(text, "PORT") {
			found.note("%s must listen where the host says: listen(process.env.PORT)", script)
		}
	}
	isNext := strings.Contains(start, "next start")
	switch {
	case pkg.Scripts.Build == "":
	case isNext || found.startsWhatIsBuilt(p, start):
		found.buildFrom(p, isNext)
	default:
		found.note(`saw the script "build", not used because its inputs are not known: build { command = ["npm", "run", "build"] }`)
	}
	if isNext {
		found.note(`below a mount, Next.js needs basePath: "/the/mount" in next.config`)
	} else {
		found.hint(stripHint)
	}
	return found
}

// startsWhatIsBuilt reports whether the start script needs the build script to run first: it runs a
// file that does not exist, or a framework that has another server for development.
func (f *finding) startsWhatIsBuilt(p *project, start string) bool {
	for _, framework := range []string{"nuxt start", "nuxt preview", "remix-serve", "react-router-serve", "nest start", "vite preview", "astro preview"} {
		if strings.Contains(start, framework) {
			return true
		}
	}
	for word := range strings.FieldsSeq(start) {
		folder, _, below := strings.Cut(strings.TrimPrefix(word, "./"), "/")
		if below && !strings.HasPrefix(word, "-") && filepath.IsLocal(folder) && plainCommand.MatchString(word) && !p.has(folder) {
			return true
		}
	}
	return false
}

// buildFrom makes the project be built before it starts. Its packages are installed where bundlers
// look for them: next to the sources. public is a folder that Next.js reads and others write.
func (f *finding) buildFrom(p *project, readsPublic bool) {
	install := "npm install"
	inputs := []string{"package.json"}
	if p.has("package-lock.json") {
		install = "npm ci"
		inputs = append(inputs, "package-lock.json")
	}
	inputs = append(inputs, "*.config.*")
	if p.has("tsconfig.json") {
		inputs = append(inputs, "tsconfig.json")
	}
	folders := sourceFolders
	if readsPublic {
		folders = append(folders[:len(folders):len(folders)], "public")
	}
	for _, folder := range folders {
		if p.has(folder) {
			inputs = append(inputs, folder+"/**")
		}
	}
	f.keep = true
	f.build = []string{"sh", "-c", install + " && npm run build"}
	f.inputs = inputs
}
