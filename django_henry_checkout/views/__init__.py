"""The pages: thin. Each parses, calls one flow and renders; every template can be overridden."""
