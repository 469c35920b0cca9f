app "chat" {
  mount = "/chat"
  root  = "chat"
  asgi {
    entry   = "chat:app"
    workers = 1 # the room is in the memory of one process
  }
  python { packages = ["fastapi==0.115.6"] }
}
