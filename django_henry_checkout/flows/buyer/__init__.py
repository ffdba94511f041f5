"""Buyers: validation and storage of their details, address formats by country."""
