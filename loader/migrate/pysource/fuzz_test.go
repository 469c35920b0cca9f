package pysource

import (
	"strings"
	"testing"
)

// FuzzRead reads any text. It must end, and every note must name a line of the file.
func FuzzRead(f *testing.F) {
	for _, test := range readings {
		f.Add(test.source)
	}
	for _, text := range []string{
		"", "\\", "x = f'{", "x = f'{a!r:>{w}}'", "if a:\n\tb\n  c", "def f(a, *, b=1, **k): return a", "a = [i for i in", "(((((",
		"lambda *a, **k: 0", "print >>f, x", "exec 'a' in b", "x = a if b else", "@d\nclass C(a, b=1):\n  pass", "with (a as b, c):\n  d",
		"try:\n a\nexcept* E:\n b", "match x:\n  case 1: pass", "type X = int", "l = []\nl.append(l)\nl.extend(l)\nx = l < l", "a = a = 'x' * 99999 * 99999",
		"def f(n): return f(n-1) + f(n-1)\nf(9)", "x = '%(' % {}", "x = '%' % 1", "for a, *b in [(1,2)]: sys.path[a:b] = c", "x = -(-9223372036854775807-1)",
		"import sys\nsys.path.insert(9223372036854775807, 'x')\nsys.path[-1:] = []", "x = 7 // 0, 7 % 0, 1 << 70",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, source string) {
		m := Read("/srv/app.py", []byte(source), Options{Dir: "/srv"})
		lines := strings.Count(source, "\n") + strings.Count(source, "\r") + 1
		for _, notes := range [][]Note{m.Unread, m.Mistakes} {
			for _, n := range notes {
				if n.Line < 1 || n.Line > lines {
					t.Errorf("a note is at line %d of %d: %s", n.Line, lines, n.Reason)
				}
			}
		}
		for _, b := range m.Bindings {
			if b.Line < 1 || b.Line > lines {
				t.Errorf("%s is bound in line %d of %d", b.Name, b.Line, lines)
			}
			Reason(b.Value)
		}
	})
}
