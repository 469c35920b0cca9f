// Shop counts the items in a basket. The same program runs under modgw-host, as CGI, as FastCGI and
// by itself.
package main

import (
	"fmt"
	"log"
	"net/http"
	"sync/atomic"

	"github.com/modgw/modgw/modgw/app"
)

func main() {
	if err := app.Serve(app.StripMount(shop())); err != nil {
		log.Fatal(err)
	}
}

func shop() http.Handler {
	var basket atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<h1>Shop</h1><p>%d in the basket.</p><form method="post" action="%s/basket"><button>One more</button></form>`,
			basket.Load(), app.Mount(r))
	})
	mux.HandleFunc("POST /basket", func(w http.ResponseWriter, r *http.Request) {
		basket.Add(1)
		http.Redirect(w, r, app.Mount(r)+"/", http.StatusSeeOther)
	})
	return mux
}
