package http

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestRequestInfoIsThatOfThePlainConnection(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		fmt.Fprint(w, strings.Join([]string{info.Front, info.Path, info.RawTarget, info.Scheme, info.RemoteAddr, r.Host}, " "))
	})})
	resp, err := http.Get("http://" + addr + "/a%20b/c?d=e")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if want := "http /a b/c /a%20b/c?d=e http 127.0.0.1 " + addr; string(body) != want {
		t.Errorf("got %q, want %q", body, want)
	}
}
