"""What the shop does when a purchase has ended. Runs in the worker; connected in `apps.py`."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from django_henry_checkout.models import ItemStatus, Order, OrderBuyer
from example_project.shop.models import Receipt


def send_receipt(*, order: Order, event_id: str, **kwargs: object) -> None:
    """Write a receipt, and mail it to the buyer.

    The row commits together with the mark that this receiver ran, so it is written once, even after a
    crash. A mail cannot be rolled back: after a crash it may be sent again. So it is sent last, when
    everything that can fail is done, and it carries `event_id`, which identifies a repetition.
    """
    buyer = OrderBuyer.objects.filter(order=order).first()
    address = buyer.email if buyer else ""
    _receipt, is_new = Receipt.objects.get_or_create(
        event_id=event_id, defaults={"order": order, "sent_to": address}
    )
    if address and is_new:  # else somebody had the event replayed
        receipt_mail(order, to=address, event_id=event_id).send()


def receipt_mail(order: Order, *, to: str, event_id: str) -> EmailMessage:
    lines = list(order.lines.all())
    context = {
        "order": order,
        "bought": [line for line in lines if line.status == ItemStatus.BOUGHT],
        "others": [line for line in lines if line.status != ItemStatus.BOUGHT],
        "shop_url": settings.SHOP_URL,
    }
    return EmailMessage(
        subject=f"Your receipt for order {order.number}",
        body=render_to_string("shop/receipt.txt", context),
        to=[to],
        headers={"X-Event-Id": event_id},
    )
