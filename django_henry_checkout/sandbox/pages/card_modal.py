"""The card page of v0: a user stores a card, and the shop that shows the page in a frame hears of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from django_henry_checkout.sandbox.engine import signed_links as links
from django_henry_checkout.sandbox.engine import vault
from django_henry_checkout.sandbox.engine.signed_links import Link
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.pages.checkout import Visit, page
from django_henry_checkout.sandbox.pages.forms import CardForm


def collect(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "HEAD", "POST"))
    visit = Visit.of(request)
    link = links.read(visit.session)
    if link is None or link.cart_id:
        return page("notice.html", {"visit": visit, "kind": "missing-card"}, status=404)
    if request.GET.get("saved"):
        return _saved(link, visit)
    if link.is_expired:
        return page("notice.html", {"visit": visit, "kind": "expired-card"}, status=410)
    if request.method != "POST":
        return _show(link, visit, CardForm(now=store.now()))
    form = CardForm(request.POST, now=store.now())
    if not form.is_valid():
        return _show(link, visit, form, status=422)
    values = form.cleaned_data
    # [SIM] A card that will be declined can be stored: only a payment finds out.
    vault.keep(values["card_number"], name=values["card_name"].strip(), user_id=link.user_id)
    return HttpResponseRedirect(f"{reverse('card')}{visit.query}&saved=1")


def _show(link: Link, visit: Visit, form: CardForm, *, status: int = 200) -> HttpResponse:
    context = {
        "visit": visit,
        "form": form,
        "stored": store.user_card(link.user_id),
        "action": reverse("card") + visit.query,
        "cancel_url": visit.cancel_url or reverse("card-closed") + visit.query,
    }
    return page("card.html", context, status=status)


def _saved(link: Link, visit: Visit) -> HttpResponse:
    card = store.user_card(link.user_id)
    if card is None:
        return page("notice.html", {"visit": visit, "kind": "missing-card"}, status=404)
    return page("notice.html", {"visit": visit, "kind": "card-saved", "card": card})


def closed(request: HttpRequest) -> HttpResponse:
    visit = Visit.of(request)
    return page(
        "notice.html", {"visit": visit, "kind": "card-closed", "again": reverse("card") + visit.query}
    )
