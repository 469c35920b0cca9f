package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/apache/trial"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/httpd"
	"github.com/modgw/modgw/loader/migrate/replay"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
)

// servers are the two servers to compare, and the processes that were started for that.
type servers struct {
	plain, secure replay.Pair
	started       []func() // stop the processes that were started
	dir           string   // folder for the files of the started servers
	names         []string // names of the sites of an Apache that was started
}

func (s *servers) stop() {
	for i := len(s.started) - 1; i >= 0; i-- {
		s.started[i]()
	}
}

func (s *servers) oldURL() *url.URL {
	if s.plain.Old != nil {
		return s.plain.Old.URL
	}
	return s.secure.Old.URL
}

func (s *servers) newURL() *url.URL {
	if s.plain.New != nil {
		return s.plain.New.URL
	}
	return s.secure.New.URL
}

// servers finds or starts both. The caller calls stop.
func (v *verification) servers(ctx context.Context, header http.Header) (s *servers, err error) {
	s = new(servers)
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "modgw-verify-"); err != nil {
		return s, err
	}
	s.started = append(s.started, func() { os.RemoveAll(s.dir) })
	if err := os.Chmod(s.dir, 0o711); err != nil { // for the users of the apps
		return s, err
	}
	if s.plain.Old, s.secure.Old, err = parseServers(v.old, header); err != nil {
		return s, err
	}
	if s.plain.New, s.secure.New, err = parseServers(v.new, header); err != nil {
		return s, err
	}
	if len(v.old) == 0 {
		if err := v.startOld(ctx, s, header); err != nil {
			return s, err
		}
	}
	if len(v.new) == 0 {
		if err := v.startNew(ctx, s, header); err != nil {
			return s, err
		}
	}
	for _, pair := range []*replay.Pair{&s.plain, &s.secure} {
		if pair.Old == nil || pair.New == nil {
			*pair = replay.Pair{} // one of them has no such sites
		}
	}
	if s.plain.Old == nil && s.secure.Old == nil {
		return s, errors.New("the two servers have no URL with the same scheme")
	}
	return s, nil
}

// startOld runs an Apache of our own with the old configuration.
func (v *verification) startOld(ctx context.Context, s *servers, header http.Header) error {
	if !v.isApache() {
		return errors.New("the old server is not Apache, which alone is started here")
	}
	program, err := apache.Find(ctx, "")
	if err != nil {
		return fmt.Errorf("the old server cannot be run here: %w", err)
	}
	config := trial.Config{Program: program, Modules: []string{"wsgi"}}
	if config.Main = mainFile(v.sources); config.Main == "" {
		config.Parts = filesOf(v.sources)
	}
	fmt.Fprintln(v.stderr, "starting a private Apache with the old configuration")
	running, err := v.startApache(ctx, s, "old", config)
	if err != nil {
		return fmt.Errorf("the old server: %w", err)
	}
	s.plain.Old, s.secure.Old = asServer(running.Plain, header), asServer(running.Secure, header)
	return nil
}

// isApache reports whether one of the sources is a configuration of Apache.
func (v *verification) isApache() bool {
	var files migrate.Files
	return slices.ContainsFunc(filesOf(v.sources), func(path string) bool {
		source, err := files.Read(path)
		return err == nil && httpd.Reader{}.Recognise(source) > 0
	})
}

// startNew runs a host with the migrated apps, and where there are Apache and a new configuration
// of it, an Apache of our own before the host.
func (v *verification) startNew(ctx context.Context, s *servers, header http.Header) error {
	fronts, err := v.startHost(ctx, s)
	if err != nil {
		return err
	}
	config := trial.Config{
		Modules: []string{"proxy", "proxy_fcgi", "proxy_http", "setenvif", "headers", "rewrite"},
		Replace: fronts.replace,
	}
	changed := filepath.Join(v.dir, "apache")
	if config.Program, err = apache.Find(ctx, ""); err != nil || !exists(changed) {
		return v.askHost(s, fronts.url, header)
	}
	if main := mainFile([]string{changed}); main != "" {
		root := filepath.Join(s.dir, "apache")
		if err := trial.Overlay(v.rootOf(main, changed), changed, root); err != nil {
			return err
		}
		name, err := filepath.Rel(changed, main)
		if err != nil {
			return err
		}
		config.Main = filepath.Join(root, name)
	} else {
		config.Parts = filesOf([]string{changed})
	}
	fmt.Fprintln(v.stderr, "starting a private Apache with the new configuration")
	running, err := v.startApache(ctx, s, "new", config)
	if err != nil {
		return fmt.Errorf("the new server: %w", err)
	}
	s.plain.New, s.secure.New = asServer(running.Plain, header), asServer(running.Secure, header)
	return nil
}

// askHost compares the host itself, without a web server before it.
func (v *verification) askHost(s *servers, u *url.URL, header http.Header) error {
	s.plain.New = asServer(u, header)
	header = header.Clone()
	header.Set("X-Forwarded-Proto", "https")
	s.secure.New = asServer(u, header)
	return nil
}

func asServer(u *url.URL, header http.Header) *replay.Server {
	if u == nil {
		return nil
	}
	return &replay.Server{URL: u, Header: header}
}

// startApache runs an Apache until the verification ends.
func (v *verification) startApache(ctx context.Context, s *servers, name string, c trial.Config) (*trial.Server, error) {
	c.Dir = filepath.Join(s.dir, name)
	if err := os.Mkdir(c.Dir, 0o711); err != nil {
		return nil, err
	}
	running, err := trial.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	s.started = append(s.started, running.Stop)
	s.names = running.Names
	return running, nil
}

// fronts are where a host answers that was started for the verification.
type fronts struct {
	url     *url.URL
	replace []string // addresses in the new configuration, and those that take their place
}

// startHost runs a host with the migrated apps until the verification ends.
func (v *verification) startHost(ctx context.Context, s *servers) (f fronts, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return f, err
	}
	log, err := os.Create(filepath.Join(v.dir, "verify.log"))
	if err != nil {
		listener.Close()
		return f, err
	}
	s.started = append(s.started, func() { log.Close() })
	f.url = &url.URL{Scheme: "http", Host: listener.Addr().String()}
	sockets := frontSockets(s.dir)
	for _, l := range v.listeners {
		for _, own := range sockets {
			if l.Kind == own.Kind && strings.HasPrefix(string(l.Address), "unix:") {
				f.replace = append(f.replace, string(l.Address), string(own.Address))
			}
		}
	}
	stop, err := v.runHost(ctx, s.dir, listener, sockets, log)
	if err == nil {
		s.started = append(s.started, stop)
	}
	return f, err
}

// runHost runs a host with the migrated apps, until stop is called, and waits until all apps have
// been started. Those that have not are reported.
func (v *verification) runHost(
	ctx context.Context, state string, l net.Listener, further []modgw.Listener, log io.Writer,
) (stop func(), err error) {
	ready := make(chan struct{})
	h, err := host.New(host.Config{
		Targets:      []string{filepath.Join(v.dir, "apps-enabled")},
		Sockets:      []host.Socket{{Kind: "http", Listener: l}},
		Further:      further,
		State:        state,
		Environments: cmp.Or(v.settings.state, host.DefaultState(os.Getuid())),
		Vars:         v.settings.vars,
		Version:      version(),
		Unwatched:    true,
		// Requests to sites with TLS come without it, and have a header that says so.
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Ready:          func() { close(ready) },
		Log:            slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		l.Close()
		return nil, err
	}
	fmt.Fprintf(v.stderr, "starting the migrated apps; their log is %s\n", filepath.Join(v.dir, "verify.log"))
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() { ended <- h.Run(ctx) }()
	stop = func() {
		cancel()
		<-ended
	}
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		cancel()
		return nil, cmp.Or(err, ctx.Err())
	}
	status := h.Status()
	for _, file := range status.Broken {
		fmt.Fprintf(v.stderr, "%s\n", file.Diagnostics)
	}
	for _, app := range status.Apps {
		if app.State == modgw.AppFailed && app.Failure != nil {
			fmt.Fprintf(v.stderr, "app %q does not run: %s\n", app.App, app.Failure.Text)
		}
	}
	return stop, nil
}

// mainFile is the main file of a configuration of Apache among sources; "": there is none.
func mainFile(sources []string) string {
	for _, source := range sources {
		for _, name := range []string{"", "apache2.conf", "httpd.conf", "conf/httpd.conf"} {
			path := filepath.Join(source, name)
			switch filepath.Base(path) {
			case "apache2.conf", "httpd.conf":
				if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && loadsModules(path) {
					return path
				}
			}
		}
	}
	return ""
}

// loadsModules reports whether a file is a whole configuration: it loads modules, or includes files
// that do.
func loadsModules(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && wholeServer.Match(text)
}

var wholeServer = regexp.MustCompile(`(?im)^[ \t]*(ServerRoot|LoadModule|Include(Optional)?[ \t]+\S*mods-enabled)\b`)

// filesOf are the absolute paths of the files that sources name, and of those in folders.
func filesOf(sources []string) (files []string) {
	for _, source := range sources {
		_ = filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				if absolute, err := filepath.Abs(path); err == nil {
					files = append(files, absolute)
				}
			}
			return nil
		})
	}
	return files
}

// rootOf is the folder of the old configuration whose main file has the same place in it as one of
// the new configuration.
func (v *verification) rootOf(main, changed string) string {
	name, err := filepath.Rel(changed, main)
	if err != nil {
		return ""
	}
	for _, source := range v.sources {
		for _, path := range []string{source, filepath.Join(source, name)} {
			if root, ok := strings.CutSuffix(path, string(filepath.Separator)+name); ok && exists(path) {
				if absolute, err := filepath.Abs(root); err == nil {
					return absolute
				}
			}
		}
	}
	return changed
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
