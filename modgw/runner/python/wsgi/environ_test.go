package wsgi

import (
	"encoding/binary"
	"net/http/httptest"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/wire"
)

// TestRequestsOfOneSiteBeginWithTheSameBytes checks a property on which the worker relies, because
// it caches the beginnings of requests: parts that differ from request to request come last.
func TestRequestsOfOneSiteBeginWithTheSameBytes(t *testing.T) {
	first, own := environOf(t, "/one?a=b", modgw.RequestInfo{
		Path: "/one", RawTarget: "/one?a=b", Scheme: "http", RemoteAddr: "192.0.2.1", RemotePort: "1", ID: "1",
		Variables: map[string]string{"DOCUMENT_ROOT": "/srv", "SERVER_ADMIN": "me", "UNIQUE_ID": "x"},
	})
	second, other := environOf(t, "/two", modgw.RequestInfo{
		Path: "/two", RawTarget: "/two", Scheme: "http", RemoteAddr: "192.0.2.2", RemotePort: "2", ID: "2",
		Variables: map[string]string{"UNIQUE_ID": "y", "SERVER_ADMIN": "me", "DOCUMENT_ROOT": "/srv"},
	})
	if first != second {
		t.Errorf("they begin with\n%q\n%q", first, second)
	}
	if own["UNIQUE_ID"] != "x" || own["PATH_INFO"] != "/one" || other["UNIQUE_ID"] != "y" || other["REMOTE_PORT"] != "2" {
		t.Errorf("they go on with\n%q\n%q", own, other)
	}
	both := decodeDict(t, first)
	if both["DOCUMENT_ROOT"] != "/srv" || both["HTTP_HOST"] != "example.com" || both["REQUEST_METHOD"] != "GET" {
		t.Errorf("they have in common %q", both)
	}
	for name := range own {
		if _, ok := both[name]; ok {
			t.Errorf("%s comes twice", name)
		}
	}
}

func environOf(t *testing.T, target string, info modgw.RequestInfo) (beginning string, own map[string]string) {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("User-Agent", "curl")
	head := appendEnviron(nil, r, &info, 0)
	n := binary.LittleEndian.Uint32(head)
	return string(head[4 : 4+n]), decodeDict(t, string(head[4+n:]))
}

func decodeDict(t *testing.T, data string) map[string]string {
	t.Helper()
	dict := map[string]string{}
	d := wire.NewDecoder(data)
	d.Dict(func(key string) { dict[key] = d.Latin1() })
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	return dict
}
