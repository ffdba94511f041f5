"""Checks of webhooks: do they arrive, are they accepted, and until when are their secrets valid?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_henry_checkout.conf import Account
from django_henry_checkout.doctor.accounts import get_accounts, is_local
from django_henry_checkout.doctor.findings import Check, Finding, Level, Probe
from django_henry_checkout.doctor.probes import probe_view
from django_henry_checkout.models import Purchase, WebhookMessage

#: A secret that expires within this time is reported.
EXPIRES_SOON = timedelta(days=3)
#: If purchases ended in this time and no webhook arrived, webhooks do not work.
ARRIVAL_WINDOW = timedelta(days=1)
#: Number of the newest rows that are checked.
NEWEST_ROWS = 1000
METHOD_NOT_ALLOWED = 405

WEBHOOK_SECRET_EXPIRES = Check(
    "webhook_secret_expires",
    Level.ERROR,
    why="From then on every webhook of the account is rejected with 401. Polling continues.",
    fix="Create a new secret in Henry's dashboard, and add it to WEBHOOK_SECRETS of the account "
    "{account!r}, next to the old one and without `not_after`.",
)
WEBHOOK_SECRET_EXPIRED = Check(
    "webhook_secret_expired",
    Level.NOTE,
    why="It is no longer accepted, and only makes it harder to see which secret is in use.",
    fix="Remove it from WEBHOOK_SECRETS of the account {account!r}.",
)
WEBHOOK_SUBSCRIPTION = Check(
    "webhook_subscription",
    Level.WARNING,
    why="Henry sends webhooks only for carts that name an endpoint, and carts of this account name none.",
    fix="Set WEBHOOK_UUID of the account {account!r} to the webhook's UUID, which Henry's dashboard shows.",
)
WEBHOOKS_SILENT = Check(
    "webhooks_silent",
    Level.WARNING,
    why="Polling continues, so nothing is lost, but orders are updated later and Henry gets more requests.",
    fix="Check in Henry's dashboard that the URL is https://<the shop>/henry/webhooks/{account}/<key> "
    "(docs/reference/webhooks.md shows how to print the key), that the webhook is active and that its secret is in "
    "WEBHOOK_SECRETS; and that no firewall or login blocks the URL. The log of "
    "`django_henry_checkout.webhooks` lists rejected webhooks.",
)
WEBHOOKS_UNCONFIRMED = Check(
    "webhooks_unconfirmed",
    Level.SKIPPED,
    why="Only a webhook that arrives proves that Henry can reach this shop.",
    fix="Make a purchase, or have Henry send a webhook, and run the doctor again.",
)
WEBHOOK_BLOCKED = Check(
    "webhook_blocked",
    Level.ERROR,
    why="A middleware or a proxy responds instead of the webhook view, so no webhook is stored.",
    fix="Exempt {path} from it: the URL needs no login, no cookie and no CSRF token, because every webhook "
    "is signed.",
)
CHECKS = (
    WEBHOOK_SECRET_EXPIRES, WEBHOOK_SECRET_EXPIRED, WEBHOOK_SUBSCRIPTION, WEBHOOKS_SILENT,
    WEBHOOKS_UNCONFIRMED, WEBHOOK_BLOCKED,
)  # fmt: skip


def get_webhooks_path() -> str:
    """Return the path of the webhook view, without account and key."""
    return reverse("henry_checkout:webhook", args=["doctor", "doctor"]).removesuffix("doctor/doctor")


def _accounts_with_webhooks() -> list[Account]:
    return [account for account in get_accounts() if account.webhook_secrets]


def probe_webhook_secrets() -> Iterator[Finding]:
    """Find secrets that have expired, or expire soon with no successor."""
    now = timezone.now()
    for account in _accounts_with_webhooks():
        ends = [secret.not_after for secret in account.webhook_secrets]
        dates = [moment for moment in ends if moment is not None]
        if len(dates) == len(ends) and max(dates) < now + EXPIRES_SOON:
            last = max(dates).isoformat(timespec="minutes")
            yield WEBHOOK_SECRET_EXPIRES.finding(
                f"The last webhook secret of the account {account.alias!r} expires at {last}.",
                account=account.alias,
            )
        elif any(moment < now for moment in dates):
            found = (
                f"WEBHOOK_SECRETS of the account {account.alias!r} contains one whose `not_after` has passed."
            )
            yield WEBHOOK_SECRET_EXPIRED.finding(found, account=account.alias)


def probe_webhook_subscription() -> Iterator[Finding]:
    """Find accounts with secrets but no endpoint. It skips v0, which is undocumented, and local sandboxes."""
    for account in _accounts_with_webhooks():
        if not account.webhook_uuid and account.api_version != "v0" and not is_local(account.base_url):
            yield WEBHOOK_SUBSCRIPTION.finding(
                f"The account {account.alias!r} has WEBHOOK_SECRETS and no WEBHOOK_UUID.",
                account=account.alias,
            )


def probe_webhook_arrival() -> Iterator[Finding]:
    """Compare the newest purchases with the newest webhooks."""
    since = timezone.now() - ARRIVAL_WINDOW
    received = _newest_per_account(
        WebhookMessage.objects.order_by("-pk").values_list("account", "received_at")[:NEWEST_ROWS]
    )
    ended = _newest_per_account(
        Purchase.objects.order_by("-pk").values_list("account", "ended_at")[:NEWEST_ROWS]
    )
    for account in _accounts_with_webhooks():
        last_received, last_ended = received.get(account.alias), ended.get(account.alias)
        if last_received is not None and last_received > since:
            continue
        if last_ended is not None and last_ended > since:
            found = (
                f"Purchases of the account {account.alias!r} ended in the last day, but no webhook arrived."
            )
            yield WEBHOOKS_SILENT.finding(found, account=account.alias)
        elif not is_local(account.base_url):
            yield WEBHOOKS_UNCONFIRMED.finding(
                f"In the last day no webhook arrived for the account {account.alias!r}, and no purchase "
                "ended."
            )


def _newest_per_account(rows: Iterable[tuple[str, datetime | None]]) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for account, moment in rows:
        if moment is not None and moment > newest.get(account, moment - ARRIVAL_WINDOW):
            newest[account] = moment
    return newest


def probe_webhook_endpoint() -> Iterator[Finding]:
    """Send a GET to the webhook view, through the middleware; it accepts only POST and responds with 405."""
    if not _accounts_with_webhooks():
        return
    try:
        path = get_webhooks_path()
    except NoReverseMatch:  # reported by probe_urls
        return
    status = probe_view(f"{path}doctor/doctor").status_code
    if status != METHOD_NOT_ALLOWED:
        yield WEBHOOK_BLOCKED.finding(
            f"The webhook URL responds to a GET with {status}; the view would respond with 405.", path=path
        )


PROBES: tuple[Probe, ...] = (
    probe_webhook_secrets, probe_webhook_subscription, probe_webhook_arrival, probe_webhook_endpoint,
)  # fmt: skip
