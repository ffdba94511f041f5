"""The OpenAPI description of the storefront API, built from tables and checked in as `openapi.json`."""
