<?php
header('Content-Type: text/plain; charset=utf-8');
echo 'Hello, ', ltrim($_SERVER['PATH_INFO'] ?? '/world', '/'), "!\n";
