package app

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
)

type mountKey struct{}

// Mount returns the mount of the app, for example "/shop": the beginning of all the app's own URLs.
// It is "" for an app at the root of its host, under FastCGI, and for a program that runs alone.
func Mount(r *http.Request) string {
	mount, _ := r.Context().Value(mountKey{}).(string)
	return mount
}

// StripMount returns a handler that removes the mount from the path before it calls h, as
// [http.StripPrefix] does. An app that is written for "/" then works under any mount. A path
// without the mount, which the host has removed already if the descriptor has strip_mount, is
// unchanged.
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
