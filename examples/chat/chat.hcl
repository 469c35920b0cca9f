app "chat" {
  mount = "/chat"

  asgi {
    entry   = "chat:app"
    workers = 1 # the room is in the memory of one process
  }

  timeouts {
    websocket_drain = "1s" # after a reload, until browsers are asked to connect again
  }
}
