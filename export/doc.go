// Package export writes what other programs need to serve apps: configurations for nginx and
// lighttpd in front of the host, and units, container files, manifests and jobs for systemd,
// container engines, Kubernetes, Nomad and platforms that read a Procfile.
//
// Each engine gets the same command, "modgw-host run --app NAME" with the app's own descriptor, so
// that a file says only what the engine has to do: start, stop, limit, publish. What the engine
// cannot do of the descriptor stands in comments at the beginning. No file has a value of the app's
// environment, secret or not: the descriptor has them, or names where they are.
//
// Manifests and jobs are templates, whose values go.yaml.in/yaml/v3 and this package quote. The
// types of k8s.io/api would make the program larger by many megabytes for six kinds of objects.
//
// It reads no descriptor file, serves no request and changes nothing: it returns text.
package export
