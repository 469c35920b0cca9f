package venv

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestProgramsOfOtherKindsRunInAPythonEnvironmentWhereTheirDescriptorSaysSo(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, map[string]string{
		"tiny-1.0.dist-info/entry_points.txt": "[console_scripts]\nsay = tiny:say\n",
		"tiny/__init__.py":                    "def say(): print('said')\n",
	})
	s.write("requirements.txt", "tiny==1.0\n")
	for _, d := range []modgw.Descriptor{
		{Kind: modgw.KindHTTP, HTTP: &modgw.HTTP{Command: []string{"say"}}},
		{Kind: modgw.KindFastCGI, FastCGI: &modgw.FastCGI{Command: []string{"say"}}},
		{Kind: modgw.KindCGI, CGI: &modgw.CGI{Dir: s.root}},
	} {
		t.Run(string(d.Kind), func(t *testing.T) {
			d.Name, d.Root, d.Python.Program = "board", s.root, true
			env := s.mustBuild(d)
			if env.Source != "requirements.txt" || len(env.Packages) != 1 {
				t.Errorf("the environment is %+v", env)
			}
			cmd, err := Command(env, d, []string{"say"})
			if err != nil {
				t.Fatal(err)
			}
			if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "said" {
				t.Errorf("%v: %s", err, out)
			}
			if inputs := s.builder().Inputs(d); !slices.Contains(inputs, filepath.Join(s.root, "requirements.txt")) {
				t.Errorf("what it is built from is %q", inputs)
			}
		})
	}
	if env := s.mustBuild(modgw.Descriptor{Name: "files", Kind: modgw.KindCGI, Root: s.root, CGI: &modgw.CGI{Dir: s.root}}); env.Dir != "" {
		t.Errorf("without the block it has the environment %+v", env)
	}
}
