package mountinfo

import (
	"os"
	"reflect"
	"testing"
)

func TestMountsAreReadWithTheirBlanks(t *testing.T) {
	got := Parse("36 35 98:0 /a\\040b /srv/c\\011d\\134040 rw,noatime shared:1 - ext4 /dev/root rw,errors=continue\n" +
		"37 35 0:5 / /tmp rw - tmpfs  rw\n" + // its source is empty
		"38 35 0:6 /")
	want := []Mount{
		{"36", "98:0", "/a b", "/srv/c\td\\040", "ext4", []string{"rw", "errors=continue"}},
		{"37", "0:5", "/", "/tmp", "tmpfs", []string{"rw"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestMountsOfThisProcessAreRead(t *testing.T) {
	table, err := os.ReadFile(Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Parse(string(table)) {
		if m.Point == "/proc" && m.Type == "proc" {
			return
		}
	}
	t.Errorf("no /proc in %q", table)
}
