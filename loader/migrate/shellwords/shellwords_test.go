package shellwords

import (
	"strings"
	"testing"
)

func TestLinesBecomeCommands(t *testing.T) {
	variable := func(name, written, otherwise string) string {
		if name == "SET" {
			return "value"
		}
		if otherwise != "" {
			return otherwise
		}
		return "<" + written + ">"
	}
	for line, want := range map[string]string{
		`gunicorn --bind "0.0.0.0:$PORT" app:app`:                  `gunicorn|--bind|0.0.0.0:<$PORT>|app:app`,
		`A=1 B="two words" cmd 'a $SET b' "c \"d\""`:               `A=1,B=two words: cmd|a $SET b|c "d"`,
		`cd /srv && python manage.py migrate; exec x ${N:-4} ${M}`: `cd|/srv && python|manage.py|migrate ; exec|x|4|<${M}>`,
		`cmd >> /var/log/x 2>&1 < in & other`:                      `cmd & other`,
		`cmd $(cat "x y") a\ b $SET\$ # comment`:                   `cmd|$(cat "x y")|a b|value$`,
		"one \\\n two\nthree":                                      `one|two ; three`,
		`export X=1`:                                               `export|X=1`,
		`unclosed "quote`:                                          `unclosed|quote`,
		`a ${`:                                                     `a|${`,
		``:                                                         ``,
	} {
		var parts []string
		for _, c := range Split(line, variable) {
			text := strings.Join(c.Args, "|")
			if c.Env != nil {
				text = strings.Join(c.Env, ",") + ": " + text
			}
			if c.Then != "" {
				text += " " + c.Then
			}
			parts = append(parts, text)
		}
		if got := strings.Join(parts, " "); strings.TrimRight(got, " ") != want {
			t.Errorf("%s\nbecame %s\nand not %s", line, got, want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(`a "b$c" ${d:-e} $(f) | g > h`)
	f.Fuzz(func(t *testing.T, line string) { Fields(line) })
}
