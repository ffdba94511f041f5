"""`Idempotency-Key`: the same key and body is done once, and answered the same again."""

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
#: A call that has not finished after this long died; its claim may be taken over.
CLAIM_LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True)
class StoredResponse:
    """What the first call answered."""

    status: int
    body: Any


def fingerprint(content: Any) -> str:
    """Return the same text for two bodies that mean the same: the order of names does not count.

    Keyed, so that what a body holds cannot be found out by trying.
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return salted_hmac("henry_checkout.idempotency", text, algorithm="sha256").hexdigest()


def claim_key(scope: str, key: str, *, fingerprint: str) -> IdempotencyRecord | StoredResponse:
    """Claim a key, or return what the call with it answered before.

    Raises:
        InvalidIdempotencyKey: the key is empty, too long, or not printable ASCII.
        KeyReused: the key came with another body before.
        StillRunning: the first call has not answered yet.
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
        known = IdempotencyRecord.objects.filter(scope=scope, key=key).first()
        if known is None:  # given back in this very moment
            raise StillRunning from None
        return _check_record(known, fingerprint=fingerprint)
    return fresh


def _check_record(record: IdempotencyRecord, *, fingerprint: str) -> IdempotencyRecord | StoredResponse:
    if record.fingerprint != fingerprint:
        raise KeyReused
    if record.status is not None:
        return StoredResponse(record.status, record.body)
    now = timezone.now()
    died = IdempotencyRecord.objects.filter(
        pk=record.pk, status=None, claimed_at=record.claimed_at, claimed_at__lte=now - CLAIM_LIFETIME
    )
    if not died.update(claimed_at=now):
        raise StillRunning
    return record


def record_progress(record: IdempotencyRecord, body: Any) -> None:
    """Keep what a call has led to before it is finished: if it dies, whoever takes over finds it in `body`."""
    IdempotencyRecord.objects.filter(pk=record.pk).update(body=body)
    record.body = body


def store_response(record: IdempotencyRecord, *, status: int, body: Any) -> None:
    """Keep an answer. Runs in the transaction of the change, so that one is never there without the other."""
    IdempotencyRecord.objects.filter(pk=record.pk).update(status=status, body=body)


def release_key(record: IdempotencyRecord) -> None:
    """Give a claim back after a call that changed nothing, so that it can be made again."""
    IdempotencyRecord.objects.filter(pk=record.pk, status=None).delete()
