// Package loader turns HCL into descriptors: it reads descriptor files and the host's own file,
// fills in every default, resolves every path, and says with file, line and column what is wrong.
//
// [Load] reads one file, [LoadAll] what a command line or the host file names, each file alone, so
// that a broken one disturbs no other. [Detect] makes the descriptor of a project that has none,
// and [Init] writes it down. [Explain] and [Reference] tell what can be written; they read the same
// table that decodes.
//
// It starts no process, builds no environment and watches nothing: the files that it read are
// listed in [modgw.Descriptor.Sources] for the caller to watch. It is the only package that
// knows hcl and cty.
package loader
