app "shop" {
  mount = "/shop"

  # Built from the nearest go.mod above this file; a change of the code builds it anew, and a mistake leaves the old one running.
  go {
    package = "."
  }
}
