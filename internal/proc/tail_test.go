package proc

import (
	"fmt"
	"strings"
	"testing"
)

func TestTailHasTheLastLines(t *testing.T) {
	var tail Tail
	if got := tail.String(); got != "" {
		t.Errorf("at first: %q", got)
	}
	tail.Add("first\nsecond")
	if got := tail.String(); got != "first\nsecond" {
		t.Errorf("got %q", got)
	}
	for i := range 2 * tailLines {
		tail.Add(fmt.Sprint(i))
	}
	if got := strings.Split(tail.String(), "\n"); len(got) != tailLines || got[0] != "20" || got[tailLines-1] != "39" {
		t.Errorf("got %q", got)
	}
}
