app "events" {
  mount = "/events"

  asgi {
    entry       = "events.py"
    workers     = 1
    concurrency = 200  # streams and requests at once; further ones wait in the queue
    resume      = true # clients stay connected when the app is reloaded
  }
}
