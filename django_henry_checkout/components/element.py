"""Texts of `<henry-checkout>` in the active language. `henry-view.js` holds the English ones as well."""

from __future__ import annotations

import json
from functools import lru_cache

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

TEXTS = {
    "title": _("Secure checkout"),
    "close": _("Close"),
    "others": _("Other ways to pay"),
    "here": _("Pay here after all"),
    "opening": _("Opening the payment page…"),
    "slow": _("This takes longer than usual. You can wait, or open the payment page in a new window."),
    "window": _("Pay in the window that has opened. This page follows along."),
    "focus": _("Show the payment window"),
    "again": _("Open the payment window again"),
    "popup": _("Open in a new window"),
    "tab": _("Open in a new tab"),
    "redirect": _("Continue on this page"),
    "phone": _("Pay on your phone"),
    "blocked": _("Your browser has blocked the payment window."),
    "refused": _("The payment page cannot be shown inside this page."),
    "failing": _("The payment page does not answer here."),
    "tabbed": _("Pay in the tab that has opened. This page follows along."),
    "scan": _("Scan this code with your phone to pay there. This page follows along."),
    "checking": _("We are checking your payment. You can leave this page: your order goes on without it."),
    "unsure": _("We have not seen a payment yet. If the payment window is still open, go on there."),
    "later": _("Your payment is still being confirmed. We will tell you as soon as it is."),
    "completed": _("Thank you, your payment has arrived."),
    "failed": _("The payment did not go through. Nothing was charged."),
    "ended": _("This order did not go through."),
    "order": _("See what happened"),
    "expired": _("Time is over for this payment. Your cart is kept."),
    "trouble": _("That did not work. Nothing was charged."),
    "retry": _("Try again"),
    "ending": _("This payment closes soon."),
    "more": _("I need more time"),
    "extended": _("You have more time now."),
}


def element_texts() -> str:
    """Return the texts that differ from the script's English ones, as JSON; "" if none does."""
    return _translate(get_language() or "")


@lru_cache(maxsize=128)
def _translate(_language: str) -> str:
    translated = {name: gettext(text) for name, text in TEXTS.items()}
    changed = {name: text for name, text in translated.items() if text != TEXTS[name]}
    return json.dumps(changed) if changed else ""
