package contest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// modgw is behind Apache with the configuration that it generates.
var modgw = Contestant{Name: Ours, serves: anything, launch: launchModgw}

// modgwDefault is modgw as most people run it: its descriptor does not set the number of threads.
// If the others run with several numbers of threads, it is compared with each of them at its best.
var modgwDefault = Contestant{
	Name: Default, serves: both(wsgiOnly, pages),
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		s.Threads = 0
		return launchModgw(k, s, p)
	},
}

// modgwHTTP is behind Apache over HTTP, as an app server would be.
var modgwHTTP = Contestant{
	Name: "modgw over HTTP", serves: both(behindApache, wsgiOnly),
	launch: func(k *Kit, s Setting, p Place) (Launch, error) {
		launch, err := launchModgw(k, s, p)
		launch.Apache = proxyHTTP(httpSocket(p))
		return launch, err
	},
}

func httpSocket(p Place) string { return filepath.Join(p.Dir, "http.sock") }

func launchModgw(k *Kit, s Setting, p Place) (Launch, error) {
	if err := writeDescriptor(k, s, p); err != nil {
		return Launch{}, err
	}
	listen := fmt.Sprintf("listen \"http\" {\n  address         = %q\n  max_connections = %d\n}\n", p.address(), mostConnections)
	if s.Front == Apache {
		listen = fmt.Sprintf(`
listen "fastcgi" {
  address = "unix:%s"
  mode    = "0666"
}
listen "http" {
  address = "unix:%s"
  mode    = "0666"
}
`, p.Socket, httpSocket(p))
	}
	file := filepath.Join(p.Dir, "host.hcl")
	text := "apps = [\"app.hcl\"]\nstate = \"state\"\n" + listen
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return Launch{}, err
	}
	launch := Launch{Command: []string{k.host, "serve", "-c", file}}
	if s.Front == Apache {
		// No host runs yet: the configuration is made from the files.
		conf, err := exec.Command(k.host, "apache", "config", "-c", file, "--port", fmt.Sprint(p.Port)).Output()
		if err != nil {
			return Launch{}, fmt.Errorf("cannot write Apache's configuration: %w", err)
		}
		launch.Apache = httpd{Lines: string(conf)}
	}
	return launch, nil
}

func writeDescriptor(k *Kit, s Setting, p Place) error {
	python := k.pythonBlock()
	if s.Dependency {
		python = "  python { requirements = [\"requirements.txt\"] }\n"
	}
	threads := ""
	if s.Site.Kind == WSGI && s.Threads > 0 {
		threads = fmt.Sprintf("    threads = %d\n", s.Threads)
	}
	return os.WriteFile(filepath.Join(p.Dir, "app.hcl"), fmt.Appendf(nil, `
app "bench" {
  %s {
    entry   = %q
    workers = %d
%s  }
%s  queue  { max = 4096 }
  limits { body = "1GiB" }
}
`, s.Site.Kind, s.Site.Entry, s.Workers, threads, python), 0o644)
}
