app "perl" {
  mount = "/perl"
  root  = "perl"
  cgi { script = "guest.pl" }
}
