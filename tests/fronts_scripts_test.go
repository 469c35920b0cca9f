package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/fronttest"
)

// writeScripts makes scripts of the two apps. One host answers each script, whichever web server
// executes it: NAME.fcgi is a descriptor, NAME.cgi a shell script that names the descriptor.
func (s *site) writeScripts() {
	s.t.Helper()
	s.allowScripts()
	host := s.path("modgw-host")
	for _, name := range []string{"told", "mounted"} {
		file := s.script(name + ".fcgi")
		s.writeExecutable("apps/told/"+name+".fcgi", "#!/usr/bin/env -S "+host+" fcgi --idle 1m\n"+describe(name, "/"))
		s.writeExecutable("apps/told/"+name+".cgi", "#!/bin/sh\nexec "+host+" cgi --idle 1m "+file+"\n")
	}
	s.t.Cleanup(func() {
		for _, pid := range s.residents() {
			_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended by itself
		}
	})
}

// script returns the path of a script of the apps.
func (s *site) script(name string) string { return s.path("apps/told/" + name) }

// apacheScripts returns the configuration that Apache's modules for scripts share, and a function
// that returns the configuration of a virtual host for one of the modules.
func (s *site) apacheScripts() (common string, lines func(handler, extension string) string) {
	common = "LoadModule cgid_module " + s.apacheModule("cgid", "apache2") + "\n" +
		"LoadModule fcgid_module " + s.apacheModule("fcgid", "libapache2-mod-fcgid") + "\n" +
		"ScriptSock " + s.path("cgisock") + "\n" +
		"FcgidIPCDir " + s.path("tmp") + "\nFcgidProcessTableFile " + s.path("fcgid_shm") + "\n" +
		"FcgidInitialEnv TMPDIR " + s.path("tmp") + "\nFcgidMaxRequestLen 100000000\nFcgidOutputBufferSize 0\n"
	return common, func(handler, extension string) string {
		return "SetEnv ap_trust_cgilike_cl 1\nSetEnv TMPDIR " + s.path("tmp") + "\n" +
			"Alias /app " + s.script("mounted."+extension) + "\nAlias / " + s.script("told."+extension) + "/\n" +
			"<Directory " + s.script("") + ">\nOptions +ExecCGI\nSetHandler " + handler + "\n</Directory>\n"
	}
}

// lighttpdScripts returns the configuration of a lighttpd that starts the scripts itself.
func (s *site) lighttpdScripts(port int) string {
	started := func(condition, prefix, name string) string {
		return fmt.Sprintf(`$HTTP["url"] %s "^/app(/|$)" { fastcgi.server = (%q => ((
  "bin-path" => %q,
  "socket" => %q,
  "max-procs" => 1,
  "check-local" => "disable",
  "fix-root-scriptname" => "enable",
  "bin-environment" => ("TMPDIR" => %q),
))) }
`, condition, prefix, s.script(name+".fcgi"), s.path("tmp/lighttpd-"+name), s.path("tmp"))
	}
	return fmt.Sprintf("$SERVER[\"socket\"] == \"127.0.0.1:%d\" {\nserver.stream-response-body = 1\nserver.range-requests = \"disable\"\n%s%s}\n",
		port, started("=~", "/app", "mounted"), started("!~", "/", "told"))
}

// nginxScripts returns the configuration of an nginx in front of scripts that spawn-fcgi has
// started.
func (s *site) nginxScripts(port int) string {
	s.spawnFCGI("told")
	s.spawnFCGI("mounted")
	passed := func(location, mount, name string) string {
		return "location " + location + " {\nfastcgi_split_path_info (?s)^(" + mount + ")(.*)$;\n" + fronttest.FastCGIParams +
			"fastcgi_param PATH_INFO $fastcgi_path_info;\nfastcgi_buffer_size 32k;\nfastcgi_buffers 4 32k;\nfastcgi_buffering off;\nfastcgi_request_buffering off;\n" +
			"fastcgi_pass unix:" + s.path("tmp/spawned-"+name) + ";\n}\n"
	}
	return fmt.Sprintf("server {\nlisten 127.0.0.1:%d;\nclient_max_body_size 0;\n%s%s}\n",
		port, passed("~ ^/app(/|$)", "/app", "mounted"), passed("/", "", "told"))
}

// spawnFCGI has spawn-fcgi start a script, until the test ends.
func (s *site) spawnFCGI(name string) {
	s.t.Helper()
	socket := s.path("tmp/spawned-" + name)
	args := []string{"-n", "-s", socket, "-M", "0666"}
	if os.Getuid() == 0 {
		args = append(args, "-u", "www-data", "-g", "www-data")
	}
	cmd := exec.Command(fronttest.Require(s.t, "spawn-fcgi", "spawn-fcgi"), append(args, "--", s.script(name+".fcgi"))...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + s.path("tmp")}
	var problems strings.Builder
	cmd.Stderr = &problems
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("the script that spawn-fcgi started ended with %v: %s", err, &problems)
		}
	})
	s.eventually("the script's socket is there", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
}
