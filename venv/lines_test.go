package venv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutputIsCutIntoPlainLines(t *testing.T) {
	var got []string
	l := lines{each: func(line string) { got = append(got, line) }}
	for _, piece := range []string{
		"one\ntw", "o\r\n\n   \nprogress 1\rprogress 2\n", "\x1b[31mred\x1b[0m \x1b]0;title\a!\n", "b\xffd\x00\x9b\n", "\tlast",
	} {
		if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	want := []string{"one", "two", "progress 1", "progress 2", "red !", "b\ufffdd\ufffd", "\tlast"}
	if tail := l.tail(); tail != strings.Join(want, "\n") {
		t.Errorf("tail %q", tail)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var l lines
	for i := range 1000 {
		fmt.Fprintf(&l, "%d %s\n", i, strings.Repeat("x", 10_000))
	}
	if tail := l.tail(); len(tail) > 20*(maxLine+1) || !strings.HasPrefix(tail, "980 ") {
		t.Errorf("the tail has %d bytes and begins with %.20q", len(tail), tail)
	}
	p := process{args: []string{"/bin/sh", "-c", "head -c 1000000 /dev/zero"}, dir: "/"}
	if out, err := p.output(t.Context()); len(out) != 64<<10 || err != nil {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}
