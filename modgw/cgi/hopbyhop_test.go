package cgi

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStripTakesOutWhatConcernsTheConnection(t *testing.T) {
	header := http.Header{
		"Connection": {"close, X-Own", "content-length ,x-other"}, "Keep-Alive": {"timeout=5"}, "Transfer-Encoding": {"chunked"},
		"Te": {"trailers"}, "Trailer": {"X-Sum"}, "Upgrade": {"h2c"}, "Proxy-Authenticate": {"Basic"}, "Proxy-Connection": {"close"},
		"X-Own": {"1"}, "X-Other": {"2"}, "Content-Length": {"3"}, "X-Kept": {"4"},
	}
	dropHopByHop(header)
	want := http.Header{"Content-Length": {"3"}, "X-Kept": {"4"}}
	if diff := cmp.Diff(want, header); diff != "" {
		t.Error(diff)
	}
}
