// Package uwsgi reads configurations of uWSGI: ini, XML, YAML and JSON files, folders of an Emperor
// and command lines.
//
// uWSGI does not use a library for its files, and its ini is no INI: keys repeat, values keep
// apparent comments, placeholders such as %d and %(name) and statements such as "for" and "if-env"
// are resolved line by line, and a key that is no option is a variable. Its YAML is a list of
// lines, too, in which keys repeat. So each format is read here, to the same list of options with
// their lines.
package uwsgi
