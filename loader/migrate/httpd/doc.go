// Package httpd reads configurations of Apache httpd with mod_wsgi 4 to 6 or Passenger, and command
// lines of mod_wsgi-express.
//
// A configuration is parsed into nodes that keep their text ([parse]), and walked as Apache does
// ([walker]): variables, conditions, includes and macros are resolved, and each directive is noted
// with the sections that it stands in. From these facts the apps are made, and the new
// configuration is the old text without the lines of mod_wsgi, with places for what the apps need.
//
// It reads Apache's access rules, redirects and all else that is the web server's own business only
// as far as that decides which requests reach an app.
package httpd
