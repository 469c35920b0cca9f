# One file, two apps, two environments: neither sees the packages of the other.

app "old" {
  mount = "/old"
  root  = "old"

  wsgi { entry = "app.wsgi" }

  python {
    packages = ["click==7.1.2"]
  }
}

app "new" {
  mount = "/new"
  root  = "new"

  wsgi { entry = "app.wsgi" }

  python {
    packages = ["click==8.1.8"]
  }
}
