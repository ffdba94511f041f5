from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import AccountFilter, ReadOnlyAdmin
from django_henry_checkout.admin.labels import webhook_outcome
from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.webhooks.inbox import replay_webhook
from django_henry_checkout.models import AccountRateLimit, WebhookMessage

MAX_SELECTED = 100


@admin.register(WebhookMessage)
class WebhookMessageAdmin(ReadOnlyAdmin):
    """Webhooks from Henry. The body is not shown: it holds personal data."""

    list_display = [
        "__str__",
        "account",
        "status",
        "received_at",
        "processed_at",
        "attempts",
        "outcome_label",
    ]
    list_filter = ["status", AccountFilter]
    search_fields = ["ref_id"]
    search_help_text = _("refId")
    fields = [
        ("event", "ref_id"),
        ("account", "status"),
        ("signed_at", "received_at", "due_at", "processed_at"),
        ("attempts", "outcome_label"),
        "digest",
    ]
    readonly_fields = ["outcome_label"]
    actions = ["replay"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookMessage], search_term: str
    ) -> tuple[QuerySet[WebhookMessage], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(account__in=app_settings.account_aliases, ref_id=term), False

    @admin.display(description=_("outcome"))
    def outcome_label(self, message: WebhookMessage) -> str:
        return webhook_outcome(message)

    @admin.action(description=_("Apply again"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookMessage]) -> None:
        replayed = 0
        for message in queryset[:MAX_SELECTED]:
            if replay_webhook(message):
                replayed += 1
                self.log_change(request, message, str(_("Queued to be applied again.")))
        self.message_user(
            request,
            ngettext("%d webhook will be applied again.", "%d webhooks will be applied again.", replayed)
            % replayed,
        )


@admin.register(AccountRateLimit)
class AccountRateLimitAdmin(ReadOnlyAdmin):
    """Rate limit and circuit breaker of each account."""

    list_display = ["account", "rate", "paused_until", "circuit_open", "answers", "failures"]
    fields = [
        ("account", "rate", "tokens"),
        ("paused_until", "circuit_open"),
        ("window_started_at", "answers", "failures"),
    ]
