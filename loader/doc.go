// Package loader converts HCL to descriptors: it reads descriptor files and the host's own file,
// fills in every default, resolves every path, and reports mistakes with file, line and column.
//
// [Load] reads one file, and [LoadAll] reads the files named on a command line or by the host file.
// Each file is read separately, so that a broken one does not affect others. [Detect] makes the
// descriptor of a project that has none, and [Init] writes it down. [Explain] and [Reference]
// document the settings; they use the same table as the decoder.
//
// It starts no process, builds no environment and watches nothing: the files that it read are
// listed in [modgw.Descriptor.Sources] for the caller to watch. It is the only package that uses
// hcl and cty.
package loader
