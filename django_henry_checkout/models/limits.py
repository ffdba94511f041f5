from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CallCount(models.Model):
    """How often somebody made a call that costs money, in the current window. One row for each subject."""

    subject = models.CharField(_("subject"), max_length=200, unique=True)
    window_at = models.DateTimeField(_("window began"))
    count = models.PositiveIntegerField(_("calls"), default=0)

    class Meta:
        verbose_name = _("call count")
        verbose_name_plural = _("call counts")

    def __str__(self) -> str:
        return self.subject
