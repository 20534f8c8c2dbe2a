"""A WSGI application that returns the request headers as it sees them."""
import json


def app(environ, start_response):
    seen = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
    seen["METHOD"] = environ["REQUEST_METHOD"]
    body = json.dumps(seen).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
