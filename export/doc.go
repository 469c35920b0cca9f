// Package export writes what other programs need to serve apps: configurations for nginx and
// lighttpd in front of the host, and units, container files, manifests and jobs for systemd,
// container engines, Kubernetes, Nomad and platforms that read a Procfile.
//
// Each engine gets the same command, "modgw-host run --app NAME" with the app's own descriptor. So
// a file contains only the engine's part: start, stop, limit, publish. Parts of the descriptor that
// the engine cannot do are listed in comments at the beginning. No file contains a value of the
// app's environment, secret or not: the descriptor contains the values or names their files.
//
// Manifests and jobs are templates, whose values go.yaml.in/yaml/v3 and this package quote. The
// types of k8s.io/api would make the program larger by many megabytes for six kinds of objects.
//
// The package reads no descriptor file, serves no request and changes nothing: it returns text.
package export
