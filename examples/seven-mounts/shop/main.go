// The shop serves HTTP on $PORT, as it would anywhere.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

const offer = "the first offer"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, at %s below %s\n", offer, r.URL.Path, r.Header.Get("X-Forwarded-Prefix"))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
