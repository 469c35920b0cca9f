# A Flask and a Django site side by side, on different Pythons and with different versions of the same package.

app "shop" {
  mount = "/shop"
  root  = "shop"

  wsgi { entry = "shop:app" }

  python {
    version      = "3.11"
    requirements = ["requirements.txt"]
  }
}

app "notes" {
  mount = "/notes"
  root  = "notes"

  wsgi { entry = "notes:application" }

  python {
    version      = "pypy3.9"
    requirements = ["requirements.txt"]
  }

  env = { DJANGO_SETTINGS_MODULE = "settings" }
}
