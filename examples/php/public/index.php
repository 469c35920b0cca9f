<?php
// Answers every path that names no other script.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
header('Content-Type: text/html; charset=utf-8');
?>
<!DOCTYPE html>
<link rel="stylesheet" href="/assets/style.css">
<p>PHP <?= PHP_VERSION ?> answers <?= htmlspecialchars($path) ?>.
<p><a href="/greet.php/Ada">A script with something behind its name</a>
