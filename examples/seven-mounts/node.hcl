app "node" {
  mount = "/node"
  root  = "node"
  http { command = ["node", "server.js"] }
}
