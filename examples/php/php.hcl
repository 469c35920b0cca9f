app "php" {
  fastcgi {
    command     = ["php-cgi"]
    script_root = "public"
    workers     = 2
  }
  alias "/assets" { dir = "public/assets" }
}
