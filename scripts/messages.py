"""Renew and compile the message catalogues, or say what is stale in them.

    python scripts/messages.py            takes up new messages, drops those that are gone, compiles; lists what to translate
    python scripts/messages.py --check    changes nothing; fails on a stale catalogue

Babel does all of it, so that nobody needs the programs of GNU gettext.
"""

from __future__ import annotations

import gettext
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "django_henry_checkout"
LOCALE = PACKAGE / "locale"
LANGUAGES = ("ar", "de", "es", "fr", "ja")
#: Which arguments of each function are messages: index of the text, of its plural, of its context.
KEYWORDS: dict[str, tuple[int, int | None, int | None]] = {
    "_": (0, None, None),
    "gettext": (0, None, None),
    "gettext_lazy": (0, None, None),
    "gettext_noop": (0, None, None),
    "ngettext": (0, 1, None),
    "ngettext_lazy": (0, 1, None),
    "pgettext": (1, None, 0),
    "pgettext_lazy": (1, None, 0),
    "npgettext": (1, 2, 0),
}
#: Not for shoppers nor staff: the sandbox is a tool of developers.
LEFT_OUT = {"sandbox", "migrations"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def template(package: Path = PACKAGE) -> Catalog:
    """Return every message of the code and of the templates."""
    catalog = Catalog(charset="utf-8")
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.html")]):
        name = path.relative_to(package)
        if LEFT_OUT.isdisjoint(name.parts):
            for text, plural, context in _messages_of(path):
                message = (text, plural) if plural else text
                catalog.add(message, context=context, locations=[(f"{package.name}/{name.as_posix()}", 1)])
    return catalog


def _messages_of(path: Path) -> Iterator[tuple[str, str | None, str | None]]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        if not settings.configured:
            settings.configure(USE_I18N=True)
            django.setup()
        # What Django hands to xgettext: calls of gettext between letters X. Its indentation means nothing.
        source = "\n".join(line.strip() for line in templatize(source, origin=str(path)).splitlines())
    found = extract_python(io.BytesIO(source.encode()), list(KEYWORDS), [], {})
    for _line, function, arguments, _comments in found:
        given = arguments if isinstance(arguments, tuple) else (arguments,)
        text, plural, context = (None if at is None else given[at] for at in KEYWORDS[function])
        if text:
            yield text, plural, context


def po_path(language: str) -> Path:
    """Return where the catalogue of a language is."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def read(path: Path, language: str) -> Catalog:
    """Return a catalogue; an empty one if there is none yet."""
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def problems(path: Path, language: str, wanted: Catalog) -> list[str]:
    """Return what is stale or wrong in a catalogue and in its compiled form."""
    if not path.exists():
        return [f"{language}: there is no {path.name}"]
    catalog = read(path, language)
    needed, held = ({(m.id, m.context) for m in each if m.id} for each in (wanted, catalog))
    said = [f"{language}: missing: {key}" for key in sorted(needed - held, key=str)]
    said += [f"{language}: no longer used: {key}" for key in sorted(held - needed, key=str)]
    said += [f"{language}: obsolete: {message.id!r}" for message in catalog.obsolete.values()]
    for message in catalog:
        if message.id:
            said += [f"{language}: {what}: {message.id!r}" for what in _wrong(message, catalog.num_plurals)]
    if _compiled(path.with_suffix(".mo")) != _compiled_again(catalog):
        said.append(f"{language}: the .mo is another one than the .po would give")
    return said


def _wrong(message: Message, plurals: int) -> Iterator[str]:
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    if message.fuzzy:
        yield "fuzzy"
    if isinstance(message.id, tuple) and len(forms) != plurals:
        yield f"{len(forms)} plural forms, not {plurals}"
    if not all(forms):
        yield "not translated"
        return
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    # "One thing" needs no number; the last form stands for most numbers.
    allowed = [_placeholders(text) for text in ids]
    if any(_placeholders(form) not in allowed for form in forms) or _placeholders(forms[-1]) != allowed[-1]:
        yield "other placeholders"


def _placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text.replace("%%", "")))


def _compiled(path: Path) -> dict[object, str]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return _entries(file)


def _compiled_again(catalog: Catalog) -> dict[object, str]:
    file = io.BytesIO()
    write_mo(file, catalog)
    file.seek(0)
    return _entries(file)


def _entries(file: io.BufferedIOBase) -> dict[object, str]:
    # The head tells which Babel wrote it: only the messages count.
    entries: dict[object, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[arg-type,attr-defined]  # noqa: SLF001 - there is no other way to list them
    return {key: text for key, text in entries.items() if key}


def renew(language: str, wanted: Catalog) -> None:
    """Write the .po with the messages of today, and the .mo of what is translated."""
    path = po_path(language)
    catalog = read(path, language)
    created = catalog.creation_date
    catalog.update(wanted, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date, catalog.revision_date = created, created  # so that only messages change the file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


def main() -> int:
    """Renew unless told to check; fail while anything is left to do."""
    wanted = template()
    if "--check" not in sys.argv[1:]:
        for language in LANGUAGES:
            renew(language, wanted)
    said = [line for language in LANGUAGES for line in problems(po_path(language), language, wanted)]
    print(*said or [f"{len(list(wanted)) - 1} messages in {len(LANGUAGES)} languages"], sep="\n")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main())
