"""The storefront API: JSON over HTTP for shops without Django templates. Thin: parse, call one flow, render."""
