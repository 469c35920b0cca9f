package app_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/modgw/modgw/modgw/app"
)

// A whole program. Hosted, it needs a descriptor of four lines:
//
//	app "hello" {
//	  mount = "/hello"
//	  go {}
//	}
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<a href=%q>about</a>", app.Mount(r)+"/about")
	})
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "a program that runs anywhere")
	})
	if err := app.Serve(app.StripMount(mux)); err != nil {
		log.Fatal(err)
	}
}
