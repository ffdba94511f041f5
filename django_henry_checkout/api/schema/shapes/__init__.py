"""The shapes of responses in the OpenAPI description, by dialect. Names are in snake_case here, in camelCase there.

Shapes describe and never render: the dialects' `responses.py` do that. Tests compare the two.
"""
