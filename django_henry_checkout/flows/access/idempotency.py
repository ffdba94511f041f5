"""`Idempotency-Key`: a call with the same key and body runs once; repeats get the stored response."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from django_henry_checkout.exceptions import InvalidIdempotencyKey, KeyReused, StillRunning
from django_henry_checkout.models import IdempotencyRecord

MAX_KEY_LENGTH = 255
RETENTION = timedelta(hours=48)
#: A call that has not finished after this time has died; another one may take over its claim.
CLAIM_LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True)
class StoredResponse:
    """Response of the first call."""

    status: int
    body: Any


def fingerprint(content: Any) -> str:
    """Return a digest that is equal for equal bodies; the order of names does not matter.

    Keyed, so that the content of a body cannot be found by trial.
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return salted_hmac("henry_checkout.idempotency", text, algorithm="sha256").hexdigest()


def claim_key(scope: str, key: str, *, fingerprint: str) -> IdempotencyRecord | StoredResponse:
    """Claim a key, or return the stored response of the call that used it.

    Raises:
        InvalidIdempotencyKey: the key is empty, too long, or not printable ASCII.
        KeyReused: the key was used with another body.
        StillRunning: the first call has not finished yet.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise InvalidIdempotencyKey
    now = timezone.now()
    fresh = IdempotencyRecord(
        scope=scope, key=key, fingerprint=fingerprint, claimed_at=now, expires_at=now + RETENTION
    )
    IdempotencyRecord.objects.filter(scope=scope, key=key, expires_at__lte=now).delete()
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        existing = IdempotencyRecord.objects.filter(scope=scope, key=key).first()
        if existing is None:  # released a moment ago
            raise StillRunning from None
        return _check_record(existing, fingerprint=fingerprint)
    return fresh


def _check_record(record: IdempotencyRecord, *, fingerprint: str) -> IdempotencyRecord | StoredResponse:
    if record.fingerprint != fingerprint:
        raise KeyReused
    if record.status is not None:
        return StoredResponse(record.status, record.body)
    now = timezone.now()
    expired_claim = IdempotencyRecord.objects.filter(
        pk=record.pk, status=None, claimed_at=record.claimed_at, claimed_at__lte=now - CLAIM_LIFETIME
    )
    if not expired_claim.update(claimed_at=now):
        raise StillRunning
    return record


def record_progress(record: IdempotencyRecord, body: Any) -> None:
    """Store an intermediate result in `body`; if the call dies, the one that takes over continues from it."""
    IdempotencyRecord.objects.filter(pk=record.pk).update(body=body)
    record.body = body


def store_response(record: IdempotencyRecord, *, status: int, body: Any) -> None:
    """Store the response, in the transaction of the change, so that neither exists without the other."""
    IdempotencyRecord.objects.filter(pk=record.pk).update(status=status, body=body)


def release_key(record: IdempotencyRecord) -> None:
    """Release a claim after a call that changed nothing, so that the call can be repeated."""
    IdempotencyRecord.objects.filter(pk=record.pk, status=None).delete()
