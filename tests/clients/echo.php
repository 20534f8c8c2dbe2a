<?php
// Returns the request headers as PHP sees them.
$seen = array_filter($_SERVER, fn($name) => str_starts_with($name, 'HTTP_'), ARRAY_FILTER_USE_KEY);
$seen['METHOD'] = $_SERVER['REQUEST_METHOD'];
header('Content-Type: application/json');
echo json_encode($seen);
