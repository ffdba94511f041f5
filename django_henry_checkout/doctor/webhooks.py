"""Webhooks: do they arrive, would they be believed, and for how long?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_henry_checkout.conf import Account
from django_henry_checkout.doctor.findings import Finding, Level, Look, Trap
from django_henry_checkout.doctor.keys import accounts, is_here
from django_henry_checkout.doctor.probes import answer_of_view
from django_henry_checkout.models import Purchase, WebhookMessage

#: So long before its end a secret is named.
SOON = timedelta(days=3)
#: Without a webhook for so long, though something was bought and ended, they do not arrive.
SILENCE = timedelta(days=1)
#: How many of the newest rows are looked at.
NEWEST = 1000
METHOD_NOT_ALLOWED = 405

SECRET_ENDS = Trap(
    "webhook_secret_ends",
    Level.ERROR,
    why="After that moment each webhook of the account is refused with 401. Polls go on.",
    fix="Have Henry's dashboard make a new secret, and put it into WEBHOOK_SECRETS of the account {account!r} beside the "
    "old one, without `not_after`.",
)
SECRET_ENDED = Trap(
    "webhook_secret_old",
    Level.NOTE,
    why="It counts no more; kept, it only hides which one is in use.",
    fix="Take it out of WEBHOOK_SECRETS of the account {account!r}.",
)
NOT_SUBSCRIBED = Trap(
    "webhook_subscription",
    Level.WARNING,
    why="Henry attaches webhooks to carts, and carts of this account name none: no webhook is ever sent.",
    fix="Put the webhook's UUID, as Henry's dashboard shows it, into WEBHOOK_UUID of the account {account!r}.",
)
SILENT = Trap(
    "webhooks_silent",
    Level.WARNING,
    why="Polls go on, so nothing is lost, but the shop hears later and Henry is asked more often.",
    fix="Check in Henry's dashboard that the address is https://<the shop>/henry/webhooks/{account}/<key> (docs/reference/webhooks.md "
    "prints the key), that it is active and its secret is the one in WEBHOOK_SECRETS; and that no firewall or "
    "login stands before it. The log of `django_henry_checkout.webhooks` names those that were refused.",
)
UNPROVEN = Trap(
    "webhooks_unproven",
    Level.UNSEEN,
    why="Whether Henry reaches this shop cannot be seen from inside; that a webhook came would prove it.",
    fix="Buy something, or have Henry send one, and run the doctor again.",
)
BLOCKED = Trap(
    "webhook_blocked",
    Level.ERROR,
    why="A middleware answers in place of the view that takes webhooks, so none is stored.",
    fix="Let the middleware pass {path}: it needs no login, no cookie and no CSRF token, for each webhook is signed.",
)
TRAPS = (SECRET_ENDS, SECRET_ENDED, NOT_SUBSCRIBED, SILENT, UNPROVEN, BLOCKED)


def webhooks_path() -> str:
    """Return where webhooks come: the path without account and key."""
    return reverse("henry_checkout:webhook", args=["doctor", "doctor"]).removesuffix("doctor/doctor")


def _awaiting() -> list[Account]:
    return [account for account in accounts() if account.webhook_secrets]


def secrets_last() -> Iterator[Finding]:
    """Look for secrets that have ended, or end soon with none to follow."""
    now = timezone.now()
    for account in _awaiting():
        ends = [secret.not_after for secret in account.webhook_secrets]
        dates = [moment for moment in ends if moment is not None]
        if len(dates) == len(ends) and max(dates) < now + SOON:
            last = max(dates).isoformat(timespec="minutes")
            yield SECRET_ENDS.found(
                f"The last webhook secret of the account {account.alias!r} ends at {last}.",
                account=account.alias,
            )
        elif any(moment < now for moment in dates):
            found = f"WEBHOOK_SECRETS of the account {account.alias!r} holds one whose `not_after` is over."
            yield SECRET_ENDED.found(found, account=account.alias)


def carts_are_subscribed() -> Iterator[Finding]:
    """Look for secrets without a subscription. Of v0 nothing is known, and the sandbox may send for every cart."""
    for account in _awaiting():
        if not account.webhook_uuid and account.api_version != "v0" and not is_here(account.base_url):
            yield NOT_SUBSCRIBED.found(
                f"The account {account.alias!r} has WEBHOOK_SECRETS and no WEBHOOK_UUID.",
                account=account.alias,
            )


def webhooks_arrive() -> Iterator[Finding]:
    """Compare what was bought with what was heard, among the newest rows."""
    since = timezone.now() - SILENCE
    heard = _newest(WebhookMessage.objects.order_by("-pk").values_list("account", "received_at")[:NEWEST])
    ended = _newest(Purchase.objects.order_by("-pk").values_list("account", "ended_at")[:NEWEST])
    for account in _awaiting():
        last_heard, last_ended = heard.get(account.alias), ended.get(account.alias)
        if last_heard is not None and last_heard > since:
            continue
        if last_ended is not None and last_ended > since:
            found = f"Purchases of the account {account.alias!r} ended in the last day, and no webhook came."
            yield SILENT.found(found, account=account.alias)
        elif not is_here(account.base_url):
            yield UNPROVEN.found(
                f"No webhook came for the account {account.alias!r} in the last day, and nothing ended."
            )


def _newest(rows: Iterable[tuple[str, datetime | None]]) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for account, moment in rows:
        if moment is not None and moment > newest.get(account, moment - SILENCE):
            newest[account] = moment
    return newest


def webhooks_come_through() -> Iterator[Finding]:
    """Send a GET to the address through the middleware: the view itself answers 405, since it takes POST only."""
    if not _awaiting():
        return
    try:
        path = webhooks_path()
    except NoReverseMatch:  # another look says so
        return
    status = answer_of_view(f"{path}doctor/doctor").status_code
    if status != METHOD_NOT_ALLOWED:
        yield BLOCKED.found(
            f"The address of webhooks answers {status} to a GET, where the view would say 405.", path=path
        )


LOOKS: tuple[Look, ...] = (secrets_last, carts_are_subscribed, webhooks_arrive, webhooks_come_through)
