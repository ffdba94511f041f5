"""Calls by Diddo's names (diddo-checkout.md): QR codes, begin, shipping, customer tokens."""
