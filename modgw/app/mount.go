package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
)

type mountKey struct{}

// Mount tells where the app is mounted, "/shop" for example: what the app's own URLs have to begin
// with. It is "" for an app at the root of its host, under FastCGI, and for a program that runs
// alone.
func Mount(r *http.Request) string {
	mount, _ := r.Context().Value(mountKey{}).(string)
	return mount
}

// StripMount returns a handler that takes the mount off the path before it calls h, as
// [http.StripPrefix] does. An app that is written for "/" then answers wherever it is mounted. A
// path without the mount, which the host has taken off already when the descriptor says
// strip_mount, stays as it is.
func StripMount(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mount := Mount(r)
		rest, ok := strings.CutPrefix(r.URL.Path, mount)
		switch {
		case mount == "" || !ok || rest != "" && rest[0] != '/':
			h.ServeHTTP(w, r)
		case rest == "":
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = "/", ""
			h.ServeHTTP(w, r)
		default:
			http.StripPrefix(mount, h).ServeHTTP(w, r)
		}
	})
}

// mounted returns a handler whose requests know the mount.
func mounted(h http.Handler, mount string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), mountKey{}, mount)))
	})
}

// believing returns a handler that uses modgw-host's headers about a request: the mount of the app
// and the client. Only modgw-host can connect to the socket that it gives to a program of a Go
// module.
func believing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), mountKey{}, r.Header.Get("X-Forwarded-Prefix")))
		if client := r.Header.Get("X-Forwarded-For"); client != "" {
			r.RemoteAddr = net.JoinHostPort(client, "0")
		}
		h.ServeHTTP(w, r)
	})
}

// cgiMount is the mount of a CGI program.
func cgiMount() string { return strings.TrimSuffix(os.Getenv("SCRIPT_NAME"), "/") }
