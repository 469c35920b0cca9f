package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// publishing is whether a command makes Apache follow at once.
type publishing struct{ apache bool }

func (p *publishing) bind(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.apache, "apache", false, "also update Apache: run apache config --split --reload for the folder apache next to the host's file, with the flags of the last time")
}

// finish publishes the result of a command, or prints how to.
func (p *publishing) finish(ctx context.Context, c console, s *settings) error {
	if p.apache {
		return publish(ctx, c, s)
	}
	fmt.Fprintf(c.stderr, "To update Apache:  modgw-host apache config --split %s --reload\n",
		filepath.Join(filepath.Dir(s.hostFileFor(nil)), "apache"))
	return nil
}

func newEnable(c console) *cobra.Command {
	var s settings
	var p publishing
	cmd := &cobra.Command{
		Use:   "enable [TARGET]",
		Short: "Add the apps of a project to the host",
		Long: `Link a descriptor into the folder of enabled apps that the host's file names,
and wait until the host serves its apps. TARGET is the descriptor or a project's
folder (default: the current folder). If the folder has no descriptor, enable
writes one, as init does.`,
		Example: "  modgw-host enable /srv/blog",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return enable(cmd.Context(), c, &s, &p, firstOf(args, "."))
		},
	}
	s.bind(cmd)
	p.bind(cmd)
	return cmd
}

func enable(ctx context.Context, c console, s *settings, p *publishing, target string) error {
	folder, opts, err := enabledFolder(s)
	if err != nil {
		return err
	}
	path, err := descriptorAt(c, target)
	if err != nil {
		return err
	}
	if link := linkTo(folder, path); link != "" {
		fmt.Fprintf(c.stderr, "%s is already enabled (%s).\n", path, link)
		return nil
	}
	files, _, diags := loader.LoadHeld([]string{path}, s.held(ctx, nil), opts)
	if err := diags.Err(); err != nil {
		return err
	}
	apps := namesOf(descriptorsOf(files))
	if len(apps) == 0 {
		return fmt.Errorf("cannot enable %q: it describes no app", path)
	}
	link := filepath.Join(folder, apps[0]+".hcl")
	switch err := os.Symlink(path, link); {
	case err == nil:
		fmt.Fprintf(c.stderr, "Enabled %s (%s).\n", strings.Join(apps, ", "), link)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("cannot enable app %q: %q is there already; disable that app first, or give this one another name", apps[0], link)
	default:
		return err
	}
	serves, err := s.await(ctx, func(status control.Status) bool { return settled(status, path, apps) })
	if err != nil || !serves {
		return err
	}
	if err := c.reportEnabled(ctx, s, apps); err != nil {
		return err
	}
	return p.finish(ctx, c, s)
}

// reportEnabled prints the state of apps that were just enabled.
func (c console) reportEnabled(ctx context.Context, s *settings, apps []string) error {
	status, err := s.status(ctx)
	if err != nil {
		return err
	}
	failed := false
	for _, name := range apps {
		i := slices.IndexFunc(status.Apps, func(a control.AppStatus) bool { return string(a.App) == name })
		if i < 0 {
			failed = true
			continue
		}
		c.confirm(status, status.Apps[i].App)
		failed = failed || status.Apps[i].State == modgw.AppFailed
	}
	if failed {
		fmt.Fprintf(c.stderr, "It is enabled but not served. To see why:  modgw-host status %s\n", apps[0])
		return exitCode(exitFailed)
	}
	return nil
}

// settled reports whether the apps of a descriptor are served or have failed.
func settled(status control.Status, path string, apps []string) bool {
	for _, name := range apps {
		known := slices.ContainsFunc(status.Apps, func(a control.AppStatus) bool {
			return string(a.App) == name && a.State != modgw.AppStarting
		})
		broken := slices.ContainsFunc(status.Broken, func(b control.BrokenFile) bool {
			return leadsTo(b.File, path) || slices.Contains(b.Apps, modgw.AppName(name))
		})
		if !known && !broken {
			return false
		}
	}
	return true
}

func newDisable(c console) *cobra.Command {
	var s settings
	var p publishing
	cmd := &cobra.Command{
		Use:   "disable APP",
		Short: "Remove an app from the host, and keep its files",
		Long: `Remove the link that enable made, and wait until the app is gone. The host
finishes the app's requests. The descriptor and the app's files stay.`,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: s.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			return disable(cmd.Context(), c, &s, &p, args[0])
		},
	}
	s.bind(cmd)
	p.bind(cmd)
	return cmd
}

func disable(ctx context.Context, c console, s *settings, p *publishing, app string) error {
	folder, _, err := enabledFolder(s)
	if err != nil {
		return err
	}
	if app != filepath.Base(app) {
		return unknownApp(app, nil)
	}
	link := filepath.Join(folder, app+".hcl")
	info, err := os.Lstat(link)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot disable app %q: there is no %q", app, link)
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("cannot disable app %q: %q is no link but the descriptor itself; move it to another folder", app, link)
	}
	if err := os.Remove(link); err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "Disabled %s.\n", app)
	if _, err := s.await(ctx, func(status control.Status) bool {
		return !slices.ContainsFunc(status.Apps, func(a control.AppStatus) bool { return string(a.App) == app })
	}); err != nil {
		return err
	}
	return p.finish(ctx, c, s)
}

// enabledFolder returns the folder of links that the host's file names, and the options with which
// the host reads its descriptors.
func enabledFolder(s *settings) (string, loader.Options, error) {
	opts := loader.Options{Vars: s.vars, Root: os.Geteuid() == 0}
	file := s.hostFileFor(nil)
	if file == "" {
		return "", opts, fmt.Errorf("cannot enable or disable apps: there is no host file %q; name one with -c", hostFile)
	}
	host, defaults, diags := loader.LoadHost(file, opts)
	if err := diags.Err(); err != nil {
		return "", opts, err
	}
	opts.Defaults, opts.Tenants = defaults, host.Tenants
	for _, pattern := range host.Apps {
		if folder, ok := strings.CutSuffix(pattern, "/*.hcl"); ok && !strings.ContainsAny(folder, "*?[{") {
			return folder, opts, nil
		}
	}
	return "", opts, fmt.Errorf(`cannot enable or disable apps: %q names no folder of them; add "apps-enabled/*.hcl" to its apps`, file)
}

// descriptorAt returns the absolute path of the descriptor that a target is or has, and writes one
// for a folder without.
func descriptorAt(c console, target string) (string, error) {
	path, err := filepath.Abs(target)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path, err
	}
	own := filepath.Join(path, loader.DescriptorName)
	if _, err := os.Stat(own); !errors.Is(err, fs.ErrNotExist) {
		return own, err
	}
	name, src, err := loader.Init(path)
	if err != nil {
		return "", err
	}
	if err := writeNew(name, src); err != nil {
		return "", err
	}
	fmt.Fprintf(c.stderr, "Wrote %s.\n", name)
	return name, nil
}

// linkTo returns the link in a folder that leads to a file, or "" if there is none.
func linkTo(folder, path string) string {
	links, err := filepath.Glob(filepath.Join(folder, "*.hcl"))
	if err != nil {
		return ""
	}
	i := slices.IndexFunc(links, func(link string) bool { return leadsTo(link, path) })
	if i < 0 {
		return ""
	}
	return links[i]
}

// leadsTo reports whether two paths are the same file.
func leadsTo(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// await asks the running host until condition holds. It reports false where no host runs.
func (s *settings) await(ctx context.Context, condition func(control.Status) bool) (runs bool, err error) {
	client, err := s.client()
	if err != nil {
		return false, err
	}
	for {
		status, err := client.Status(ctx)
		if errors.Is(err, control.ErrNoHost) {
			return false, nil
		}
		if err != nil || condition(status) {
			return err == nil, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
