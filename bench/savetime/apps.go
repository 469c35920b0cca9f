package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// app is a small site. The module page contains its VERSION, which the page shows.
type app struct {
	name  string
	entry string            // module:callable
	files map[string]string // in addition to page.py
}

var apps = []app{
	{"hello", "hello:application", map[string]string{"hello.py": `
import page

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("version=" + page.VERSION).encode()]
`}},
	{"flask", "site_app:app", map[string]string{"site_app.py": `
import flask, page
app = flask.Flask(__name__)

@app.get("/")
def index():
    return "version=" + page.VERSION
`}},
	{"django", "site_wsgi:application", map[string]string{
		"site_settings.py": `
SECRET_KEY = "bench"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                  "django.contrib.messages", "django.contrib.staticfiles"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages"]}}]
STATIC_URL = "static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
`,
		"site_urls.py": `
import page
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path

def index(request):
    return HttpResponse("version=" + page.VERSION)

urlpatterns = [path("", index), path("admin/", admin.site.urls)]
`,
		"site_wsgi.py": `
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
`,
		"manage.py": `
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
`}},
}

// write puts the app into dir, at version 0.
func (a app) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range a.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return save(dir, 0)
}

// save saves a version the way editors do.
func save(dir string, version int) error {
	file := filepath.Join(dir, "page.py")
	// The sizes differ: some reloaders, and Python's bytecode cache, would not notice a change of
	// the same size within a second.
	text := fmt.Sprintf("VERSION = %s\n%s", strconv.Quote(strconv.Itoa(version)), padding(version))
	if err := os.WriteFile(file+".tmp", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}

func padding(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = '#'
	}
	return string(text) + "\n"
}
