"""The storefront API: JSON over HTTP for shops without Django templates. Thin: parse, call one flow, render.

One folder per dialect (`henry`, `diddo`, `umbraco`), what they share in `common`, the OpenAPI description in `schema`.
"""
