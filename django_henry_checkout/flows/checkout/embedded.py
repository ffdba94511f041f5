"""The wrapper page, which puts Henry's page into a frame of the shop's page: who may open it, and where."""

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

#: How long a look at the headers of Henry's page counts; one that found trouble counts for a shorter time.
ALLOWED_CACHE_TIME = timedelta(minutes=10)
REFUSED_CACHE_TIME = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class OpenedFrame:
    """A wrapper page that may be shown now. `token` opens what the session's own token does."""

    session: CheckoutSession
    token: str = field(repr=False)


def check_frame_origin(origin: str, *, account: Account, own_origin: str) -> str:
    """Return the origin of the page that may frame the checkout, as browsers spell it.

    Args:
        own_origin: of the shop itself, which always may.

    Raises:
        OriginNotAllowed: it is neither the shop's own nor in the account's FRAME_ANCESTORS.
    """
    spelled = origin.rstrip("/").lower()
    if spelled != own_origin.lower() and spelled not in account.frame_ancestors:
        raise OriginNotAllowed
    return spelled


def issue_ticket(session: CheckoutSession) -> str:
    """Return a ticket that opens the wrapper page of a framed session: once, soon, and in pages of its origin.

    Effects: one statement; an older ticket of the session is worthless from here on.
    """
    ticket = new_secret()
    CheckoutSession.objects.filter(pk=session.pk).update(ticket_hash=hash_secret(ticket))
    return ticket


def redeem_ticket(ticket: str) -> OpenedFrame:
    """Use up a ticket.

    Raises:
        TokenInvalid: it is unknown, was used, or is too old. All look the same.

    Effects: one statement takes the ticket, so that of two who show it at once one alone gets in.
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
    """Say whether Henry's page can be shown in a frame now.

    Effects: seldom one short HTTP read, see `probe_framing`; its answer counts for all shoppers for a while.
    """
    if not app_settings.FRAME_PROBE:
        return Framing.ALLOWED
    around = sorted(set(ancestors))
    account = session.order.account
    digest = hashlib.sha256(" ".join([account, *around]).encode()).hexdigest()[:32]
    key = f"henry_checkout:framing:{digest}"
    known = cache.get(key)
    if known is not None:
        return Framing(known)
    found = probe_framing(session.order.hosted_url, ancestors=around)
    lasts = ALLOWED_CACHE_TIME if found is Framing.ALLOWED else REFUSED_CACHE_TIME
    cache.set(key, str(found), timeout=lasts.total_seconds())
    return found
