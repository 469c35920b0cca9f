package venv

import "testing"

func TestDemands(t *testing.T) {
	c312 := interpreter{Implementation: cpython, Version: "3.12.1"}
	c39 := interpreter{Implementation: cpython, Version: "3.9.18"}
	c314t := interpreter{Implementation: cpython, Version: "3.14.0rc2", FreeThreaded: true}
	p39 := interpreter{Implementation: pypy, Version: "3.9.16", PyPyVersion: "7.3.11"}
	for _, c := range []struct {
		text     string
		fits     []interpreter
		fitsNone []interpreter
	}{
		{"3", []interpreter{c312, c39}, []interpreter{c314t, p39}},
		{"3.12", []interpreter{c312}, []interpreter{c39, c314t, p39}},
		{" 3.12.1 ", []interpreter{c312}, []interpreter{c39}},
		{"3.12.2", nil, []interpreter{c312}},
		{"3.1", nil, []interpreter{c312, c314t}},
		{"python3.12", []interpreter{c312}, []interpreter{c39}},
		{"cpython-3.12.1-linux-x86_64-gnu", []interpreter{c312}, []interpreter{c39}},
		{">=3.10,<3.14", []interpreter{c312}, []interpreter{c39, c314t, p39}},
		{"~=3.9", []interpreter{c312, c39}, []interpreter{p39}},
		{"!=3.12.*", []interpreter{c39}, []interpreter{c312}},
		{"pypy3.9", []interpreter{p39}, []interpreter{c39}},
		{"PyPy3.9-7.3.11", []interpreter{p39}, []interpreter{c39}},
		{"pypy", []interpreter{p39}, []interpreter{c39}},
		{"3.14t", []interpreter{c314t}, []interpreter{c312}},
		{"3.14+freethreaded", []interpreter{c314t}, []interpreter{c312}},
		{"3.14", nil, []interpreter{c314t}},
	} {
		d, err := parseDemand(c.text, "test")
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		for _, i := range c.fits {
			if why := d.mismatch(i); why != "" {
				t.Errorf("%q refuses %s: %s", c.text, i, why)
			}
		}
		for _, i := range c.fitsNone {
			if d.mismatch(i) == "" {
				t.Errorf("%q takes %s", c.text, i)
			}
		}
	}
	for _, text := range []string{"", "latest", "3.x", ">=three", "./python", "3.12,3.13", "-"} {
		if d, err := parseDemand(text, "test"); err == nil {
			t.Errorf("%q was understood as %+v", text, d)
		}
	}
}

func TestFreeThreadedBuildsSayIt(t *testing.T) {
	i := interpreter{Implementation: cpython, Version: "3.14.0", FreeThreaded: true}
	if got := i.String(); got != "CPython 3.14.0 free-threaded" {
		t.Errorf("String = %q", got)
	}
}

func TestEnvironmentsOfFreeThreadedBuildsSayIt(t *testing.T) {
	for _, free := range []bool{true, false} {
		r := &pythonRecipe{interpreter: interpreter{FreeThreaded: free}}
		if env := r.environment("/srv/envs/1", marker{}); env.FreeThreaded != free {
			t.Errorf("free-threaded %t: got %+v", free, env)
		}
	}
}
