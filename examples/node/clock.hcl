app "clock" {
  mount = "/clock"

  http {
    command = ["node", "server.js"]
  }
}
