"""Markdown of the documented Python names, from their signatures and docstrings; used by `write_reference.py`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

PACKAGE = "django_henry_checkout"
#: Every name of the door, in the order of the page. A name that is missing here fails the build.
SHOP: dict[str, tuple[str, ...]] = {
    "Carts": (
        "get_cart", "get_or_create_cart", "create_cart", "add_item", "set_items", "change_quantity", "remove_item",
        "clear_cart",
    ),
    "Checkout": ("begin_checkout", "begin_inline"),
    "Orders": ("orders_for", "get_order", "status_url", "find_orders_by_email", "format_money"),
    "Links": ("create_link", "close_link"),
    "Set-up and monitoring": ("create_api_key",
        "is_valid_api_key", "create_customer_token", "webhook_path",
        "opens_popups", "collect_metrics"),
    "Values": (
        "LineItem", "Buyer", "Address", "Checkout", "CartLink", "CartUpdate", "QueueMetrics",
    ),
}  # fmt: skip
TESTING = ("builders", "drain", "webhooks", "race", "sandbox")
MAX_LINE = 80
#: Sections of a docstring and how the page calls them, in this order.
LABELS = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Raises": "Raises",
    "Effects": "Effects",
}
LISTS = {"Arguments", "Attributes", "Raises"}
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Effects|Source):[ ]*", re.MULTILINE)
_ENTRY = re.compile(r"^    ([\w, ]+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def shop_reference() -> str:
    """Return every name of `shop`, by topic."""
    shop = import_module(f"{PACKAGE}.shop")
    listed = {name for names in SHOP.values() for name in names}
    errors = {name for name in shop.__all__ if _is_error(getattr(shop, name))}
    if missing := set(shop.__all__) - listed - errors:
        sys.exit(f"scripts/python_reference.py lists no topic for {', '.join(sorted(missing))}")
    parts = []
    for topic, names in SHOP.items():
        parts.append(f"### {topic}")
        parts += [_describe(getattr(shop, name), f"shop.{name}") for name in names]
    aliases = ", ".join(f"`{name}`" for name in sorted(errors))
    return "\n\n".join([*parts, f"### Exceptions in shop\n\n{aliases}: see [Exceptions](#exceptions)."])


def adapter_reference() -> str:
    """Return every hook of the adapter."""
    adapter = import_module(f"{PACKAGE}.adapter").DefaultAdapter
    return "\n\n".join(_describe(hook, name, level=3) for name, hook in _public(vars(adapter).items()))


def exceptions_reference() -> str:
    """Return every exception, bases first; then the attributes of those that have some."""
    module = import_module(f"{PACKAGE}.exceptions")
    found = sorted(
        (getattr(module, name) for name in module.__all__),
        key=lambda each: (len(each.__mro__), each.__name__),
    )
    rows = ["| Exception | Base | `code` | What to do |", "| --- | --- | --- | --- |"]
    rows += [
        f"| `{each.__name__}` | `{each.__mro__[1].__name__}` | {_code(each)} | {_summary(each)} |"
        for each in found
    ]
    details = [
        f"Attributes of `{each.__name__}`:\n\n{_entries(_sections(each)['Attributes'])}"
        for each in found
        if "Attributes" in _sections(each)
    ]
    return "\n\n".join(["\n".join(rows), *details])


def _code(error: type[Exception]) -> str:
    code = getattr(error, "code", "")
    return f"`{code}`" if code else "-"


def _summary(each: Any) -> str:
    return _flat(_sections(each)[""]).replace("|", "\\|")


def testing_reference() -> str:
    """Return every function and class of `testing`, by module."""
    parts = []
    for name in TESTING:
        module = import_module(f"{PACKAGE}.testing.{name}")
        parts.append(f"### testing.{name}\n\n{_sections(module)['']}")
        parts += [_describe(each, title) for title, each in _public(_defined_in(module))]
    return "\n\n".join(parts)


def _defined_in(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, each in vars(module).items():
        if getattr(each, "__module__", "") == module.__name__ and (inspect.isclass(each) or callable(each)):
            yield name, each


def _public(members: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(name, each) for name, each in members if not name.startswith("_") and inspect.getdoc(each)]


def _is_error(each: Any) -> bool:
    return inspect.isclass(each) and issubclass(each, Exception)


# One name -------------------------------------------------------------------------------------


class _Annotation(str):
    """An annotation that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _describe(each: Any, title: str, *, level: int = 4) -> str:
    """Return a heading, the signature, and the docstring; of a plain class, its methods too."""
    heading = f"{'#' * level} {title}"
    if _is_error(each):
        return f"{heading}\n\nException. {_docstring(each)}"
    parts = [heading, f"```python\n{_call(each, title)}\n```", _docstring(each)]
    if inspect.isclass(each) and not hasattr(each, "__dataclass_fields__"):
        methods = [
            (name, method) for name, method in _public(vars(each).items()) if inspect.isfunction(method)
        ]
        rows = [f"- `{_one_line(name, _signature(method))}`: {_summary(method)}" for name, method in methods]
        parts.append("\n".join(rows))
    return "\n\n".join(filter(None, parts))


def _signature(each: Any) -> inspect.Signature:
    signature = inspect.signature(each)
    kept = [
        parameter.replace(annotation=_plain(parameter.annotation))
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    returns = signature.empty if inspect.isclass(each) else _plain(signature.return_annotation)
    return signature.replace(parameters=kept, return_annotation=returns)


def _plain(annotation: Any) -> Any:
    return _Annotation(annotation) if isinstance(annotation, str) else annotation


def _as_written(part: object) -> str:
    return str(part).replace("<factory>", "{}").replace("'", '"')


def _one_line(title: str, signature: inspect.Signature) -> str:
    return f"{title}{_as_written(signature)}"


def _call(each: Any, title: str) -> str:
    """Return the signature as Python code: one parameter a line where it is long."""
    signature = _signature(each)
    line = _one_line(title, signature)
    if len(line) <= MAX_LINE:
        return line
    shown = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "    *," not in shown:
            shown.append("    *,")
        shown.append(f"    {_as_written(parameter)},")
    end = _as_written(signature.replace(parameters=[])).removeprefix("(")
    return "\n".join([f"{title}(", *shown, end])


def _docstring(each: Any) -> str:
    """Return a docstring in Google's style as Markdown."""
    sections = _sections(each)
    parts = [sections.pop("")]
    parts += [_section(label, sections[name]) for name, label in LABELS.items() if name in sections]
    return "\n\n".join(parts)


def _section(label: str, text: str) -> str:
    entries = _entries(text) if label in LISTS else ""
    return f"**{label}**:\n\n{entries}" if entries else f"**{label}**: {_flat(text)}"


def _entries(text: str) -> str:
    """Return the entries of a section, such as `Args`, as a list; "" if it is plain text."""
    return "\n".join(
        f"- {', '.join(f'`{each}`' for each in names.split(', '))}: {_flat(words)}"
        for names, words in _ENTRY.findall(f"    {text}")
    )


def _sections(each: Any) -> dict[str, str]:
    text = inspect.getdoc(each) or ""
    first, *rest = _SECTION.split(text)
    return {
        "": first.strip(),
        **{name: content.strip() for name, content in zip(rest[::2], rest[1::2], strict=True)},
    }


def _flat(text: str) -> str:
    return " ".join(text.split())
