"""Write the parts of the docs that are derived from the code; `--check` only reports which are out of date.

Each part is in its page between `<!-- NAME: written by scripts/write_reference.py -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import sys
from argparse import SUPPRESS, ArgumentParser, HelpFormatter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
import python_reference

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "django_henry_checkout"
UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def one_line(text: str | None) -> str:
    """Return a docstring as one line."""
    return " ".join(inspect.cleandoc(text or "").split())


# Settings -------------------------------------------------------------------------------------


def settings_table() -> str:
    """Return every option with its default and docstring."""
    from django.test import override_settings  # noqa: PLC0415 - after setup

    from django_henry_checkout.conf import Settings, known_option_names  # noqa: PLC0415 - after setup

    with override_settings(HENRY_CHECKOUT={"API_KEY": "a-key"}):
        rows = list(_account_options())
        of_account = {name for name, _default, _meaning in rows}
        for part in Settings.__mro__:
            named = [each for each in vars(part) if each.isupper()]
            rows += [(n, show(getattr(Settings(), n)), one_line(getattr(Settings, n).__doc__)) for n in named]
    missing = known_option_names() - {name for name, _default, _meaning in rows}
    if missing:
        sys.exit(f"no docstring for {', '.join(sorted(missing))}; options of accounts: {sorted(of_account)}")
    return table(
        ("Option", "Default", "Meaning"), ((f"`{name}`", default, text) for name, default, text in rows)
    )


def _account_options() -> Iterator[tuple[str, str, str]]:
    """Yield the options of an account, from the docstring of `Account`."""
    from django_henry_checkout.conf import Account, app_settings  # noqa: PLC0415 - after setup

    account = app_settings.account()
    explained = inspect.cleandoc(Account.__doc__ or "").partition("Attributes:")[2]
    for name, text in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", explained, re.MULTILINE):
        default = "required" if name == "api_key" else show(getattr(account, name, ""))
        yield name.upper(), default, f"{text[0].upper()}{one_line(text)[1:]}"


def show(value: Any) -> str:
    """Return a default as people write it, with its unit."""
    if isinstance(value, timedelta):
        return _duration(value)
    if value in ("", (), {}):
        return "-"
    if isinstance(value, dict):
        return ", ".join(
            f"`{key}` {show(inner) if isinstance(inner, timedelta) else inner}"
            for key, inner in value.items()
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
    return f"`{json.dumps(value) if isinstance(value, list | tuple | str) else value}`".replace(".0", "")


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0 and seconds >= size)
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


# Checks ---------------------------------------------------------------------------------------


def checks_table() -> str:
    """Return every system check: its id, the name of its function as a sentence, and its hint."""
    found: dict[str, tuple[str, str]] = {}
    for file in sorted((PACKAGE / "checks").glob("*.py")):
        for function in ast.parse(file.read_text()).body:
            if isinstance(function, ast.FunctionDef):
                for check_id, hint in _messages(function):
                    found.setdefault(check_id, (function.name.replace("_", " "), hint))
    return table(
        ("Id", "Checks that", "If not"),
        ((f"`{check_id}`", what, hint) for check_id, (what, hint) in sorted(found.items())),
    )


def _messages(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    texts = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        given = (
            {keyword.arg: keyword.value for keyword in node.keywords} if isinstance(node, ast.Call) else {}
        )
        if "id" in given and "hint" in given:
            hint = given["hint"]
            hint = texts.get(hint.id, hint) if isinstance(hint, ast.Name) else hint
            yield ast.literal_eval(given["id"]), _text(hint)


def _text(node: ast.expr) -> str:
    """Return a text of the code, with an ellipsis for each part that varies."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "…"


# Signals, errors, calls -----------------------------------------------------------------------


def signals_table() -> str:
    """Return every signal with the comment above it."""
    source = (PACKAGE / "signals.py").read_text()
    found = re.findall(r"((?:^#: .*\n)+)^(\w+) = \w+Signal\(", source, re.MULTILINE)
    return table(
        ("Signal", "When"),
        ((f"`{name}`", " ".join(re.findall(r"^#: (.*)", text, re.MULTILINE))) for text, name in found),
    )


def errors_table() -> str:
    """Return every problem of the API, by status."""
    from django_henry_checkout.api.schema.problems import PROBLEMS  # noqa: PLC0415 - after setup

    rows = sorted((status, code, text) for code, (status, text) in PROBLEMS.items())
    return table(
        ("Status", "Code", "Example of `detail`"),
        ((str(status), f"`{code}`", text) for status, code, text in rows),
    )


def operations_table() -> str:
    """Return every call of the OpenAPI description."""
    paths = json.loads((PACKAGE / "api/openapi.json").read_text())["paths"]
    calls = [
        (call["tags"][0], method.upper(), path, call)
        for path, methods in paths.items()
        for method, call in methods.items()
    ]
    return table(
        ("Topic", "Call", "What it does", "`operationId`"),
        ((tag, f"`{method} {path}`", call["summary"], call["operationId"]) for tag, method, path, call in sorted(calls, key=lambda each: each[:3])),
    )  # fmt: skip


# Tags and commands ----------------------------------------------------------------------------


def tags_list() -> str:
    """Return every template tag and filter with its arguments."""
    from django_henry_checkout.templatetags.henry_checkout import register  # noqa: PLC0415 - after setup

    parts = [_tag("{%% %s %%}", name, tag) for name, tag in sorted(register.tags.items())]
    parts += [
        _tag("{{ money|%s }}", name, each, is_filter=True) for name, each in sorted(register.filters.items())
    ]
    return "\n\n".join(parts)


def _tag(form: str, name: str, tag: Any, *, is_filter: bool = False) -> str:
    function = inspect.unwrap(tag)
    takes = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.name not in {"context", "shown"}
    ]
    words = [
        each.name if each.default is each.empty else f"{each.name}={_literal(each.default)}" for each in takes
    ]
    shown = form % (name if is_filter else " ".join([name, *words]))
    text, _args, explained = inspect.cleandoc(function.__doc__ or "").partition("\nArgs:\n")
    listed = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", explained, re.MULTILINE)
    arguments = [f"- `{each}`: {one_line(meaning)}" for each, meaning in listed if each != "shown"]
    return "\n\n".join(filter(None, [f"## {name}", f"`{shown}`", text.strip(), "\n".join(arguments)]))


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def commands_list() -> str:
    """Return every command with its options."""
    from django.core.management import load_command_class  # noqa: PLC0415 - after setup

    parts = []
    for file in sorted((PACKAGE / "management/commands").glob("henry_*.py")):
        command = load_command_class("django_henry_checkout", file.stem)
        parser = ArgumentParser(
            prog=f"manage.py {file.stem}",
            usage=SUPPRESS,
            description=command.help,
            add_help=False,
            formatter_class=partial(HelpFormatter, width=100),
        )
        command.add_arguments(parser)
        parts.append(f"## {file.stem}\n\n```text\n{parser.format_help().strip()}\n```")
    return "\n\n".join(parts)


#: The page and the name of each generated part, and its writer.
PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("reference/settings.md", "options"): settings_table,
    ("reference/settings.md", "checks"): checks_table,
    ("reference/signals.md", "signals"): signals_table,
    ("reference/errors.md", "codes"): errors_table,
    ("reference/operations.md", "operations"): operations_table,
    ("reference/tags.md", "tags"): tags_list,
    ("reference/commands.md", "commands"): commands_list,
    ("reference/python.md", "shop"): python_reference.shop_reference,
    ("reference/python.md", "adapter"): python_reference.adapter_reference,
    ("reference/python.md", "exceptions"): python_reference.exceptions_reference,
    ("reference/python.md", "testing"): python_reference.testing_reference,
}


def main() -> int:
    """Write the parts, or report which are out of date."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    stale = []
    for (page, name), write in PARTS.items():
        file = DOCS / page
        old = file.read_text(encoding="utf-8")
        head, tail = f"<!-- {name}: written by scripts/write_reference.py -->", f"<!-- end of {name} -->"
        before, begun, rest = old.partition(head)
        _old, ended, after = rest.partition(tail)
        if not begun or not ended:
            sys.exit(f"docs/{page} has no place for {name}: write {head} and {tail}")
        new = f"{before}{head}\n\n{write()}\n\n{tail}{after}"
        if new != old:
            stale.append(f"docs/{page}: {name}")
            if "--check" not in sys.argv:
                file.write_text(new, encoding="utf-8")
    print("\n".join(stale) or "every generated part of the docs is current")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
