package scgi

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

func packetVariables(text string) ([]variable, error) {
	return variables(readPacket, text)
}

func TestPackets(t *testing.T) {
	for _, c := range []struct {
		name, packet string
		want         []variable
		err          error
	}{
		{name: "empty", packet: "\x00\x00\x00\x00"},
		{name: "one variable", packet: "\x00\x06\x00\x00\x01\x00A\x01\x00b", want: []variable{{Name: "A", Value: "b"}}},
		{name: "modifier2 means nothing", packet: "\x00\x06\x00\x09\x01\x00A\x01\x00b", want: []variable{{Name: "A", Value: "b"}}},
		{name: "empty name and value", packet: "\x00\x04\x00\x00\x00\x00\x00\x00", want: []variable{{}}},
		{name: "name without value", packet: "\x00\x03\x00\x00\x01\x00A", err: errGarbled},
		{name: "half a length", packet: "\x00\x04\x00\x00\x01\x00A\x01", err: errGarbled},
		{name: "longer than the packet", packet: "\x00\x06\x00\x00\x01\x00A\xff\xffb", err: errGarbled},
		{name: "cut in the header", packet: "\x00\x06", err: io.ErrUnexpectedEOF},
		{name: "cut in the content", packet: "\x00\x06\x00\x00\x01", err: io.ErrUnexpectedEOF},
		{name: "nothing", packet: "", err: io.EOF},
	} {
		if got, err := packetVariables(c.packet); !reflect.DeepEqual(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func TestOrdersToUWSGIAreRefused(t *testing.T) {
	for modifier := 1; modifier < 256; modifier++ {
		list, err := packetVariables(string([]byte{byte(modifier), 6, 0, 0, 1, 0, 'A', 1, 0, 'b'}))
		f, ok := errors.AsType[*modgw.Fault](err)
		if list != nil || !ok || !faulttest.Has(f.Error(), "MGW-REQ-013") || !strings.Contains(f.Summary, fmt.Sprintf("modifier1 is %d,", modifier)) {
			t.Errorf("modifier1 %d: %v, %v", modifier, list, err)
		}
	}
}

func TestPathOfApachesMountIsRepaired(t *testing.T) {
	for _, c := range []struct{ software, script, info, want string }{
		{"Apache/2.4.71", "/blog/", "/", ""},
		{"Apache/2.4.71", "/blog", "/", "/"},
		{"Apache/2.4.71", "/blog/", "/x", "/x"},
		{"nginx/1.22", "/blog/", "/", "/"},
	} {
		content := []byte{}
		for _, text := range []string{"SCRIPT_NAME", c.script, "PATH_INFO", c.info, "SERVER_SOFTWARE", c.software} {
			content = append(append(content, byte(len(text)), 0), text...)
		}
		got := map[string]string{}
		if err := parsePacket(string(content), func(name, value string) { got[name] = value }); err != nil || got["PATH_INFO"] != c.want {
			t.Errorf("%v: PATH_INFO %q", c, got["PATH_INFO"])
		}
	}
}

// FuzzPacket reads anything: it ends.
func FuzzPacket(f *testing.F) {
	f.Add("\x00\x06\x00\x00\x01\x00A\x01\x00b")
	f.Add("\x05\x00\x00\x00")
	f.Add("\x00\xff\xff\x00\xff\xff")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = packetVariables(text)
	})
}
