package manual

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// lastFault is the number of the last fault that docs/faults.md lists.
const lastFault = 82

var faultRow = regexp.MustCompile(`(?m)^\| (F\d+) \| [^|]+ \| ([^|]+) \|$`)

// That the tests exist is seen to by TestTheTestsThatTheManualNamesExist.
func TestEveryFaultHasATestOrAReasonForNone(t *testing.T) {
	text, err := os.ReadFile("docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n## Every fault and its test\n")
	if !found {
		t.Fatal("docs/faults.md has no table of all faults")
	}
	held := map[string]string{}
	for _, row := range faultRow.FindAllStringSubmatch(table, -1) {
		if _, twice := held[row[1]]; twice {
			t.Errorf("%s has two rows", row[1])
		}
		held[row[1]] = row[2]
	}
	for number := range lastFault {
		name := fmt.Sprintf("F%d", number+1)
		tests, there := held[name]
		if !there {
			t.Errorf("%s has no row", name)
		} else if !strings.Contains(tests, "`Test") && !strings.HasPrefix(tests, "none: ") {
			t.Errorf("%s names no test and no reason for having none: %s", name, tests)
		}
	}
	if len(held) != lastFault {
		t.Errorf("there are %d rows, want %d", len(held), lastFault)
	}
}
