"""A filter for log handlers: takes out of every line what must not stand in a log, whoever wrote it.

The app's own lines hold no personal data. Those of a shop's receivers may, and tracebacks quote whatever failed.
"""

from __future__ import annotations

import logging
import re
import traceback

from django_henry_checkout.telemetry import traceparent

HIDDEN = "[hidden]"
_SECRETS = re.compile(
    r"""
    [\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+          # e-mail addresses
    | (?<![\w.-])\+\d[\d\ ().-]{7,20}\d                   # phone numbers with their country code
    | (?<![\w-])(?:\d[\ -]?){12,18}\d(?![\w-])           # what may be the number of a card
    | \b(?:hck_|whsec_|sk_|Bearer\s|Api-Key\s)\S{6,}     # secrets by how they begin
    """,
    re.VERBOSE,
)


class RedactingFilter(logging.Filter):
    """Hides e-mail addresses, phone and card numbers and secrets; adds `traceparent` to each record.

    Put it on handlers: filters of a logger do not see what comes up from the loggers below it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record for every handler after this one, and let it pass."""
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        record.traceparent = traceparent()
        return True


def redact(text: str) -> str:
    """Return a text without what must not stand in a log."""
    return _SECRETS.sub(HIDDEN, text)
