app "perl-cgi" {
  mount = "/cgi-bin"
  cgi { dir = "cgi-bin" }
}
