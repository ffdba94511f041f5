"""The iframe wrapper, which shows Henry's page inside the shop's page: who may open it, and where."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from django_henry_checkout.conf import Account, app_settings
from django_henry_checkout.exceptions import OriginNotAllowed, TokenInvalid
from django_henry_checkout.gateway.framing import Framing, probe_framing
from django_henry_checkout.models import CheckoutSession, SessionMode
from django_henry_checkout.models.access import hash_secret, new_secret

#: How long the result of a probe of Henry's page is cached; a refusal for a shorter time.
ALLOWED_CACHE_TIME = timedelta(minutes=10)
REFUSED_CACHE_TIME = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class OpenedFrame:
    """A wrapper page that may be rendered now. `token` gives the same access as the session's own token."""

    session: CheckoutSession
    token: str = field(repr=False)


def check_frame_origin(origin: str, *, account: Account, own_origin: str) -> str:
    """Return the origin of a page that may frame the checkout, normalized.

    Args:
        own_origin: origin of the shop itself, which is always allowed.

    Raises:
        OriginNotAllowed: it is neither the shop's own nor in the account's FRAME_ANCESTORS.
    """
    normalized = origin.rstrip("/").lower()
    if normalized != own_origin.lower() and normalized not in account.frame_ancestors:
        raise OriginNotAllowed
    return normalized


def issue_ticket(session: CheckoutSession) -> str:
    """Return a single-use ticket that opens the wrapper page of a framed session, in pages of its origin.

    Effects: one statement; it invalidates an earlier ticket of the session.
    """
    ticket = new_secret()
    CheckoutSession.objects.filter(pk=session.pk).update(ticket_hash=hash_secret(ticket))
    return ticket


def redeem_ticket(ticket: str) -> OpenedFrame:
    """Redeem a ticket.

    Raises:
        TokenInvalid: it is unknown, used or expired; all look the same.

    Effects: one compare and set, so that of concurrent requests with the same ticket only one succeeds.
    """
    oldest = timezone.now() - app_settings.FRAME_TICKET_LIFETIME
    sessions = CheckoutSession.objects.select_related("order")
    found = sessions.filter(
        ticket_hash=hash_secret(ticket), mode=SessionMode.FRAMED, created_at__gt=oldest
    ).first()
    token = new_secret()
    if found is None or not CheckoutSession.objects.filter(pk=found.pk, ticket_hash=found.ticket_hash).update(
        ticket_hash=None, frame_token_hash=hash_secret(token)
    ):
        raise TokenInvalid
    return OpenedFrame(session=found, token=token)


def check_framing(session: CheckoutSession, *, ancestors: Iterable[str]) -> Framing:
    """Return whether Henry's page can be shown in a frame now.

    Effects: one short HTTP read, see `probe_framing`, unless its result is in the cache, which all shoppers share.
    """
    if not app_settings.FRAME_PROBE:
        return Framing.ALLOWED
    origins = sorted(set(ancestors))
    account = session.order.account
    digest = hashlib.sha256(" ".join([account, *origins]).encode()).hexdigest()[:32]
    key = f"henry_checkout:framing:{digest}"
    cached = cache.get(key)
    if cached is not None:
        return Framing(cached)
    framing = probe_framing(session.order.hosted_url, ancestors=origins)
    lifetime = ALLOWED_CACHE_TIME if framing is Framing.ALLOWED else REFUSED_CACHE_TIME
    cache.set(key, str(framing), timeout=lifetime.total_seconds())
    return framing
