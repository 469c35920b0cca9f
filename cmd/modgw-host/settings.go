package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/host"
)

// hostFile is the host's own file where it exists and the command line names none.
const hostFile = "/etc/modgw/modgw.hcl"

// settings are the flags that select the host and the apps of a command.
type settings struct {
	file    string
	state   string
	control string
	vars    map[string]string
}

func (s *settings) bind(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.file, "config", "c", "", "the host's own `FILE` (default "+hostFile+" if it exists)")
	cmd.Flags().StringVar(&s.state, "state", "", "state folder `DIR` (default "+host.DefaultState(os.Getuid())+")")
	cmd.Flags().StringVar(&s.control, "control", "", "`ADDRESS` of the control socket (default unix:STATE/control.sock)")
	cmd.Flags().StringToStringVar(&s.vars, "var", nil, "value of var.NAME in descriptors, as `NAME=VALUE` (repeatable)")
	cmd.Flags().Lookup("var").DefValue = "" // none, and not "[]"
}

// bindWithTargetArgs is bind for a command with TARGETs as arguments, which replace the usual host
// file.
func (s *settings) bindWithTargetArgs(cmd *cobra.Command) {
	s.bind(cmd)
	cmd.Flags().Lookup("config").Usage = "the host's own `FILE` (default " + hostFile + " if it exists, without TARGET)"
}

// bindTargetFlag adds the flag that names descriptors to read instead of asking the running host.
func bindTargetFlag(cmd *cobra.Command, targets *[]string) {
	cmd.Flags().StringArrayVarP(targets, "target", "t", nil, "read the apps from the descriptor or folder `TARGET`, not from the running host (repeatable)")
}

// hostFileFor is the host file that applies when targets were given on the command line.
func (s *settings) hostFileFor(targets []string) string {
	if s.file != "" || len(targets) > 0 {
		return s.file
	}
	if _, err := os.Stat(hostFile); err == nil {
		return hostFile
	}
	return ""
}

// host makes a host to ask for its settings. It is not run.
func (s *settings) host() (*host.Host, error) {
	return host.New(host.Config{
		File:    s.hostFileFor(nil),
		State:   s.state,
		Control: modgw.Address(s.control),
		Vars:    s.vars,
	})
}

// client asks the host that runs.
func (s *settings) client() (*control.Client, error) {
	address, err := s.controlAddress()
	if err != nil {
		return nil, err
	}
	if address, err = modgw.ParseAddress(string(address)); err != nil {
		return nil, err
	}
	return control.NewClient(address), nil
}

// ask returns the function of a command that asks the host.
func (s *settings) ask(do func(cmd *cobra.Command, client *control.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		client, err := s.client()
		if err != nil {
			return err
		}
		return do(cmd, client, args)
	}
}

// status asks the host that runs for a snapshot.
func (s *settings) status(ctx context.Context) (control.Status, error) {
	client, err := s.client()
	if err != nil {
		return control.Status{}, err
	}
	return client.Status(ctx)
}

// controlAddress is where the host that a command is about listens: the host that the flags name,
// else a dev host of this folder or one above it, else the host of this machine or user.
func (s *settings) controlAddress() (modgw.Address, error) {
	if s.control == "" && s.state == "" && s.file == "" {
		if address, err := ownProjects().control("."); address != "" || err != nil {
			return address, err
		}
	}
	h, err := s.host()
	if err != nil {
		return "", err
	}
	return h.Control(), nil
}

// descriptors returns the descriptors of the running host. If none runs, it reads files: the
// targets, or those that the host file names, or the current folder.
func (s *settings) descriptors(ctx context.Context, targets []string) ([]modgw.Descriptor, error) {
	if len(targets) == 0 {
		client, err := s.client()
		if err != nil {
			return nil, err
		}
		all, err := client.Descriptors(ctx)
		if !errors.Is(err, control.ErrNoHost) {
			return all, err
		}
	}
	files, diags := s.load(targets, s.held(ctx, targets))
	all := descriptorsOf(files)
	if err := diags.Err(); err != nil && len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// found has the apps that a command is about, and the mistakes of others.
type found struct {
	apps        []modgw.Descriptor
	mistaken    []modgw.AppName // apps that are missing, or that differ from their descriptors
	diagnostics string          // why, as check prints them; "" when nothing is wrong
}

// find is descriptors for a command that must not pass over apps whose descriptors have mistakes.
func (s *settings) find(ctx context.Context, targets []string) (found, error) {
	if len(targets) == 0 {
		client, err := s.client()
		if err != nil {
			return found{}, err
		}
		f, err := running(ctx, client)
		if !errors.Is(err, control.ErrNoHost) {
			return f, err
		}
	}
	files, diags := s.load(targets, s.held(ctx, targets))
	f := found{apps: descriptorsOf(files)}
	for _, file := range files {
		f.mistaken = append(f.mistaken, file.Missing...)
	}
	if diags.HasErrors() {
		var text strings.Builder
		_ = diags.WriteText(&text, false) // a strings.Builder takes everything
		f.diagnostics = text.String()
	}
	return f, nil
}

// choose leaves the apps with the names, all of which there must be; without names it leaves all.
func (f *found) choose(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(f.apps, func(d modgw.Descriptor) bool { return string(d.Name) == name }) {
			return unknownApp(name, namesOf(f.apps))
		}
	}
	if len(names) == 0 {
		return nil
	}
	f.apps = chosen(f.apps, names)
	if !slices.ContainsFunc(f.mistaken, func(app modgw.AppName) bool { return slices.Contains(names, string(app)) }) {
		f.diagnostics = "" // it is about others
	}
	return nil
}

func namesOf(apps []modgw.Descriptor) (names []string) {
	for _, d := range apps {
		names = append(names, string(d.Name))
	}
	return names
}

// running asks the host that runs.
func running(ctx context.Context, client *control.Client) (f found, err error) {
	if f.apps, err = client.Descriptors(ctx); err != nil {
		return f, err
	}
	status, err := client.Status(ctx)
	for _, b := range status.Broken {
		f.diagnostics += b.Diagnostics
		f.mistaken = append(f.mistaken, b.Apps...)
	}
	return f, err
}

// held returns the claims of the running host that the flags or its own file name, or else those of
// its last run. It is empty if this user may not read them, or if the targets belong to no host.
func (s *settings) held(ctx context.Context, targets []string) loader.Held {
	held := loader.Held{Partial: true}
	if s.hostFileFor(targets) == "" && s.state == "" && s.control == "" {
		return held
	}
	h, err := s.host()
	if err != nil {
		return held
	}
	client, err := s.client()
	if err == nil {
		held.Claims, err = client.Claims(ctx)
	}
	if err != nil {
		held.Claims, _ = claims.StoreIn(h.State()).Read() // another user's cannot be read
		held.Partial = s.hostFileFor(targets) == ""       // its next run reads the file
	}
	return held
}

// descriptorsOf are the apps of the files that have no mistakes.
func descriptorsOf(files []*loader.File) []modgw.Descriptor {
	var all []modgw.Descriptor
	for _, f := range files {
		all = append(all, f.Descriptors...)
	}
	return all
}

// load reads the descriptors of targets, of the host file or of the current folder, and compares
// them with the claims of served apps.
func (s *settings) load(targets []string, held loader.Held) ([]*loader.File, loader.Diagnostics) {
	return s.loadWith(targets, held, loader.Options{Vars: s.vars, Root: os.Geteuid() == 0})
}

// loadWith is load with options of the caller.
func (s *settings) loadWith(
	targets []string, held loader.Held, opts loader.Options,
) ([]*loader.File, loader.Diagnostics) {
	var warnings loader.Diagnostics
	if file := s.hostFileFor(targets); file != "" {
		read, defaults, diags := loader.LoadHost(file, opts)
		if diags.HasErrors() {
			return nil, diags
		}
		opts.Defaults, opts.Tenants, warnings = defaults, read.Tenants, diags
		targets = append(targets, read.Apps...)
	} else if len(targets) == 0 {
		targets = []string{"."}
	}
	files, _, diags := loader.LoadHeld(targets, held, opts)
	return files, append(warnings, diags...)
}

// descriptor is the one of an app.
func (s *settings) descriptor(ctx context.Context, app string, targets []string) (modgw.Descriptor, error) {
	all, err := s.descriptors(ctx, targets)
	if err != nil {
		return modgw.Descriptor{}, err
	}
	for _, d := range all {
		if string(d.Name) == app {
			return d, nil
		}
	}
	return modgw.Descriptor{}, unknownApp(app, namesOf(all))
}

// unknownApp returns the error for an app that does not exist. It lists the existing names.
func unknownApp(name string, names []string) error {
	fault := modgw.UnknownApp(modgw.AppName(name))
	fault.Hint = "there are no apps"
	if len(names) > 0 {
		fault.Hint = "there is " + strings.Join(names, ", ")
	}
	return fault
}

// stateDir returns the state folder of the running host, or else that of the settings.
func (s *settings) stateDir(ctx context.Context) (string, error) {
	if s.state == "" {
		status, err := s.status(ctx)
		if err == nil {
			return status.State, nil
		}
		if !errors.Is(err, control.ErrNoHost) {
			return "", err
		}
	}
	h, err := s.host()
	if err != nil {
		return "", err
	}
	return h.State(), nil
}

// completeApps offers the names of the running host's apps.
func (s *settings) completeApps(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := s.descriptors(cmd.Context(), nil) // without a host that answers there are none
	return namesOf(all), cobra.ShellCompDirectiveNoFileComp
}
