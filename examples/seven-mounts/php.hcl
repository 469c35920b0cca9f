app "php" {
  mount = "/php"
  root  = "php"
  fastcgi {
    command     = ["php-cgi"]
    script_root = "."
  }
}
