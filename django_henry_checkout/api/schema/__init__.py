"""What the API says of itself: the OpenAPI description, made from one table and checked in as `openapi.json`."""
