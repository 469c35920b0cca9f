app "hello" {
  wsgi {
    entry = "hello.wsgi"
  }
}
