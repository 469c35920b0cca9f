package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/modgw"
)

// apacheConfigFlags are those that `nginx config` and `lighttpd config` do not have.
type apacheConfigFlags struct {
	command string

	// arguments are the flags that affect the virtual hosts.
	arguments []string

	inside       string // the host of the virtual host whose inside is printed
	onlyInside   bool
	split        string // folder for a file for each virtual host; "": print one configuration
	reload       bool
	control      string // apachectl; "" for the first that is found
	certificates string
	logs         string
	balancers    []string
	asJSON       bool
}

func newApacheConfig(c console) *cobra.Command {
	var own apacheConfigFlags
	return newFrontConfig(c, frontConfig{
		short: "Print virtual hosts for apps",
		example: "  modgw-host apache config > /etc/apache2/sites-available/modgw.conf\n" +
			"  modgw-host apache config --split /etc/modgw/apache --reload\n" +
			"  modgw-host apache config --inside www.example.com",
		port:  "`PORT` of the virtual hosts (default 80, with TLS 443)",
		flags: own.bind,
		check: own.check,
		write: own.write,
	})
}

func (own *apacheConfigFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&own.inside, "inside", "", "print only the lines inside your own virtual host for `HOST`; \"\" means the apps without hosts")
	flags.StringVar(&own.split, "split", "", "write a file for each virtual host into `DIR`, and remove the files of apps that are gone")
	flags.BoolVar(&own.reload, "reload", false, "with --split: let Apache check and load the files, and restore the previous ones if it does not accept them")
	flags.StringVar(&own.control, "apachectl", "", "with --reload: `PATH` of apachectl (default: the first one found)")
	flags.StringVar(&own.certificates, "certificates", "", "serve TLS for each host with HOST/fullchain.pem and HOST/privkey.pem in `DIR`, such as /etc/letsencrypt/live")
	flags.StringVar(&own.logs, "logs", "", "write an access log and an error log for each virtual host into `DIR`")
	flags.StringSliceVar(&own.balancers, "balancer", nil, "take the client's address and scheme from the proxy or network `ADDRESS` (repeatable)")
	flags.BoolVar(&own.asJSON, "json", false, "with --split: print JSON")
}

// check returns the mistake in a set of flags.
func (own *apacheConfigFlags) check(cmd *cobra.Command, f *frontFlags) error {
	own.onlyInside = cmd.Flags().Changed("inside")
	own.command = cmd.CommandPath()
	own.arguments = lastingArguments(cmd)
	f.certificates = own.certificates
	switch {
	case own.split == "" && (own.reload || own.asJSON):
		return &usageError{own.command, "cannot use --reload and --json without --split DIR"}
	case own.control != "" && !own.reload:
		return &usageError{own.command, "cannot use --apachectl without --reload"}
	case own.onlyInside && own.split != "":
		return &usageError{own.command, "cannot use --inside and --split together"}
	case own.logs != "" && !filepath.IsAbs(own.logs):
		return &usageError{own.command, "cannot use --logs: Apache needs an absolute path"}
	}
	return nil
}

// write returns the output of the command.
func (own *apacheConfigFlags) write(ctx context.Context, apps []modgw.Descriptor, listeners []modgw.Listener, f frontFlags) ([]byte, error) {
	if own.onlyInside {
		return apache.Directives(own.inside, apps, listeners)
	}
	options := apache.Options{
		Port: f.port, HTTPPort: f.httpPort, RedirectHTTPS: f.redirect, TrustedProxies: f.proxies, Logs: strings.TrimRight(own.logs, "/"),
	}
	if len(f.tls) == 2 {
		options.TLS = &apache.TLS{Certificate: f.tls[0], Key: f.tls[1]}
	}
	var err error
	if options.Balancers, err = prefixes(own.command, own.balancers); err != nil {
		return nil, err
	}
	if options.Certificates, err = certificatesIn(own.certificates, apps); err != nil {
		return nil, err
	}
	if own.split == "" {
		return apache.Config(apps, listeners, options)
	}
	return own.update(ctx, apps, listeners, options)
}

// update writes the files into the folder and returns the changes.
func (own *apacheConfigFlags) update(ctx context.Context, apps []modgw.Descriptor, listeners []modgw.Listener, options apache.Options) ([]byte, error) {
	files, err := apache.Split(apps, listeners, options)
	if err != nil {
		return nil, err
	}
	folder := apache.Folder{Dir: own.split}
	if own.reload {
		if folder.Control, err = apache.FindControl(own.control); err != nil {
			return nil, err
		}
	}
	changes, err := folder.Update(ctx, files, own.arguments)
	if err != nil {
		return nil, err
	}
	if own.asJSON {
		text, err := json.MarshalIndent(changes, "", "  ")
		return append(text, '\n'), err
	}
	var b strings.Builder
	for _, group := range []struct {
		did   string
		names []string
	}{{"wrote", changes.Written}, {"removed", changes.Removed}, {"unchanged", changes.Unchanged}} {
		for _, name := range group.names {
			fmt.Fprintf(&b, "%-9s %s\n", group.did, filepath.Join(own.split, name))
		}
	}
	return []byte(b.String()), nil
}

// lastingArguments returns the flags of a command that affect the virtual hosts.
func lastingArguments(cmd *cobra.Command) (arguments []string) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "port", "tls", "http-port", "redirect-https", "certificates", "logs", "balancer", "apachectl":
			value := f.Value.String()
			if list, ok := f.Value.(pflag.SliceValue); ok {
				value = strings.Join(list.GetSlice(), ",")
			}
			arguments = append(arguments, "--"+f.Name+"="+value)
		}
	})
	return arguments
}

// publish writes the files into the folder next to the host's file, with the flags of the last
// time, and reloads Apache.
func publish(ctx context.Context, c console, s *settings) error {
	dir := filepath.Join(filepath.Dir(s.hostFileFor(nil)), "apache")
	arguments, err := apache.Folder{Dir: dir}.Arguments()
	if err != nil {
		return err
	}
	cmd := newApacheConfig(c)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(slices.Concat([]string{"--config=" + s.hostFileFor(nil), "--state=" + s.state, "--control=" + s.control,
		"--split=" + dir, "--reload"}, arguments))
	return cmd.ExecuteContext(ctx)
}

// prefixes parses networks. A single address is a network of one.
func prefixes(command string, texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, &usageError{command, fmt.Sprintf("cannot use --balancer %q: it is no address and no network", text)}
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		all = append(all, p)
	}
	return all, nil
}

// certificatesIn are the certificates that hosts of the apps have in a folder, as certbot lays them
// out. An empty dir has none.
func certificatesIn(dir string, apps []modgw.Descriptor) (map[string]apache.TLS, error) {
	if dir == "" {
		return nil, nil
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	found := map[string]apache.TLS{}
	for _, d := range apps {
		for _, host := range d.Hosts {
			own := filepath.Join(dir, strings.TrimPrefix(host, "*."))
			t := apache.TLS{Certificate: filepath.Join(own, "fullchain.pem"), Key: filepath.Join(own, "privkey.pem")}
			if _, err := os.Stat(t.Certificate); err == nil {
				found[host] = t
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	return found, nil
}
