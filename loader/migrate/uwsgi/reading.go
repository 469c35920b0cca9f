package uwsgi

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// limits of includes within each other, and of lines with those that loops repeat.
const (
	maxIncludes = 16
	maxLines    = 5000
)

// reading is the reading of one configuration with its includes.
type reading struct {
	plan    *migrate.Plan
	config  *config
	section string // section that is read
	vassals string // folder of the Emperor; empty: none
	env     map[string]string

	lines    []line // all lines of all files, in the order of reading
	outcomes map[int]pyapp.Outcome
	values   map[string]string // values of the lines that were executed so far
	used     map[string]bool   // names that placeholders mean
	item     string            // item of the loop, or value of the condition, around a line
	executed int

	similar      map[string]string // known options by unknown names that are like them
	placeholders int               // number of placeholders of the current value so far
	includes     int
	options      []option

	inherited []line // user and group of the unit that has the command line
	name      string // wish for the app's name
	program   string // uwsgi as named by a command line; empty: none
}

// option is a line whose placeholders are resolved.
type option struct {
	pyapp.Option
	line int
}

func newReading(p *migrate.Plan) *reading {
	r := &reading{
		plan: p, section: "uwsgi",
		outcomes: map[int]pyapp.Outcome{}, values: map[string]string{}, used: map[string]bool{}, env: map[string]string{},
		similar: map[string]string{},
	}
	r.config = &config{App: &pyapp.App{}, reading: r}
	r.config.rules = r.config.options().ByName()
	return r
}

// set notes the outcome of a line. By hand counts more than translated, and that more than not
// needed.
func (r *reading) set(line int, o pyapp.Outcome) {
	weight := func(b migrate.Became) int {
		return slices.Index([]migrate.Became{"", migrate.NotNeeded, migrate.Translated, migrate.ByHand}, b)
	}
	if weight(o.Became) > weight(r.outcomes[line].Became) {
		r.outcomes[line] = o
	}
}

// file adds the lines of a file and executes those of a section.
func (r *reading) file(lines []line, section string) {
	first := len(r.lines)
	r.lines = append(r.lines, lines...)
	outer := r.section
	r.section = section
	r.execute(r.inSection(first, len(r.lines), section))
	r.section = outer
}

// inSection returns the lines of a section, by their indices.
func (r *reading) inSection(from, to int, section string) (indices []int) {
	for i := from; i < to; i++ {
		if strings.EqualFold(r.lines[i].section, section) {
			indices = append(indices, i)
		}
	}
	return indices
}

// execute follows lines in their order.
func (r *reading) execute(indices []int) {
	for at := 0; at < len(indices); at++ {
		i := indices[at]
		if r.executed++; r.executed > maxLines {
			r.set(i, pyapp.ByHand("the configuration has too many lines with those that its loops repeat"))
			continue
		}
		l := r.lines[i]
		name := strings.ReplaceAll(l.name, "_", "-")
		switch {
		case name == "for" || strings.HasPrefix(name, "for-"):
			body := r.block(indices[at+1:], "endfor", "end-for")
			r.loop(i, body)
			at += len(body)
		case strings.HasPrefix(name, "if-"):
			body := r.block(indices[at+1:], "endif", "end-if")
			r.condition(i, body)
			at += len(body)
		case name == "endfor" || name == "end-for" || name == "endif" || name == "end-if":
			r.set(i, pyapp.NotNeeded("it ends the block above"))
		default:
			r.option(i)
		}
	}
}

// block returns the lines before the one that ends it.
func (r *reading) block(indices []int, ends ...string) []int {
	for at, i := range indices {
		if slices.Contains(ends, r.lines[i].name) {
			return indices[:at]
		}
	}
	return indices
}

// loop follows a "for" block, once for each item.
func (r *reading) loop(i int, body []int) {
	value, reason := r.expand(r.lines[i])
	var items []string
	switch r.lines[i].name {
	case "for":
		items = strings.Fields(value)
	case "for-glob":
		items = r.plan.Files.Glob(value)
	case "for-times":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 1000 {
			reason = "it is not a number of times"
		}
		for n := range max(n, 0) {
			items = append(items, strconv.Itoa(n))
		}
	default:
		reason = "what it goes through is not read"
	}
	if reason != "" || migrate.HasVariables(value) {
		r.undecided(i, body, "it is repeated for something that is not known: write it out")
		return
	}
	r.set(i, pyapp.Translated("its lines count for %s", plural(len(items), "item")))
	outer := r.item
	for _, item := range items {
		r.item = item
		r.execute(body)
	}
	r.item = outer
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// condition follows an "if-" block where its condition is known.
func (r *reading) condition(i int, body []int) {
	l := r.lines[i]
	value, reason := r.expand(l)
	is, known := r.decide(strings.TrimPrefix(l.name, "if-"), value)
	switch {
	case reason != "" || !known:
		r.undecided(i, body, fmt.Sprintf("it counts only where %s = %s holds: decide, and set it", l.name, r.plan.Written(l.value)))
		return
	case !is:
		r.set(i, pyapp.NotNeeded("the condition does not hold"))
		for _, one := range body {
			r.set(one, pyapp.NotNeeded("the condition in line %d does not hold", l.place.Line))
		}
		return
	}
	r.set(i, pyapp.Translated("the condition holds, so the lines below count"))
	outer := r.item
	r.item = value
	if set, ok := r.env[value]; ok && strings.HasSuffix(l.name, "env") {
		r.item = set
	}
	r.execute(body)
	r.item = outer
}

// decide returns whether a condition holds, and whether that is known.
func (r *reading) decide(kind, value string) (is, known bool) {
	not := strings.HasPrefix(kind, "not-")
	kind = strings.TrimPrefix(kind, "not-")
	switch kind {
	case "env":
		name, want, compared := strings.Cut(value, "=")
		set, ok := r.env[name]
		return (ok && (!compared || set == want)) != not, len(r.env) > 0
	case "opt":
		name, want, compared := strings.Cut(value, "=")
		set, ok := r.values[name]
		return (ok && (!compared || set == want)) != not, true
	case "exists", "file", "dir", "is-dir", "is-file":
		if !path.IsAbs(value) {
			return false, false
		}
		there := r.plan.Files.Exists(value)
		if strings.HasSuffix(kind, "dir") {
			there = r.plan.Files.IsDir(value)
		}
		return there != not, true
	case "reload":
		return not, true
	}
	return false, false
}

// undecided notes that a block has to be done by hand.
func (r *reading) undecided(i int, body []int, task string) {
	r.set(i, pyapp.ByHand("%s", task))
	for _, one := range body {
		r.set(one, pyapp.ByHand("%s", task))
	}
}

// includes are the options that read another file.
var includeOptions = map[string]bool{"ini": true, "xml": true, "yaml": true, "yml": true, "json": true, "include": true,
	"inherit": true, "config": true, "js": true}

// option executes one option.
func (r *reading) option(i int) {
	l := r.lines[i]
	value, reason := r.expand(l)
	if reason != "" {
		r.set(i, pyapp.ByHand("%s", reason))
		return
	}
	name := strings.ReplaceAll(l.name, "_", "-")
	switch {
	case includeOptions[name]:
		r.include(i, value)
	case name == "set" || name == "set-placeholder" || name == "set-ph":
		key, text, ok := strings.Cut(value, "=")
		if !ok {
			r.set(i, pyapp.ByHand("%s is not NAME=VALUE", migrate.Quote(value)))
			return
		}
		r.values[strings.TrimSpace(key)] = strings.TrimSpace(text)
		r.set(i, pyapp.Translated("its value is put in where %%(%s) stands", strings.TrimSpace(key)))
	case name == "if" || l.name == "":
		r.set(i, pyapp.ByHand("uWSGI has no such statement"))
	default:
		if _, again := r.values[l.name]; !again || !r.isVariable(name) {
			r.values[l.name] = value
		}
		r.options = append(r.options, option{pyapp.Option{Place: l.place, Name: name, Value: value}, i})
	}
}

// include reads another file, or another section of this one.
func (r *reading) include(i int, value string) {
	l := r.lines[i]
	file, section, named := strings.Cut(value, ":")
	if !named || section == "" {
		section = "uwsgi"
	}
	if r.includes++; r.includes > maxIncludes {
		r.set(i, pyapp.ByHand("files include each other too deep"))
		return
	}
	defer func() { r.includes-- }()
	if file == "" { // :section of this file
		var indices []int
		for j := range r.lines {
			if r.lines[j].place.File == l.place.File && r.lines[j].section == section {
				indices = append(indices, j)
			}
		}
		if len(indices) == 0 {
			r.set(i, pyapp.ByHand("there is no section [%s]", section))
			return
		}
		r.set(i, pyapp.Translated("the section [%s] is read here", section))
		outer := r.section
		r.section = section
		r.execute(indices)
		r.section = outer
		return
	}
	if !path.IsAbs(file) {
		file = path.Join(path.Dir(l.place.File), file)
	}
	s, err := r.plan.Files.Read(file)
	if err != nil {
		r.plan.Problem(l.place, "cannot read the file that it includes, %q: %v", file, err)
		r.set(i, pyapp.ByHand("%s cannot be read: %v", file, err))
		return
	}
	r.plan.NoteSource(file)
	r.set(i, pyapp.Translated("the file is read here"))
	s, ok := r.plan.Template(s, syntaxes)
	if !ok {
		return
	}
	lines := parse(s, r.plan)
	if !r.plan.Claim("uwsgi " + file) {
		for i := range lines {
			lines[i].silent = true
		}
	}
	r.file(lines, section)
}

// report adds an entry for each line.
func (r *reading) report() {
	for i, l := range r.lines {
		o, done := r.outcomes[i]
		if !done {
			o = pyapp.NotNeeded("the section [%s] is not used", l.section)
		}
		name := l.name
		if l.silent {
			continue
		}
		switch {
		case l.shown != "":
			name = l.shown
		case name == "":
			name = "(no name)"
		}
		o.Report(r.plan, l.place, name)
	}
}
