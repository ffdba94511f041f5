from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_henry_checkout.admin.base import ReadOnlyAdmin, _ModelAdmin
from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.access.tokens import create_api_key, revoke_api_key
from django_henry_checkout.models import ApiKey
from django_henry_checkout.models.access import hash_secret


class ApiKeyForm(forms.Form):
    """Name and account of a new key."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("The server that will use it, for example till, app or back office."),
    )
    account = forms.ChoiceField(label=_("Account"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [(alias, alias) for alias in app_settings.account_aliases]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys of trusted servers. A key is shown once, when it is created; only its hash is stored."""

    list_display = ["name", "account", "hint", "created_at", "revoked_at"]
    search_fields = ["name"]
    fields = ["name", "account", "hint", "created_at", "revoked_at"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _ModelAdmin.has_add_permission(self, request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Create a key and show it once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form, secret = ApiKeyForm(request.POST or None), ""
        if request.method == "POST" and form.is_valid():
            secret = create_api_key(form.cleaned_data["name"], account=form.cleaned_data["account"])
            key = ApiKey.objects.get(key_hash=hash_secret(secret))
            self.log_addition(request, key, str(_("Created the key.")))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": _("Your new key") if secret else _("New API key"),
            "form": form,
            "secret": secret,
        }
        # The secret is never cached: admin_view marks every response as never_cache.
        return TemplateResponse(request, "admin/henry_checkout/apikey/add.html", context)

    @admin.action(description=_("Revoke these keys"), permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = 0
        for key in queryset:
            if revoke_api_key(key):
                revoked += 1
                self.log_change(request, key, str(_("Revoked the key.")))
        self.message_user(
            request,
            ngettext("%d key was revoked.", "%d keys were revoked.", revoked) % revoked,
            messages.SUCCESS,
        )
