"""Webhooks: stored first, applied later, through the same writer as polls.

A webhook is applied only if it is newer than the known state, and only to a purchase of the account whose secret
signed it. One with too little detail, or out of order, makes the purchase due for a poll instead.
"""

from __future__ import annotations

import hashlib
import logging
import random
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from django_henry_checkout.conf import Account, app_settings
from django_henry_checkout.flows.purchase.apply import apply_observation
from django_henry_checkout.flows.queue.clock import queue_now
from django_henry_checkout.flows.queue.leases import take_leases
from django_henry_checkout.flows.queue.wakeup import Work, wake_workers
from django_henry_checkout.gateway.webhooks import Notice, read_notice, read_timestamp, why_refused
from django_henry_checkout.models import Purchase, PurchasePoll, WebhookMessage, WebhookStatus
from django_henry_checkout.models.purchases import CLOSED_BY_STAFF, UNRESOLVED_PURCHASE
from django_henry_checkout.telemetry import record_webhook
from django_henry_checkout.types import Claim, Source

logger = logging.getLogger("django_henry_checkout.webhooks")

RETRY_BASE = timedelta(seconds=5)
RETRY_CAP = timedelta(minutes=10)
#: A webhook that is still unmatched after this time fails for good.
GIVE_UP_AFTER = timedelta(hours=24)
#: Number of purchases in doubt that an unmatched webhook makes due for a poll.
MAX_LOOKUPS = 20


def endpoint_key(account: Account) -> str:
    """Return the secret part of the webhook URL: WEBHOOK_KEY, else a key derived from SECRET_KEY."""
    return account.webhook_key or _derived_key(account, settings.SECRET_KEY)


def is_endpoint(account: Account, key: str) -> bool:
    """Return whether `key` belongs to the account. Keys derived from SECRET_KEY_FALLBACKS count too."""
    valid = [endpoint_key(account)]
    if not account.webhook_key:
        valid += [_derived_key(account, str(secret)) for secret in settings.SECRET_KEY_FALLBACKS]
    # The sum compares all of them, so that the time reveals nothing.
    return sum(constant_time_compare(each, key) for each in valid) > 0


def _derived_key(account: Account, secret: str) -> str:
    digest = salted_hmac("henry_checkout.webhook", account.alias, secret=secret, algorithm="sha256")
    return digest.hexdigest()[:32]


def receive_webhook(account: Account, body: bytes, *, signature: str, timestamp: str) -> bool:
    """Store a webhook with a valid signature; return whether it is valid.

    A duplicate is not stored again. An invalid one is only logged, without its body.

    Effects: one insert; wakes up workers after the commit.
    """
    reason = why_refused(
        body,
        signature=signature,
        timestamp=timestamp,
        secrets=account.webhook_secrets,
        now=timezone.now(),
        tolerance=app_settings.WEBHOOK_TOLERANCE,
    )
    signed_at = read_timestamp(timestamp)
    if reason or signed_at is None:
        digest = hashlib.sha256(body).hexdigest()
        logger.warning(
            "A webhook for account %s was refused: %s (%s bytes, %s)",
            account.alias,
            reason,
            len(body),
            digest,
        )
        record_webhook(account=account.alias, is_valid=False)
        return False
    record_webhook(account=account.alias, is_valid=True)
    digest = hashlib.sha256(timestamp.encode() + b"." + body).hexdigest()
    text = body.decode("utf-8", "replace").replace("\x00", "")
    fresh = WebhookMessage(account=account.alias, digest=digest, body=text, signed_at=signed_at)
    WebhookMessage.objects.bulk_create([fresh], ignore_conflicts=True)
    wake_workers(Work.WEBHOOKS)
    return True


def process_webhooks(*, limit: int | None = None) -> int:
    """Process the webhooks that are due; return how many.

    Effects: one claim; for each webhook one transaction. Safe to run in any number of workers at once.
    """
    claims = _claim(limit or app_settings.WEBHOOK_BATCH)
    for claim in claims:
        _process(claim)
    return len(claims)


def _claim(limit: int) -> list[Claim]:
    due = WebhookMessage.objects.due
    return take_leases(due, limit=limit, lasts=app_settings.WEBHOOK_LEASE, attempts=F("attempts") + 1)


def _process(claim: Claim) -> None:
    mine = WebhookMessage.objects.filter(pk=claim.pk, fence=claim.fence)
    try:
        with transaction.atomic():
            # The update checks the fence and locks the row, so that an erasure cannot empty it meanwhile.
            if mine.update(processed_at=timezone.now()):
                _resolve(mine.get())
    except Exception as error:  # the task boundary: one bad message must not hold up the others
        if isinstance(error, DatabaseError) and not connection.is_usable():
            raise
        message = mine.first()
        logger.exception("Webhook %s could not be applied.", claim.pk if message is None else message.ulid)
        if message is not None:
            _record_failure(message, error)


def _resolve(message: WebhookMessage) -> None:
    try:
        notice = read_notice(message.body)
    except ValueError as error:
        _end(message, WebhookStatus.IGNORED, f"Unreadable: {error}", keeps_body=True)
        return
    message.event, message.ref_id = notice.event, notice.ref_id
    if not notice.ref_id:
        _end(message, WebhookStatus.IGNORED, "Names no purchase", keeps_body=True)
        return
    named = Purchase.objects.select_related("poll").filter(ref_id=notice.ref_id)
    purchase = named.filter(account=message.account).first()
    if purchase is not None:
        _apply(message, notice, purchase)
    elif named.exists():
        logger.error(
            "Webhook %s: account %s names another account's purchase.", message.ulid, message.account
        )
        _end(message, WebhookStatus.REFUSED, "Belongs to another account")
    else:
        _wait_for_purchase(message)


def _apply(message: WebhookMessage, notice: Notice, purchase: Purchase) -> None:
    # A purchase that staff closed may still be bought at Henry, so its outcome is applied.
    if purchase.is_terminal and purchase.error != CLOSED_BY_STAFF:
        _end(message, WebhookStatus.DONE, "Already finished")
        return
    is_out_of_order = purchase.answered_at is not None and message.signed_at <= purchase.answered_at
    outcome = "Out of order: status requested"
    if not is_out_of_order and notice.observation is None:
        outcome = "Too little detail: status requested"
    elif not is_out_of_order and notice.observation is not None:
        result = apply_observation(
            purchase, notice.observation, source=Source.WEBHOOK, reported_at=message.signed_at
        )
        if not result.is_outdated:
            _end(message, WebhookStatus.DONE, "Applied" if result.changed else "No change")
            return
    PurchasePoll.objects.filter(purchase=purchase).update(due_at=queue_now())
    _end(message, WebhookStatus.DONE, outcome)
    wake_workers(Work.POLLS)


def _wait_for_purchase(message: WebhookMessage) -> None:
    """Keep a webhook that may have overtaken the answer to our call, and poll the purchases in doubt."""
    age = timezone.now() - message.received_at
    if age > GIVE_UP_AFTER:
        _end(message, WebhookStatus.DEAD, "Unmatched", keeps_body=True)
        return
    if age > app_settings.WEBHOOK_MATCH_TIMEOUT and not message.outcome:
        message.outcome = "Unmatched"
        logger.error("Webhook %s names an unknown purchase.", message.ulid)
    unresolved = PurchasePoll.objects.filter(
        account=message.account, purchase__status__in=UNRESOLVED_PURCHASE
    ).values_list("pk", flat=True)[:MAX_LOOKUPS]
    if message.status == WebhookStatus.RECEIVED:
        PurchasePoll.objects.filter(pk__in=list(unresolved)).update(due_at=queue_now())
    message.status = WebhookStatus.UNMATCHED
    message.due_at = queue_now() + _pause(message.attempts)
    message.processed_at = None
    message.save(update_fields=["status", "due_at", "event", "ref_id", "outcome", "processed_at"])


def _end(message: WebhookMessage, status: str, outcome: str, *, keeps_body: bool = False) -> None:
    message.status, message.outcome, message.processed_at = status, outcome[:500], timezone.now()
    if not keeps_body:
        message.body = ""  # it contains personal data and is no longer needed
    message.save(update_fields=["status", "outcome", "processed_at", "event", "ref_id", "body"])


def _record_failure(message: WebhookMessage, error: Exception) -> None:
    """Schedule a retry, or keep it for staff. Only the type of the error is stored: its text may be personal."""
    is_last = message.attempts >= app_settings.WEBHOOK_ATTEMPTS
    WebhookMessage.objects.filter(pk=message.pk, fence=message.fence).update(
        status=WebhookStatus.DEAD if is_last else message.status,
        due_at=queue_now() + _pause(message.attempts),
        outcome=f"{type(error).__module__}.{type(error).__qualname__}",
        processed_at=None,
    )


def _pause(attempts: int) -> timedelta:
    ceiling = min(RETRY_BASE * 2.0 ** min(attempts, 10), RETRY_CAP)
    return ceiling * random.uniform(0.5, 1)  # noqa: S311 - spreads load, guards nothing


def replay_webhook(message: WebhookMessage) -> bool:
    """Queue a webhook again that was kept for staff; return whether that was possible: its body may be gone."""
    replayable = WebhookMessage.objects.filter(pk=message.pk).exclude(body="")
    updated = replayable.exclude(status=WebhookStatus.DONE).update(
        status=WebhookStatus.RECEIVED, attempts=0, due_at=queue_now(), received_at=timezone.now(), outcome=""
    )
    return bool(updated)
