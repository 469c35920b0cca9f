// Package httpd reads configurations of Apache httpd with mod_wsgi 4 to 6 or Passenger, and command
// lines of mod_wsgi-express.
//
// A configuration is parsed into nodes that keep their text ([parse]), and walked as Apache does
// ([walker]): variables, conditions, includes and macros are resolved, and each directive is
// recorded with its sections. From these facts the apps are made. The new configuration is the old
// text without the lines of mod_wsgi, with places for the directives of apps.
//
// It interprets Apache's access rules, redirects and other directives of the web server only as far
// as they decide which requests reach an app.
package httpd
