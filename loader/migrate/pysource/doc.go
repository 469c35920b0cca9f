// Package pysource reads Python source that configures a server, such as a .wsgi script or
// gunicorn.conf.py, as syntax. It never executes any of it.
//
// Read follows the constant computations in such files: assignments, composition of strings and
// paths, os.environ, sys.path, site.addsitedir, activate_this.py, conditions and loops over known
// values, and functions that compute from all of these. A value that depends on executing the file
// is an Unknown with a line and a reason, and never a guess. Python 2 and 3 are both read.
//
// It has its own tokenizer and parser. The one parser for Python in Go that others use,
// go-python/gpython's, knows the grammar of Python 3.4: it refuses a whole file for one print
// statement, exec statement, f-string or assignment expression, and it was last released in 2023.
// This parser continues after a line that it cannot read, and reports that line.
package pysource
