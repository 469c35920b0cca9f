package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// failing returns the events of a test that fails in a package after printing a text.
func failing(pkg, name, printed string) string {
	return fmt.Sprintf(`{"Action":"output","Package":%[1]q,"Test":%[2]q,"Output":%[3]q}
{"Action":"fail","Package":%[1]q,"Test":%[2]q,"Elapsed":2}
`, pkg, name, printed)
}

// failed returns the event of a package that has failed.
func failed(pkg string) string {
	return fmt.Sprintf("{\"Action\":\"fail\",\"Package\":%q,\"Elapsed\":3}\n", pkg)
}

// secondTry plays a run whose failed tests run again. It returns the text that was shown, the tests
// that ran again, and whether the run passed. The tests named in passes pass the second time.
func secondTry(t *testing.T, events string, passes ...string) (shown string, ran []string, passed bool) {
	t.Helper()
	var out strings.Builder
	r := newRun(&out)
	play(r, events)
	if r.mayRepeat() {
		r.repeat(func(of test, second *run) error {
			ran = append(ran, of.pkg+" "+of.name)
			if !slices.Contains(passes, of.name) {
				play(second, failing(of.pkg, of.name, "once more\n")+failed(of.pkg))
				return errors.New("exit status 1")
			}
			play(second, fmt.Sprintf(`{"Action":"pass","Package":%[1]q,"Test":%[2]q,"Elapsed":2}
{"Action":"pass","Package":%[1]q,"Elapsed":2}
`, of.pkg, of.name))
			return nil
		})
	}
	passed = r.end(errors.New("exit status 1"))
	return out.String(), ran, passed
}

func TestTestThatPassesAloneIsUnsteadyAndTheRunHasPassed(t *testing.T) {
	events := failing("x/a", "TestOne/sub", "too late\n") + failing("x/a", "TestOne", "of which one failed\n") + failed("x/a")
	out, ran, passed := secondTry(t, events, "TestOne")
	if !passed || !slices.Equal(ran, []string{"x/a TestOne"}) {
		t.Errorf("passed: %t, ran again: %q", passed, ran)
	}
	_, last, found := strings.Cut(out, "UNSTEADY  x/a TestOne")
	if !found || !strings.Contains(last, "too late\nof which one failed\n") || !strings.Contains(last, "1 are UNSTEADY: TestOne\n") {
		t.Errorf("shown:\n%s", out)
	}
}

func TestTestThatFailsAloneIsAFailure(t *testing.T) {
	events := failing("x/a", "TestOne", "") + failing("x/a", "TestTwo", "") + failed("x/a")
	out, ran, passed := secondTry(t, events, "TestOne")
	if passed || len(ran) != 2 || !strings.HasSuffix(out, "FAIL  x/a TestTwo\n") {
		t.Errorf("passed: %t, ran again: %q, shown:\n%s", passed, ran, out)
	}
}

func TestWhatIsNotOfTheLoadDoesNotRunAgain(t *testing.T) {
	many := ""
	for i := range maxRepeated + 1 {
		many += failing("x/a", fmt.Sprint("Test", i), "")
	}
	one := failing("x/a", "TestOne", "")
	for name, events := range map[string]string{
		"many tests":                    many + failed("x/a"),
		"a data race":                   failing("x/a", "TestOne", "race detected during execution of test\n") + failed("x/a"),
		"a data race in another's text": `{"Action":"output","Package":"x/a","Test":"TestTwo","Output":"WARNING: DATA RACE\n"}` + "\n" + one + failed("x/a"),
		"a panic":                       failing("x/a", "TestOne", "panic: no\n") + failed("x/a"),
		"a package after its tests":     one + failed("x/a") + failed("x/b"),
		"a panic of the package":        one + `{"Action":"output","Package":"x/a","Output":"panic: test timed out\n"}` + "\n" + failed("x/a"),
	} {
		t.Run(name, func(t *testing.T) {
			if out, ran, passed := secondTry(t, events, "TestOne"); passed || len(ran) > 0 || !strings.Contains(out, "FAIL  x/a") {
				t.Errorf("passed: %t, ran again: %q, shown:\n%s", passed, ran, out)
			}
		})
	}
}

func TestLongOutputOfAnUnsteadyTestIsShortened(t *testing.T) {
	events := failing("x/a", "TestOne", strings.Repeat("line\n", 3*maxLines)) + failed("x/a")
	out, _, _ := secondTry(t, events, "TestOne")
	_, last, _ := strings.Cut(out, "UNSTEADY")
	if shown := strings.Count(last, "line\n"); shown != maxLines || !strings.Contains(last, "lines more, which stand above") {
		t.Errorf("%d lines were shown:\n%s", shown, last)
	}
}
