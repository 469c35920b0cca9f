package ballast

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestMappingsThatHoldTheFileAloneAreFound(t *testing.T) {
	const smaps = `00400000-00cac000 r-xp 00000000 fe:00 12443924                           /srv/modgw host
Rss:                8048 kB
Anonymous:             0 kB
00cac000-015bb000 r--p 008ac000 fe:00 12443924                           /srv/modgw host
Anonymous:             4 kB
015bb000-0165e000 rw-p 011bb000 fe:00 12443924                           /srv/modgw host
Anonymous:             0 kB
7fdbde88e000-7fdbde9e4000 r-xp 00026000 fe:00 326269                     /usr/lib/libc.so.6
Anonymous:             0 kB
7ffc0000-7ffd0000 rw-p 00000000 00:00 0
Anonymous:             0 kB
0165e000-0166e000 r--p 011bb000 fe:00 12443924                           /srv/modgw host
Anonymous:             0 kB
VmFlags: rd mr mw me sd
`
	got, err := unchanged(strings.NewReader(smaps), "/srv/modgw host")
	if err != nil {
		t.Fatal(err)
	}
	if want := []mapping{{0x400000, 0xcac000}, {0x165e000, 0x166e000}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestTheProgramGoesOnWithoutItsPagesInMemory(t *testing.T) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Skip(err)
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer smaps.Close()
	if found, err := unchanged(smaps, program); err != nil || len(found) == 0 {
		t.Fatalf("no code of %s is found: %v %v", program, found, err)
	}
	for range 3 {
		if err := releaseProgram(); err != nil {
			t.Fatal(err)
		}
	}
}
