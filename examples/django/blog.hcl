app "blog" {
  mount = "/blog"

  wsgi {
    entry   = "mysite.wsgi:application"
    workers = 2
    threads = 4
  }

  python {
    version      = ">=3.10"
    requirements = ["requirements.txt"]
  }

  env = {
    DJANGO_SETTINGS_MODULE = "mysite.settings"
    SITE_VAR               = "${path.dir}/var"
  }

  # Collected there by `manage.py collectstatic`.
  alias "/static" { dir = "var/static" }

  reload {
    watch  = ["blog/templates/**"]
    ignore = ["var/**"]
  }
}
