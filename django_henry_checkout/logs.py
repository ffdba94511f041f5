"""A filter for log handlers that hides personal data and secrets in every line.

The app's own lines contain none. Those of a shop's receivers may, and tracebacks quote values.
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
    | (?<![\w-])(?:\d[\ -]?){12,18}\d(?![\w-])           # possible card numbers
    | \b(?:hck_|whsec_|sk_|Bearer\s|Api-Key\s)\S{6,}     # secrets, by their prefixes
    """,
    re.VERBOSE,
)


class RedactingFilter(logging.Filter):
    """Hides e-mail addresses, phone and card numbers and secrets; adds `traceparent` to each record.

    Add it to handlers: the filters of a logger do not see the records of its child loggers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record, for this handler and all later ones, and let it pass."""
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        record.traceparent = traceparent()
        return True


def redact(text: str) -> str:
    """Return `text` with personal data, card numbers and secrets replaced by HIDDEN."""
    return _SECRETS.sub(HIDDEN, text)
