// Package uwsgi is the front for web servers that speak uwsgi: nginx's uwsgi_pass and Apache's mod_proxy_uwsgi.
//
// It takes requests and nothing else: the packets by which uWSGI runs code, calls functions, changes files or its own
// processes are refused, and no variable, UWSGI_FILE and its kin above all, chooses what answers.
package uwsgi
