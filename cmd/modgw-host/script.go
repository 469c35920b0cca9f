package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/host"
	"github.com/modgw/modgw/modgw/scripthost"
)

// defaultIdle is how long a host keeps running without requests.
const defaultIdle = 10 * time.Minute

// scriptFlags are the flags of the commands that web servers execute.
type scriptFlags struct {
	state string
	idle  time.Duration
}

func (f *scriptFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.state, "state", "", "state folder `DIR` (default below ~/.local/state/modgw if you have a home, else the host's private folder)")
	cmd.Flags().DurationVar(&f.idle, "idle", defaultIdle, "end the host after `TIME` without requests")
}

func newFcgi(c console) *cobra.Command {
	var f scriptFlags
	cmd := &cobra.Command{
		Use:   "fcgi FILE",
		Short: "Serve an app as a FastCGI script of mod_fcgid, lighttpd or spawn-fcgi",
		Long: `Serve FILE, a descriptor or an app entry, as a FastCGI script: file descriptor 0
is a listening socket of the web server. All scripts of the same FILE and user
share one host, which the first request starts. If the web server executes the
command as a CGI script, it answers one request, as cgi does.`,
		Example: "  #!/usr/bin/env -S modgw-host fcgi\n  app \"blog\" { wsgi { entry = \"blog.wsgi\" } }",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := f.resident(args[0])
			if err != nil {
				return err
			}
			ln, err := inheritedListener(c.stdin)
			switch {
			case err == nil:
				return hosting(c, "text", func(c console) error {
					return h.Relay(cmd.Context(), ln, slog.New(slog.NewTextHandler(c.stderr, nil)))
				})
			case os.Getenv("REQUEST_METHOD") != "":
				return answer(cmd.Context(), c, h)
			}
			return fmt.Errorf("cannot serve FastCGI: %w; a web server must execute this, or spawn-fcgi", err)
		},
	}
	f.bind(cmd)
	return cmd
}

func newCgi(c console) *cobra.Command {
	var f scriptFlags
	cmd := &cobra.Command{
		Use:   "cgi FILE",
		Short: "Answer one request as a CGI script, through a host that keeps running",
		Long: `Answer one CGI request (RFC 3875) with FILE, a descriptor or an app entry. The
first request starts a host, which also answers later requests and ends after
--idle without one.`,
		Example: "  #!/usr/bin/env -S modgw-host cgi\n  app \"blog\" { wsgi { entry = \"blog.wsgi\" } }",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := f.resident(args[0])
			if err != nil {
				return err
			}
			return answer(cmd.Context(), c, h)
		},
	}
	f.bind(cmd)
	return cmd
}

// newResident is the command that the two others start.
func newResident(c console) *cobra.Command {
	var f scriptFlags
	var dir string
	cmd := &cobra.Command{
		Use:    "resident FILE",
		Short:  "Serve a file for scripts until it is idle",
		Hidden: true,
		Args:   arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			folder := scripthost.Folder(dir)
			ln, err := folder.Listen(f.idle, cancel)
			if err != nil {
				return err
			}
			defer ln.Release()
			out, err := folder.OpenLog()
			if err != nil {
				return err
			}
			defer out.Close()
			return hosting(console{stdin: c.stdin, stdout: c.stdout, stderr: out}, "text", func(c console) error {
				log, err := c.logger("text")
				if err != nil {
					return err
				}
				return runHost(ctx, host.Config{
					Targets: args,
					Sockets: []host.Socket{{Kind: "fastcgi", Listener: ln}},
					State:   f.state,
					Control: modgw.Address("unix:" + folder.Control()),
					Script:  true,
					Version: version(),
					Log:     log,
				}, func() {})
			})
		},
	}
	f.bind(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "the host's private `FOLDER`")
	return cmd
}

// resident is the host for a file.
func (f *scriptFlags) resident(file string) (scripthost.Host, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return scripthost.Host{}, err
	}
	exe, err := os.Executable()
	if err != nil {
		return scripthost.Host{}, err
	}
	folder, err := scripthost.FolderFor(path + "\x00" + exe + "\x00" + f.state)
	if err != nil {
		return scripthost.Host{}, fmt.Errorf("cannot find a private folder for the host: %w", err)
	}
	home := homeDir()
	return scripthost.Host{
		Folder:  folder,
		Command: []string{exe, "resident", "--dir", string(folder), "--state", f.stateFor(folder, home), "--idle", f.idle.String(), path},
		Env:     residentEnv(home),
	}, nil
}

// stateFor is where environments are kept.
func (f *scriptFlags) stateFor(folder scripthost.Folder, home string) string {
	switch {
	case f.state != "":
		return f.state
	case home != "":
		return filepath.Join(home, ".local", "state", "modgw", "scripts", filepath.Base(string(folder)))
	}
	return folder.State()
}

// homeDir returns the user's home folder, or "" if the user does not own it, as is usual for the
// users of web servers.
func homeDir() string {
	u, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return ""
	}
	var info unix.Stat_t
	if unix.Stat(u.HomeDir, &info) != nil || int(info.Uid) != os.Geteuid() || info.Mode&unix.S_IFMT != unix.S_IFDIR {
		return ""
	}
	return u.HomeDir
}

// residentEnv is the environment of the host: nothing of the request that happened to start it.
func residentEnv(home string) []string {
	env := []string{"HOME=" + home, "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"}
	for _, name := range []string{"TZ", "TMPDIR", "XDG_RUNTIME_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// answer answers a CGI request. Errors go to the web server's log; the client learns only that
// there was one.
func answer(ctx context.Context, c console, h scripthost.Host) error {
	err := h.Answer(ctx, os.Environ(), c.stdin, c.stdout, c.stderr)
	if _, cut := errors.AsType[*scripthost.CutError](err); err != nil && !cut {
		fmt.Fprint(c.stdout, "Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\n\r\n503 Service Unavailable\n")
	}
	return err
}

// inheritedListener is the listening socket that a file is.
func inheritedListener(f *os.File) (net.Listener, error) {
	listening, err := unix.GetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listening == 0 {
		return nil, errors.New("file descriptor 0 is not a listening socket")
	}
	ln, err := net.FileListener(f)
	if l, ok := ln.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false) // its name is the web server's
	}
	return ln, err
}
