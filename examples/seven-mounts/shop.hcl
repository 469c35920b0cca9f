app "shop" {
  mount = "/shop"
  root  = "shop"
  go { package = "." }
}
