"""Carts: their lines, templates and QR codes."""
