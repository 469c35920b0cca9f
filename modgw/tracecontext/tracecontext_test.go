package tracecontext

import (
	"strings"
	"testing"
)

const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestParentIsReadOnlyFromOneHeaderWithoutAMistake(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		valid,
		strings.TrimSuffix(valid, "1") + "0",
		strings.TrimSuffix(valid, "1") + "3",
		"cc" + valid[2:],
		"cc" + valid[2:] + "-what-the-future-brings",
	} {
		p := ParseTraceparent([]string{good})
		if !p.IsValid() || p.Sampled != (good[54]&1 == 1) || p.Random != (good[54]&2 == 2) {
			t.Errorf("%s: %+v", good, p)
		}
		if want := "00" + good[2:55]; p.String() != want {
			t.Errorf("%s becomes %s", good, p)
		}
	}
	for _, bad := range [][]string{
		nil, {""}, {valid, valid}, {valid + ", " + valid}, {valid[:54]}, {valid + "-"}, {valid + "1"}, {" " + valid},
		{"ff" + valid[2:]}, {"cc" + valid[2:] + "1"}, {"0x" + valid[2:]}, {strings.ToUpper(valid)},
		{strings.Replace(valid, "4bf92f3577b34da6a3ce929d0e0e4736", strings.Repeat("0", 32), 1)},
		{strings.Replace(valid, "00f067aa0ba902b7", strings.Repeat("0", 16), 1)},
		{strings.ReplaceAll(valid, "-", "_")}, {strings.Replace(valid, "b7-", "b7 ", 1)}, {valid[:53] + "g1"},
		{strings.Replace(valid, "4bf9", "4bf\xff", 1)},
	} {
		if p := ParseTraceparent(bad); p != (SpanContext{}) {
			t.Errorf("%q is taken for %+v", bad, p)
		}
	}
}

func TestStateIsPassedOnOnlyAsAWhole(t *testing.T) {
	t.Parallel()
	for _, good := range [][]string{
		{"rojo=00f067aa0ba902b7"}, {"rojo=1,congo=t61rcWkgMzE"}, {"rojo=1", "congo=2"}, {"a=1, b=2\t,,c=3"},
		{"fw529a3039@dt=FfAAAAIAAAAF"}, {"1tenant@system=a b"}, {"z*/-_0=!<>~"},
	} {
		if got, want := ParseTracestate(good), strings.Join(good, ","); got != want {
			t.Errorf("%q becomes %q", good, got)
		}
	}
	for _, bad := range [][]string{
		nil, {""}, {" , "}, {"rojo"}, {"rojo="}, {"=1"}, {"Rojo=1"}, {"0rojo=1"}, {"rojo=1=2"}, {"ro jo=1"}, {"rojo=\x01"},
		{"rojo=\xff"}, {"a@=1"}, {"@a=1"}, {"a@0=1"}, {"a@b@c=1"}, {"rojo=1", "congo"},
		{"rojo=" + strings.Repeat("x", 257)}, {strings.Repeat("a", 257) + "=1"}, {"a@" + strings.Repeat("b", 15) + "=1"},
		{strings.Repeat("a=1,", 33)}, {strings.TrimSuffix(strings.Repeat("a="+strings.Repeat("x", 200)+",", 11), ",")},
	} {
		if got := ParseTracestate(bad); got != "" {
			t.Errorf("%q becomes %q", bad, got)
		}
	}
}

func FuzzParents(f *testing.F) {
	f.Add(valid)
	f.Fuzz(func(t *testing.T, header string) {
		p := ParseTraceparent([]string{header})
		if p.IsValid() && ParseTraceparent([]string{p.String()}) != p {
			t.Errorf("%q becomes %s", header, p)
		}
		ParseTracestate([]string{header})
	})
}
