package contest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The sites that are saved to measure how soon the new page is served.
var (
	OnePage    = Site{"a page", WSGI, "page_site:application"}
	DjangoPage = Site{"a page of a Django site", WSGI, "page_django:application"}
)

// Crowd starts modgw with many apps that start on demand, each in its own folder: app 0 answers
// below /0/, and so on. It returns the time that the host took to be ready.
func (k *Kit) Crowd(ctx context.Context, dir string, apps int) (*Running, time.Duration, error) {
	place, err := newPlace(dir)
	if err != nil {
		return nil, 0, err
	}
	site, err := os.ReadFile(filepath.Join(place.Dir, "raw_wsgi.py"))
	if err != nil {
		return nil, 0, err
	}
	for n := range apps {
		folder := filepath.Join(place.Dir, "apps", fmt.Sprint(n))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, 0, err
		}
		descriptor := fmt.Sprintf(`
app "app%[1]d" {
  mount = "/%[1]d"
  wsgi {
    entry   = "raw_wsgi:application"
    workers = 1
  }
%[2]s  idle { start = "on-demand" }
}
`, n, k.pythonBlock())
		for name, text := range map[string]string{"raw_wsgi.py": string(site), "app.hcl": descriptor} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				return nil, 0, err
			}
		}
	}
	return k.startHost(ctx, place, "apps/*/app.hcl")
}

// Forest starts modgw with an app that has many files besides its code, a hundred per folder. It
// returns the time that the host took to be ready.
func (k *Kit) Forest(ctx context.Context, dir string, files int) (*Running, time.Duration, error) {
	place, err := newPlace(dir)
	if err != nil {
		return nil, 0, err
	}
	for n := range files {
		folder := filepath.Join(place.Dir, "forest", fmt.Sprint(n/100))
		if n%100 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return nil, 0, err
			}
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("m%d.py", n)), []byte(Code(n%1000)), 0o644); err != nil {
			return nil, 0, err
		}
	}
	setting := Setting{Site: OnePage, Front: Direct, Workers: 1, Threads: 1}
	if err := k.equip(ctx, modgw, setting, place); err != nil {
		return nil, 0, err
	}
	if err := writeDescriptor(k, setting, place); err != nil {
		return nil, 0, err
	}
	return k.startHost(ctx, place, "app.hcl")
}

// pythonBlock returns the block by which a descriptor uses the peers' virtual environment.
func (k *Kit) pythonBlock() string {
	return fmt.Sprintf("  python { venv = %q }\n", cmp.Or(k.venv, k.bare))
}

func (k *Kit) startHost(ctx context.Context, p Place, apps string) (*Running, time.Duration, error) {
	file := filepath.Join(p.Dir, "host.hcl")
	text := fmt.Sprintf("apps = [%q]\nstate = \"state\"\nlisten \"http\" { address = %q }\n", apps, p.address())
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, 0, err
	}
	began := time.Now()
	started, err := k.start([]string{k.host, "serve", "-c", file}, p.Dir, "server0.log")
	if err != nil {
		return nil, 0, err
	}
	r := &Running{Contestant: modgw, Address: p.address(), Dir: p.Dir, kit: k, started: []*program{started}}
	for !strings.Contains(r.Log(), " ready apps=") {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-started.ended:
			err = errors.New("it has ended")
		case <-time.After(2 * time.Millisecond):
			continue
		}
		log := r.Log()
		r.Stop()
		return nil, 0, fmt.Errorf("cannot start modgw-host: %w\n%s", err, log)
	}
	return r, time.Since(began), nil
}
