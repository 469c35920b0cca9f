app "hello" {
  mount = "/hello"

  wsgi {
    entry = "hello.wsgi"
  }
}
