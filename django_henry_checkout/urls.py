"""Include with `path("henry/", include("django_henry_checkout.urls"))`."""

from __future__ import annotations

from django.urls import include, path

from django_henry_checkout.api import urls as api_urls
from django_henry_checkout.views import frames, hosted, inline, links, status, webhook_endpoint

app_name = "henry_checkout"

_PAY = "api/v1/checkout/<str:order_id>/pay/<str:token>"

urlpatterns = [
    path("buy", hosted.buy, name="buy"),
    path(_PAY, hosted.pay, name="pay"),
    path(f"{_PAY}/completed", hosted.payment_return, {"claimed": "completed"}, name="completed"),
    path(f"{_PAY}/canceled", hosted.payment_return, {"claimed": "canceled"}, name="canceled"),
    path(f"{_PAY}/errored", hosted.payment_return, {"claimed": "errored"}, name="errored"),
    path(f"{_PAY}/state", frames.state, name="state"),
    path(f"{_PAY}/phone", frames.phone, name="phone"),
    path(f"{_PAY}/phone.svg", frames.phone_qr, name="phone-qr"),
    path("frame/<str:ticket>", frames.frame, name="frame"),
    path("api/v1/", include(api_urls.urlpatterns)),
    path("c/<str:cart_id>", links.landing, name="link"),
    path("inline/<str:order_id>", inline.inline_checkout, name="inline"),
    path("status/<str:token>", status.order_status, name="status"),
    path("webhooks/<str:account>/<str:key>", webhook_endpoint.receive, name="webhook"),
]
