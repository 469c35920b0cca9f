#!/usr/bin/perl
use strict;
use warnings;

print "Content-Type: text/plain\r\n\r\n";
print "the first script, at $ENV{SCRIPT_NAME}$ENV{PATH_INFO}\n";
