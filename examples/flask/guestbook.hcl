app "guestbook" {
  mount = "/guestbook"

  wsgi {
    entry   = "guestbook:create_app()"
    workers = 1 # the entries are in the memory of one process
    threads = 4
  }

  # The host and Apache send these files without asking the app.
  alias "/static" { dir = "static" }

  reload {
    watch = ["templates/**"]
  }
}
