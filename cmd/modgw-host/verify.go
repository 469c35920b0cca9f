package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/replay"
	"github.com/modgw/modgw/modgw"
)

// verification compares migrated apps with the server that they come from.
type verification struct {
	console
	settings  settings
	dir       string           // folder that migrate has written
	sources   []string         // configuration that it was written from
	listeners []modgw.Listener // the listeners of the host with the new configuration

	old      []string // URLs of the old server, at most one for each scheme; empty: it is started
	new      []string // URLs of the new one; empty: it is started
	requests []string // files with requests; empty: links are followed
	hosts    []string // names for requests without a host; empty: those of the apps
	headers  []string // lines that are sent with each request
	most     int      // requests that are compared at most
	asJSON   bool
}

func (v *verification) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&v.old, "old", nil, "with --verify: `URL` of the old server, such as http://127.0.0.1:80 (repeatable, for TLS; default: start Apache with the sources)")
	f.StringArrayVar(&v.new, "new", nil, "with --verify: `URL` of the new server (repeatable, for TLS; default: start a host, behind a private Apache if one is installed)")
	f.StringArrayVar(&v.requests, "requests", nil, "with --verify: access log, or list of paths or URLs, in `FILE`; - is standard input (repeatable; default: follow the links of the pages)")
	f.StringArrayVar(&v.hosts, "host", nil, "with --verify: `NAME` of a site (repeatable; default: the sites of the configuration and of the apps)")
	f.StringArrayVar(&v.headers, "header", nil, "with --verify: send the header `LINE` with each request, such as \"Cookie: sessionid=…\" (repeatable)")
	f.IntVar(&v.most, "most", 1000, "with --verify: compare at most `NUMBER` requests")
}

// run compares the answers, and fails when one differs.
func (v *verification) run(ctx context.Context) error {
	o, err := v.outcome(ctx)
	if err != nil {
		return &modgw.Fault{
			Code:    "MGW-MIG-003",
			Summary: fmt.Sprintf("cannot verify the migration in %q", v.dir),
			Err:     err,
			Hint:    "name the servers yourself with --old URL and --new URL, or what is to be asked with --requests FILE",
		}
	}
	return v.conclude(o)
}

// outcome asks both servers.
func (v *verification) outcome(ctx context.Context) (o outcome, err error) {
	apps, err := v.apps()
	if err != nil {
		return o, err
	}
	suspects, err := v.suspects()
	if err != nil {
		return o, err
	}
	header, err := v.header()
	if err != nil {
		return o, err
	}
	servers, err := v.servers(ctx, header)
	if err != nil {
		return o, err
	}
	defer servers.stop()
	requests, err := v.collect(ctx, servers, v.hostsOf(apps, servers.names))
	if err != nil {
		return o, err
	}
	progress := newProgress(v.console, len(requests))
	results := replay.Replay(ctx, replay.Config{
		Plain: servers.plain, Secure: servers.secure, Requests: requests,
		Suspects: replay.Suspects(suspects, appOf(apps)), Done: progress.add,
	})
	progress.end()
	return newOutcome(servers, results), ctx.Err()
}

// apps reads the descriptors that migrate has written. If both servers run already, the files of
// the apps may be on another machine.
func (v *verification) apps() ([]modgw.Descriptor, error) {
	options := loader.Options{Vars: v.settings.vars, Elsewhere: true}
	files, diags := v.settings.loadWith([]string{filepath.Join(v.dir, "apps-enabled")}, loader.Held{}, options)
	apps := descriptorsOf(files)
	if err := diags.Err(); err != nil && len(apps) == 0 {
		return nil, err
	}
	return apps, nil
}

// header returns the header fields that are added to each request.
func (v *verification) header() (http.Header, error) {
	header := make(http.Header)
	for _, line := range v.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("the header %q is not \"Name: value\"", line)
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return header, nil
}

// hostsOf returns the host names of the web server's configuration and of the apps.
func (v *verification) hostsOf(apps []modgw.Descriptor, names []string) []string {
	if len(v.hosts) > 0 {
		return v.hosts
	}
	names = slices.Clone(names)
	for _, d := range apps {
		for _, name := range d.Hosts {
			if !strings.HasPrefix(name, "*") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// collect reads the requests. Those without a host are sent to the first one.
func (v *verification) collect(ctx context.Context, s *servers, hosts []string) ([]replay.Request, error) {
	var found replay.Requests
	for _, name := range v.requests {
		if err := v.read(&found, name); err != nil {
			return nil, fmt.Errorf("the requests of %q: %w", name, err)
		}
	}
	if len(v.requests) == 0 {
		if len(hosts) == 0 {
			hosts = []string{s.oldURL().Host}
		}
		fmt.Fprintf(v.stderr, "following the links of %s\n", strings.Join(hosts, ", "))
		crawl := replay.Crawl{Plain: s.plain.Old, Secure: s.secure.Old, Hosts: hosts, Most: v.most}
		if err := crawl.Run(ctx, &found); err != nil {
			return nil, fmt.Errorf("the old server does not answer: %w", err)
		}
	}
	if found.Skipped+found.Unsafe > 0 {
		fmt.Fprintf(v.stderr, "left out: %d requests that may change something, %d lines that are not requests\n",
			found.Unsafe, found.Skipped)
	}
	requests := found.List[:min(len(found.List), v.most)]
	if len(requests) < len(found.List) {
		fmt.Fprintf(v.stderr, "comparing the first %d of %d requests; to compare more, use --most\n", len(requests), len(found.List))
	}
	for i := range requests {
		if requests[i].Host == "" && len(hosts) > 0 {
			requests[i].Host = hosts[0]
		}
	}
	if len(requests) == 0 {
		return nil, errors.New("there are no requests with GET, HEAD or OPTIONS")
	}
	return requests, nil
}

func (v *verification) read(found *replay.Requests, name string) error {
	if name == "-" {
		return found.Read(v.stdin, "standard input")
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return found.Read(io.Reader(file), name)
}

// suspects are the lines of the report, with the words that the sources have there.
func (v *verification) suspects() ([]replay.Suspect, error) {
	text, err := os.ReadFile(filepath.Join(v.dir, "report.json"))
	if err != nil {
		return nil, err
	}
	var entries []migrate.Entry
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("its report: %w", err)
	}
	var files migrate.Files
	texts := map[string][]string{}
	var all []replay.Suspect
	for _, e := range entries {
		if e.Became == migrate.NotNeeded {
			continue
		}
		lines, ok := texts[e.File]
		if !ok {
			if source, err := files.Read(e.File); err == nil {
				lines = source.Lines()
			}
			texts[e.File] = lines
		}
		all = append(all, replay.Suspect{
			File: e.File, Line: e.Line, Directive: e.Directive, Reason: e.Reason,
			Args: wordsOf(lines, e.Line), ByHand: e.Became == migrate.ByHand,
		})
	}
	return all, nil
}

// wordsOf are the words of a line, and of those that continue it, after the first.
func wordsOf(lines []string, number int) (words []string) {
	if number < 1 {
		return nil
	}
	for i := number - 1; i < len(lines); i++ {
		text, continued := strings.CutSuffix(strings.TrimRight(lines[i], " \t"), `\`)
		for word := range strings.FieldsSeq(text) {
			words = append(words, strings.Trim(word, `"'<>;`))
		}
		if !continued {
			break
		}
	}
	return words[min(1, len(words)):]
}

// appOf finds the descriptor of the app that answers a request.
func appOf(apps []modgw.Descriptor) func(replay.Request) (replay.Suspect, bool) {
	return func(r replay.Request) (s replay.Suspect, ok bool) {
		var best modgw.Descriptor
		for _, d := range apps {
			if answers(d, r) && len(d.Mount) > len(best.Mount) {
				best = d
			}
		}
		if best.Mount == "" {
			return s, false
		}
		return replay.Suspect{
			File: best.File, Line: best.Line, Directive: "app " + string(best.Name),
			Reason: "the app that answers",
		}, true
	}
}

// answers reports whether a request is for an app.
func answers(d modgw.Descriptor, r replay.Request) bool {
	host, _, _ := strings.Cut(r.Host, ":")
	isIts := func(name string) bool {
		domain, any := strings.CutPrefix(name, "*")
		return name == host || any && strings.HasSuffix(host, domain)
	}
	if len(d.Hosts) > 0 && !slices.ContainsFunc(d.Hosts, isIts) {
		return false
	}
	rest, ok := strings.CutPrefix(r.Target, strings.TrimSuffix(string(d.Mount), "/"))
	return ok && (rest == "" || strings.ContainsAny(rest[:1], "/?"))
}

// conclude prints the outcome.
func (v *verification) conclude(o outcome) error {
	if v.asJSON {
		if err := v.json(o); err != nil {
			return err
		}
	} else {
		o.print(v.stdout)
	}
	if o.Different+o.Failed > 0 {
		return exitCode(exitFailed)
	}
	return nil
}

// parseServers are the URLs of one server by scheme.
func parseServers(texts []string, header http.Header) (plain, secure *replay.Server, err error) {
	for _, text := range texts {
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, nil, fmt.Errorf("%q is no URL such as http://127.0.0.1:80", text)
		}
		s := &replay.Server{URL: u, Header: header}
		if u.Scheme == "https" {
			secure = s
		} else {
			plain = s
		}
	}
	return plain, secure, nil
}

// compare verifies the migrated apps in the output folder. Files that exist already, and may have
// been edited, are verified as they are.
func (m *migration) compare(ctx context.Context, sources []string) error {
	listeners, err := m.listeners()
	if err != nil {
		return err
	}
	if !exists(filepath.Join(m.out, "apps-enabled")) {
		quiet := *m
		quiet.console.stdout, quiet.asJSON = io.Discard, false
		if err := quiet.run(sources); err != nil {
			return err
		}
	}
	v := m.verification
	v.console, v.settings, v.dir, v.asJSON = m.console, m.settings, m.out, m.asJSON
	v.sources, v.listeners = sources, listeners
	return v.run(ctx)
}
