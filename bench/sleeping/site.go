package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/bench/testbed"
)

// installDjango makes a virtual environment that has Django, and returns its interpreter.
func installDjango(ctx context.Context, dir string) (python string, err error) {
	venv := filepath.Join(dir, "venv")
	python = filepath.Join(venv, "bin/python")
	for _, command := range [][]string{{"python3", "-m", "venv", venv}, {python, "-m", "pip", "install", "-q", "django>=5,<6"}} {
		if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return python, nil
}

const settings = `
SECRET_KEY = "only measured"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib." + name for name in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
STATIC_URL = "static/"
`

const urls = `
from django.contrib import admin
from django.http import HttpResponse
from django.template import engines

page = engines["django"].from_string("<h1>{{ title }}</h1><ul>{% for n in numbers %}<li>{{ n }}</li>{% endfor %}</ul>")

def index(request):
    return HttpResponse(page.render({"title": "A site", "numbers": range(20)}, request))

from django.urls import path
urlpatterns = [path("admin/", admin.site.urls), path("", index)]
`

const entry = `
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`

// descriptor is the descriptor of a site that starts with its first request.
const descriptor = `
app "site%[1]d" {
  hosts = ["site%[1]d.test"]
  wsgi {
    entry   = "site_wsgi.py"
    workers = 1
    threads = 2
  }
  python {
    venv     = %[2]q
    template = %[3]t
  }
  timeouts { startup = "300s" }
  queue { timeout = "300s" }
  idle {
    start       = "on-demand"
    sleep_after = "%[4]s"
  }
}
`

// write writes the sites with their host's file.
func (h *host) write() error {
	var err error
	put := func(name, text string) {
		path := filepath.Join(h.dir, name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	}
	for n := range h.sites {
		site := fmt.Sprintf("sites/%d/", n)
		put(site+"site_settings.py", settings)
		put(site+"site_urls.py", urls)
		put(site+"site_wsgi.py", entry)
		put(site+"modgw.hcl", fmt.Sprintf(descriptor, n, filepath.Dir(filepath.Dir(h.python)), h.way.template, sleepAfter))
	}
	if h.address, err = testbed.FreeAddress(); err != nil {
		return err
	}
	put("modgw.hcl", fmt.Sprintf("apps  = [\"sites/*/modgw.hcl\"]\nstate = \"state\"\nlisten \"http\" { address = %q }\n", h.address))
	return err
}
