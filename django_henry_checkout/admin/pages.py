"""Pages of the admin about the shop as a whole: what needs a person, and what the doctor finds."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from django_henry_checkout.admin.attention import shown
from django_henry_checkout.admin.base import ReadOnlyAdmin
from django_henry_checkout.doctor import Finding, Level, run_checks
from django_henry_checkout.flows.order.review_queues import get_review_queues


class ShopPages(ReadOnlyAdmin):
    """What an admin of orders shows beside them."""

    def page_context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        """Return what every page of the admin needs."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": title,
            "may_examine": self.has_operate_permission(request),
        }

    def attention_view(self, request: HttpRequest) -> HttpResponse:
        """Show everything that waits for a person."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = [shown(concern) for concern in get_review_queues()]
        context = {
            **self.page_context(request, _("Needs attention")),
            "concerns": found,
            "is_calm": not any(concern["rows"] for concern in found),
        }
        return TemplateResponse(request, "admin/henry_checkout/attention.html", context)

    def doctor_view(self, request: HttpRequest) -> HttpResponse:
        """Examine the deployment, when asked to: that takes some seconds, and asks Henry the time."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        findings: list[Finding] | None = run_checks() if request.method == "POST" else None
        context = {
            **self.page_context(request, _("Doctor")),
            "findings": None
            if findings is None
            else [each for each in findings if each.level != Level.UNSEEN],
            "unseen": [each for each in findings or [] if each.level == Level.UNSEEN],
        }
        return TemplateResponse(request, "admin/henry_checkout/doctor.html", context)
