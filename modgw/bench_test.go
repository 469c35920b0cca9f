package modgw

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkServeHTTP routes a request to one of many apps: the cost does not depend on their
// number.
func BenchmarkServeHTTP(b *testing.B) {
	for _, count := range []int{1, 1000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			g := New(Config{Runners: map[Kind]NewRunner{KindWSGI: (&stage{serve: func(http.ResponseWriter, *http.Request) {}}).newRunner}})
			defer g.Close(b.Context())
			for i := range count {
				d := Descriptor{Name: AppName(fmt.Sprintf("app%d", i)), Kind: KindWSGI, Mount: "/", Hosts: []string{fmt.Sprintf("app%d.example.com", i)}}
				if err := g.Deploy(b.Context(), d, "start"); err != nil {
					b.Fatal(err)
				}
			}
			r := httptest.NewRequest("GET", "http://app0.example.com/some/path", nil)
			r = r.WithContext(WithRequestInfo(r.Context(), RequestInfoOf(r)))
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				g.ServeHTTP(w, r)
			}
		})
	}
}
