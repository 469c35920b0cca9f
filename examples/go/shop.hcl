app "shop" {
  mount = "/shop"

  # Built from go.mod beside this file; a change of the code builds it anew, and a mistake leaves the old one running.
  go {
    package = "."
  }
}
