package loader

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDraftSaysWhatDiffersFromTheDefaults writes a descriptor as a person would, and loads it.
func TestDraftSaysWhatDiffersFromTheDefaults(t *testing.T) {
	d := &Draft{Name: "blog"}
	d.Note("", "From /etc/apache2/sites-enabled/blog.conf")
	d.Set("root", "/srv/blog")
	d.Set("hosts", []string{"blog.example.com", "www.example.com"})
	d.Set("mount", "/")
	d.Set("timeouts.request", 60*time.Second)
	d.Set("timeouts.stop", 90*time.Second)
	d.Set("limits.body", Bytes(64<<20))
	d.Set("recycle.memory", Bytes(512<<20))
	d.Set("wsgi.entry", "/srv/blog/blog.wsgi")
	d.Set("wsgi.threads", 15)
	d.Note("wsgi.workers", "processes=${N} could not be read")
	d.SetIn("alias", "/static", "dir", Template("${var.top}/static"))
	d.Set("env", map[string]any{"A": "has ${no} template", "KEY": Expression("var.top"), "x-y": "1"})
	text := string(WriteDrafts([]string{"top"}, []*Draft{d}))
	want := `variable "top" {
}

# From /etc/apache2/sites-enabled/blog.conf
app "blog" {
  root  = "/srv/blog"
  hosts = ["blog.example.com", "www.example.com"]
  env = {
    A   = "has $${no} template"
    KEY = var.top
    x-y = "1"
  }

  wsgi {
    entry = "/srv/blog/blog.wsgi"
    # processes=${N} could not be read
    threads = 15
  }

  alias "/static" {
    dir = "${var.top}/static"
  }

  timeouts {
    stop = "1m30s"
  }

  recycle {
    memory = "512MiB"
  }
}
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
	f, diags := LoadText("/etc/modgw/apps-enabled/blog.hcl", []byte(text), Options{
		Elsewhere: true, Vars: map[string]string{"top": "/srv/top"},
	})
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	got := f.Descriptors[0]
	if got.Root != "/srv/blog" || got.WSGI.Threads != 15 || got.Aliases[0].Dir != "/srv/top/static" || got.Env["A"] != "has ${no} template" {
		t.Errorf("loaded as %+v", got)
	}
}

// TestFilesOfAnotherMachineNeedNotBeThere loads a descriptor for another machine.
func TestFilesOfAnotherMachineNeedNotBeThere(t *testing.T) {
	text := []byte("app \"a\" {\n root = \"/no/such/folder\"\n wsgi { entry = \"app.wsgi\" }\n}\n")
	if _, diags := LoadText("/etc/a.hcl", text, Options{}); !diags.HasErrors() {
		t.Error("a folder that is not here was accepted on this machine")
	}
	if _, diags := LoadText("/etc/a.hcl", text, Options{Elsewhere: true}); diags.HasErrors() {
		t.Error(diags.Err())
	}
}
