#!/usr/bin/perl
# A program as Perl's FCGI module has it.
use strict;
use FCGI;
my $request = FCGI::Request();
while ($request->Accept() >= 0) {
	my $body = '';
	read(STDIN, $body, $ENV{CONTENT_LENGTH}) if $ENV{CONTENT_LENGTH};
	print "Content-Type: text/plain\r\n\r\n";
	if ($ENV{PATH_INFO} eq '/stream') {
		$| = 1;
		for (1 .. 5) { print "line $_\n"; $request->Flush; }
	} else {
		print "perl $ENV{SCRIPT_NAME} $ENV{PATH_INFO} $ENV{QUERY_STRING} $body";
	}
}
