module example.com/shop

go 1.26.0

require github.com/modgw/modgw v0.1.0

// This example runs with the package as it is here; leave the line out in a project of your own.
replace github.com/modgw/modgw => ../..
