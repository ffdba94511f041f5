"""Calls by Umbraco's names (umbraco-checkout.md): token, initialize, confirm, payment and shipping methods.

Business failures are 400 here, because Umbraco's page declares 200, 400 and 404 only; the `code` is the usual one.
"""
