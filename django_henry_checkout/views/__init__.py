"""HTML pages and form targets. Each view parses, calls one flow and renders a template that can be overridden."""
