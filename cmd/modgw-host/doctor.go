package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/doctor"
	"github.com/modgw/modgw/modgw/control"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	settings
	targets []string
	files   map[doctor.Kind]*[]string // main files of web servers that are named
	urls    []string
	fix     bool
	offline bool
	asJSON  bool
}

func newDoctor(c console) *cobra.Command {
	f := doctorFlags{files: map[doctor.Kind]*[]string{}}
	cmd := &cobra.Command{
		Use:   "doctor [APP]",
		Short: "Find faults between clients and apps, and fix them",
		Long: `Find faults between clients and apps: in the configuration of Apache, nginx,
lighttpd and HAProxy, in rights, certificates and limits. The doctor sends
signed requests through the web server; the host answers them itself and reports
what arrived. The exit status is 0 if nothing is wrong, and 1 if something is.`,
		Example: "  modgw-host doctor\n  modgw-host doctor blog --fix\n  modgw-host doctor --nginx /etc/nginx/nginx.conf --json",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := f.doctor(cmd, args)
			if err != nil {
				return err
			}
			examine := d.Examine
			if f.fix {
				examine = d.Repair
			}
			found, err := examine(cmd.Context())
			if err != nil {
				return err
			}
			return c.diagnosis(found, f.asJSON)
		},
		ValidArgsFunction: f.completeApps,
	}
	f.bind(cmd)
	flags := cmd.Flags()
	bindTargetFlag(cmd, &f.targets)
	for _, kind := range []doctor.Kind{doctor.Apache, doctor.Nginx, doctor.Lighttpd, doctor.HAProxy} {
		f.files[kind] = flags.StringArray(string(kind), nil, "main configuration `FILE` of "+string(kind)+" (default: the usual one, if it exists)")
	}
	flags.StringArrayVar(&f.urls, "url", nil, "send the requests to `URL` instead of the addresses in the configuration (repeatable)")
	flags.BoolVar(&f.fix, "fix", false, "edit the named files, let the web server check and load them, and undo edits that do not help")
	flags.BoolVar(&f.offline, "offline", false, "only read the configurations of the web servers")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// doctor makes the doctor that the flags ask for.
func (f *doctorFlags) doctor(cmd *cobra.Command, args []string) (*doctor.Doctor, error) {
	ctx := cmd.Context()
	all, err := f.descriptors(ctx, f.targets)
	if err != nil {
		return nil, err
	}
	config := doctor.Config{Apps: all, All: all, URLs: f.urls, Offline: f.offline}
	if len(args) == 1 {
		if config.Apps = chosen(all, args); len(config.Apps) == 0 {
			return nil, unknownApp(args[0], namesOf(all))
		}
	}
	if config.Listeners, err = f.listeners(cmd); err != nil {
		return nil, err
	}
	if config.TrustedProxies, err = f.trustedProxies(); err != nil {
		return nil, err
	}
	config.HostFile = f.hostFileFor(nil)
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	status, err := client.Status(ctx)
	if err == nil && !f.offline {
		config.Host, config.HostFile = client, cmp.Or(status.File, config.HostFile)
		config.Backups = filepath.Join(status.State, "doctor")
	} else if err != nil && !errors.Is(err, control.ErrNoHost) {
		return nil, err
	}
	if config.Backups == "" {
		h, err := f.host()
		if err != nil {
			return nil, err
		}
		config.Backups = filepath.Join(h.State(), "doctor")
	}
	if config.Servers, err = f.servers(ctx, status.State); err != nil {
		return nil, err
	}
	return doctor.New(config), nil
}

// usualFiles are the main files of web servers, by distribution.
var usualFiles = []struct {
	kind doctor.Kind
	path string
}{
	{doctor.Apache, "/etc/apache2/apache2.conf"},
	{doctor.Apache, "/etc/httpd/conf/httpd.conf"},
	{doctor.Apache, "/usr/local/apache2/conf/httpd.conf"},
	{doctor.Nginx, "/etc/nginx/nginx.conf"},
	{doctor.Lighttpd, "/etc/lighttpd/lighttpd.conf"},
	{doctor.HAProxy, "/etc/haproxy/haproxy.cfg"},
}

// servers returns the web servers that were named. If none was, it returns the private Apache of
// the running host, which is found by its state folder, or else the servers whose configuration is
// in the usual place.
func (f *doctorFlags) servers(ctx context.Context, state string) (servers []doctor.Server, err error) {
	for _, kind := range []doctor.Kind{doctor.Apache, doctor.Nginx, doctor.Lighttpd, doctor.HAProxy} {
		for _, file := range *f.files[kind] {
			path, err := filepath.Abs(file)
			if err != nil {
				return nil, err
			}
			servers = append(servers, describeServer(ctx, kind, path))
		}
	}
	if len(servers) > 0 {
		return servers, nil
	}
	if own := apache.RunningFile(filepath.Join(state, apacheFolder)); state != "" && own != "" {
		s := describeServer(ctx, doctor.Apache, own)
		s.User = ownerOf(own)
		return []doctor.Server{s}, nil
	}
	for _, usual := range usualFiles {
		if _, err := os.Stat(usual.path); err == nil {
			servers = append(servers, describeServer(ctx, usual.kind, usual.path))
		}
	}
	if len(servers) == 0 && f.offline {
		return nil, doctor.NoServer()
	}
	return servers, nil
}

// ownerOf returns the owner of a file, as "#1000". It returns "" for root, whose Apache changes to
// another user.
func ownerOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		return fmt.Sprint("#", owner.Uid)
	}
	return ""
}

// describeServer finds the program that reads a configuration, and its environment.
func describeServer(ctx context.Context, kind doctor.Kind, file string) doctor.Server {
	s := doctor.Server{Kind: kind, File: file}
	if kind == doctor.Apache {
		if p, err := apache.Find(ctx, ""); err == nil {
			s.Program, s.Version, s.Modules = p.Path, p.Version, p.Static
		}
		s.Variables = apacheVariables(filepath.Join(filepath.Dir(file), "envvars"))
		return s
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"} {
		path := filepath.Join(dir, string(kind))
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			s.Program = path
			break
		}
	}
	return s
}

// apacheVariables returns the variables that Debian's file of shell assignments sets. It runs no
// code of the file.
func apacheVariables(file string) map[string]string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	variables := map[string]string{"SUFFIX": ""}
	for line := range strings.SplitSeq(string(text), "\n") {
		assignment, exported := strings.CutPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(assignment, "=")
		if !exported || !ok {
			continue
		}
		variables[name] = strings.NewReplacer("$SUFFIX", "", "${SUFFIX}", "").Replace(strings.Trim(value, `"'`))
	}
	return variables
}

// diagnosis prints findings. The exit status reports whether any is left.
func (c console) diagnosis(found []doctor.Finding, asJSON bool) error {
	if asJSON {
		if found == nil {
			found = []doctor.Finding{}
		}
		if err := c.json(found); err != nil {
			return err
		}
	} else if err := c.findingsOfDoctor(found); err != nil {
		return err
	}
	if slices.ContainsFunc(found, func(f doctor.Finding) bool { return !f.Fixed }) {
		return exitCode(exitFailed)
	}
	return nil
}

func (c console) findingsOfDoctor(found []doctor.Finding) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(c.stdout, "[✓] nothing is wrong")
		return err
	}
	for _, f := range found {
		mark := map[doctor.Severity]string{doctor.Error: "[✗]", doctor.Warning: "[!]"}[f.Severity]
		if f.Fixed {
			mark = "[✓] fixed:"
		}
		if _, err := fmt.Fprintf(c.stdout, "%s %s\n", mark, f.Text()); err != nil {
			return err
		}
		if place := f.Place(); place != "" {
			fmt.Fprintf(c.stdout, "    at %s\n", place)
		}
		if f.Fix != "" {
			fmt.Fprintf(c.stdout, "    fix: %s\n", strings.ReplaceAll(f.Fix, "\n", "\n    "))
		}
	}
	return nil
}
