package pysource

import "slices"

// maxSource is the size of a source that is read.
const maxSource = 1 << 20

// Read reads the source of a file. file is its absolute path, which is the value of __file__. Parts
// that cannot be read are in the module's notes: there is no other error.
func Read(file string, src []byte, options Options) *Module {
	m := &Module{File: file}
	if len(src) > maxSource {
		m.Mistakes = []Note{{1, "the file is larger than 1 MiB"}}
		return m
	}
	p := &parser{tokens: tokenize(string(src), 1)}
	body := p.file()
	m.Mistakes = p.mistakes
	e := newEvaluation(m, options)
	e.names["__file__"] = file
	e.names["__name__"] = "__main__"
	if file == "" {
		e.names["__file__"] = Unknown{"the name of the file is not known"}
	}
	e.run(body)
	e.collectPath()
	slices.SortStableFunc(m.Mistakes, byLine)
	slices.SortStableFunc(m.Unread, byLine)
	return m
}

func byLine(a, b Note) int { return a.Line - b.Line }
