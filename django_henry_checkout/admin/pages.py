"""Admin pages about the whole shop: what needs attention, and diagnostics."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from django_henry_checkout.admin.attention import count_text, queue_context
from django_henry_checkout.admin.base import ReadOnlyAdmin
from django_henry_checkout.doctor import Finding, Level, run_checks
from django_henry_checkout.flows.order.review_queues import get_review_queues


class ShopPages(ReadOnlyAdmin):
    """Views that the order admin adds to its own."""

    def page_context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        """Return the context that every page needs."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": title,
            "may_run_checks": self.has_operate_permission(request),
        }

    def attention_view(self, request: HttpRequest) -> HttpResponse:
        """Show the review queues, with their total in the title."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        queues = [queue for queue in get_review_queues() if queue.rows]
        title = _("Needs attention")
        context = {
            # Joined here, so that the translation is the one of the links to this page.
            **self.page_context(request, f"{title} ({count_text(queues)})" if queues else title),
            "queues": [queue_context(queue) for queue in queues],
        }
        return TemplateResponse(request, "admin/henry_checkout/attention.html", context)

    def doctor_view(self, request: HttpRequest) -> HttpResponse:
        """Run the doctor's checks on POST only: they take seconds and send a request to Henry."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        findings: list[Finding] | None = run_checks() if request.method == "POST" else None
        context = {
            **self.page_context(request, _("Diagnostics")),
            "findings": None
            if findings is None
            else [finding for finding in findings if finding.level != Level.SKIPPED],
            "skipped": [finding for finding in findings or [] if finding.level == Level.SKIPPED],
        }
        return TemplateResponse(request, "admin/henry_checkout/doctor.html", context)
