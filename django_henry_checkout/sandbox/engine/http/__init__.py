"""The HTTP server and the views of the API."""
