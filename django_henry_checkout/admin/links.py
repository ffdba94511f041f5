from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import ReadOnlyAdmin
from django_henry_checkout.flows.cart.templates import revoke_link
from django_henry_checkout.models import TemplateLink

MAX_SELECTED = 200


@admin.register(TemplateLink)
class TemplateLinkAdmin(ReadOnlyAdmin):
    """Permanent links and their QR codes."""

    list_display = ["cart", "address", "is_open", "uses", "max_uses", "expires_at", "created_at"]
    list_select_related = ["cart"]
    search_fields = []
    fields = [
        "cart",
        "address",
        "qr",
        "is_open",
        ("uses", "max_uses"),
        ("created_at", "expires_at", "revoked_at"),
    ]
    readonly_fields = ["address", "qr", "is_open"]
    actions = ["revoke"]

    @admin.display(description=_("link"))
    def address(self, link: TemplateLink) -> SafeString:
        url = reverse("henry_checkout:link", args=[link.cart.ulid])
        return format_html('<a href="{}">{}</a>', url, url)

    @admin.display(description=_("QR code"))
    def qr(self, link: TemplateLink) -> SafeString | str:
        if not link.is_open(timezone.now()):
            return str(_("The link is closed."))
        url = reverse("henry_checkout:api-qr-svg", args=[link.cart.ulid])
        return format_html(
            '<img class="hc-qr" src="{}" alt="{}"><br><a href="{}" download>SVG</a>', url, _("QR code"), url
        )

    @admin.display(description=_("open"), boolean=True)
    def is_open(self, link: TemplateLink) -> bool:
        return link.is_open(timezone.now())

    @admin.action(description=_("Close these links for good"), permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[TemplateLink]) -> None:
        closed = 0
        for link in queryset[:MAX_SELECTED]:
            if revoke_link(link.cart):
                closed += 1
                self.log_change(request, link, str(_("Closed the link.")))
        self.message_user(
            request,
            ngettext("%d link was closed.", "%d links were closed.", closed) % closed,
            messages.SUCCESS,
        )
