app "primes" {
  mount = "/primes"

  wsgi { entry = "app.wsgi" }

  python {
    version = "pypy3.9"
  }
}
