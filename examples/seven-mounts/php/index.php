<?php
header('Content-Type: text/plain');
echo 'the first page, at ', $_SERVER['PATH_INFO'] ?? '/', "\n";
