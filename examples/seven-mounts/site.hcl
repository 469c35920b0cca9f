app "site" {
  root = "site"
  static { dir = "." }
}
