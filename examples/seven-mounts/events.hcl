app "events" {
  mount = "/events"
  root  = "events"
  asgi {
    entry   = "events:app"
    workers = 1
  }
}
