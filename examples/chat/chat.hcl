app "chat" {
  mount = "/chat"

  asgi {
    entry   = "chat:app"
    workers = 1    # the room is in the memory of one process
    resume  = true # browsers stay connected when the app is reloaded
  }
}
