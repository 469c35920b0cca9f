package response

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestHeadIsReadInParts(t *testing.T) {
	var h Head
	for raw, want := range map[string]http.Header{
		"200 OK": {"Content-Type": nil},
		"200 \x00Content-Type\x00text/plain\x00x-a\x00\x00X-A\x00b: c": {
			"Content-Type": {"text/plain"}, "X-A": {"", "b: c"},
		},
		"200\x00Connection\x00x-own\x00X-Own\x00a\x00Keep-Alive\x00b\x00Content-Length\x005": {
			"Content-Type": nil,
		},
	} {
		if err := h.Decode([]byte(raw)); err != nil {
			t.Errorf("%q: %v", raw, err)
			continue
		}
		header := http.Header{}
		h.CopyTo(header)
		if !reflect.DeepEqual(header, want) {
			t.Errorf("%q: got %v", raw, header)
		}
		if long := strings.Contains(raw, "Content-Length"); h.Status != 200 || h.Length != 5 && long || h.Length != -1 && !long {
			t.Errorf("%q: status %d, length %d", raw, h.Status, h.Length)
		}
	}
}

func TestHeadThatIsNoneIsRefused(t *testing.T) {
	var h Head
	for raw, want := range map[string]string{
		"":                                   "a response head whose status is",
		"two":                                "a response head whose status is",
		"200x":                               "a response head whose status is",
		"-200":                               "a response head whose status is",
		"99999":                              "a response head whose status is",
		"199 OK":                             "its status is 199",
		"600":                                "its status is 600",
		"200\x00X-A":                         "a header that has no value",
		"200\x00X-A\x00b\x00":                "a header that has no value",
		"200\x00X A\x00b":                    "cannot be the name of a header",
		"200\x00\x00b":                       "cannot be the name of a header",
		"200\x00X-A\x00b\r\nX-B: c":          "has a control character",
		"200\x00Content-Length\x00+5":        "is not a number",
		"200" + strings.Repeat("\x00a", 402): "it has 201 headers, more than 200",
		"200\x00X-A\x00" + strings.Repeat("a", maxHeaderBytes): "more than 65536",
	} {
		if err := h.Decode([]byte(raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50q: %v", raw, err)
		}
	}
}
