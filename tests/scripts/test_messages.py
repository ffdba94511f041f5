"""The catalogues hold what the code says today, in every language, and say it with the same parts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts import messages

LANGUAGES = messages.LANGUAGES
WANTED = messages.template()


@pytest.fixture
def german(tmp_path: Path) -> Path:
    """A copy of the German catalogue, to spoil."""
    for suffix in (".po", ".mo"):
        shutil.copy(messages.po_path("de").with_suffix(suffix), tmp_path)
    return tmp_path / "django.po"


def said(po: Path) -> str:
    return "\n".join(messages.problems(po, "de", WANTED))


def spoil(po: Path, old: str, new: str) -> None:
    text = po.read_text(encoding="utf-8")
    assert old in text
    po.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_whole_and_compiled(language: str) -> None:
    found = messages.problems(messages.po_path(language), language, WANTED)
    assert found == [], "Run `make messages`, then translate what it lists."


@pytest.mark.parametrize("language", LANGUAGES)
def test_to_renew_changes_nothing(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = messages.po_path(language).read_text(encoding="utf-8")
    shutil.copytree(messages.LOCALE, tmp_path / "locale")
    monkeypatch.setattr(messages, "LOCALE", tmp_path / "locale")
    messages.renew(language, WANTED)
    after = messages.po_path(language).read_text(encoding="utf-8")
    generated = "Generated-By: Babel"
    assert [line for line in after.splitlines() if generated not in line] == [
        line for line in before.splitlines() if generated not in line
    ]


def test_a_message_that_is_missing_is_seen(german: Path) -> None:
    spoil(german, 'msgid "Secure checkout"', 'msgid "Quite secure checkout"')
    assert "missing: ('Secure checkout', None)" in said(german)
    assert "no longer used: ('Quite secure checkout', None)" in said(german)


def test_the_code_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text('from x import gettext as _\n\nsays = _("Brand new")\n')
    page = "{% load i18n %}\n  {% blocktranslate count n=n %}{{ n }} thing{% plural %}{{ n }} things{% endblocktranslate %}"
    page += '{% translate "Fit" context "of clothes" %}{% include "x.html" with label=_("Go") %}'
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "page.html").write_text('{% load i18n %}{% translate "Not this" %}')
    found = {(message.id, message.context) for message in messages.template(tmp_path) if message.id}
    assert found == {
        ("Brand new", None),
        (("%(n)s thing", "%(n)s things"), None),
        ("Fit", "of clothes"),
        ("Go", None),
    }


def test_an_empty_text_is_seen(german: Path) -> None:
    spoil(german, 'msgstr "Sichere Kasse"', 'msgstr ""')
    assert "not translated: 'Secure checkout'" in said(german)


def test_a_guess_is_seen(german: Path) -> None:
    spoil(german, 'msgid "Secure checkout"', '#, fuzzy\nmsgid "Secure checkout"')
    assert "fuzzy: 'Secure checkout'" in said(german)


def test_what_is_obsolete_is_seen(german: Path) -> None:
    with german.open("a", encoding="utf-8") as file:
        file.write('\n#~ msgid "Gone"\n#~ msgstr "Weg"\n')
    assert "obsolete: 'Gone'" in said(german)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('msgstr "%(total)s bezahlen"', 'msgstr "%(summe)s bezahlen"'),
        ('msgstr "%(total)s bezahlen"', 'msgstr "Bezahlen"'),
        ('msgstr[1] "%d Links wurden', 'msgstr[1] "%s Links wurden'),
        ('msgstr[0] "%d Link wurde', 'msgstr[0] "Ein Link wurde'),
        ('msgstr[1] "%(number)s Angaben', 'msgstr[1] "Angaben'),
    ],
)
def test_other_placeholders_are_seen(german: Path, right: str, wrong: str) -> None:
    spoil(german, right, wrong)
    assert "other placeholders" in said(german)


def test_braces_are_placeholders_too() -> None:
    assert messages._placeholders("{name} 100%% {} %d") == {"{name}": 1, "{}": 1, "%d": 1}


def test_a_missing_plural_form_is_seen(german: Path) -> None:
    spoil(german, 'msgstr[1] "%d Links wurden geschlossen."\n', "")
    assert "1 plural forms, not 2" in said(german) or "not translated" in said(german)


def test_arabic_has_six_forms_and_japanese_one() -> None:
    forms = {each: messages.read(messages.po_path(each), each).num_plurals for each in ("ar", "ja", "de")}
    assert forms == {"ar": 6, "ja": 1, "de": 2}


def test_a_compiled_catalogue_of_yesterday_is_seen(german: Path) -> None:
    spoil(german, 'msgstr "Sichere Kasse"', 'msgstr "Sehr sichere Kasse"')
    assert "the .mo is another one" in said(german)
    german.with_suffix(".mo").unlink()
    assert "the .mo is another one" in said(german)


def test_a_language_without_a_catalogue_is_seen(tmp_path: Path) -> None:
    assert messages.problems(tmp_path / "django.po", "de", WANTED) == ["de: there is no django.po"]
