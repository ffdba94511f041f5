"""The QR codes of the Diddo page (seed 002; diddo-checkout.md 1 and 10): its first three endpoints.

The page leaves authorization open: a template's id is enough, as its link is public once it is printed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from django_henry_checkout.api.diddo import qr
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template, revoke_link
from django_henry_checkout.models import Cart, TemplateLink
from tests.conformance.qr_pictures import PNG_MAGIC, border_of, pixels_of_png, pixels_of_svg, read_code
from tests.support.api import Api, assert_problem

pytestmark = pytest.mark.django_db

PATHS = ["qr", "qr.png", "qr.svg"]
UNKNOWN = "01J00000000000000000000000"
MALFORMED = [
    "nonsense",
    "01ARZ3NDEKTSV4RRFFQ69G5FA",  # too short
    "01ARZ3NDEKTSV4RRFFQ69G5FAU",  # no letter of Crockford's
    "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",  # more than 128 bits
    "0189f3c2-2a5b-4c3d-8e9f-0a1b2c3d4e5g",
    "0",
]


def picture(template: Cart, path: str = "qr", api: Api | None = None, **headers: str) -> Any:
    answer = (api or Api())("GET", f"checkout/{template.ulid}/{path}", **headers)
    assert answer.status_code == 200, answer.content
    return answer


def test_get_checkout_qr_code_png(template: Cart) -> None:
    """Get Checkout QR Code (PNG)."""
    answer = picture(template, "qr.png")
    assert answer["Content-Type"] == "image/png"
    assert answer.content.startswith(PNG_MAGIC)
    pixels = pixels_of_png(answer.content)
    code = read_code(pixels)
    assert code.text == f"http://testserver/henry/c/{template.ulid}"
    assert code.ec_level == "M"
    assert border_of(pixels) == (40, 40, 40, 40)  # four modules of ten pixels
    assert not answer.has_header("Content-Security-Policy")


def test_get_checkout_qr_code_svg(template: Cart) -> None:
    """Get Checkout QR Code (SVG)."""
    answer = picture(template, "qr.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<svg ")
    pixels = pixels_of_svg(answer.content)
    code = read_code(pixels)
    assert code.text == f"http://testserver/henry/c/{template.ulid}"
    assert code.ec_level == "M"
    assert border_of(pixels) == (40, 40, 40, 40)
    assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_both_pictures_show_the_same_code(template: Cart) -> None:
    svg, png = (picture(template, path).content for path in ("qr.svg", "qr.png"))
    assert (pixels_of_svg(svg) == pixels_of_png(png)).all()


def test_the_code_redirects_a_buyer_to_checkout(template: Cart, server: Api) -> None:
    """Generate a QR code that redirects a buyer to checkout: by a short link, and neither a CST nor a live cart."""
    cst = server("POST", "checkout/cst", {"email": "ada@shop.example"}).json()["cst"]
    link = read_code(pixels_of_png(picture(template, Authorization=f"Bearer {cst}").content)).text
    assert link == f"http://testserver/henry/c/{template.ulid}"
    page = Client().get(link)
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert Cart.objects.count() == 1, "viewing begins nothing"


ACCEPTED = [
    (None, "png"),
    ("", "png"),
    ("*/*", "png"),
    ("image/*", "png"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("IMAGE/SVG+XML", "svg"),
    ("image/svg+xml, image/png", "png"),
    ("image/svg+xml;q=0.8,image/png;q=0.8", "png"),
    ("image/svg+xml;q=0.9, image/png;q=0.8", "svg"),
    ("image/svg+xml;q=0.8, image/png;q=0.9", "png"),
    ("image/svg+xml; q=0.5, */*; q=0.1", "svg"),
    ("image/svg+xml;q=0.1, image/*;q=0.5", "png"),
    ("image/png;q=0, image/*", "svg"),
    ("image/svg+xml;q=0", "png"),
    ("image/svg+xml;q=much", "png"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "png"),
    ("text/html", "png"),
    (",;,", "png"),
]


def test_accept_chooses_between_pictures(template: Cart) -> None:
    """Get Checkout QR Code: `/qr` negotiates; a tie, no header and neither named are PNG."""
    for accept, kind in ACCEPTED:
        answer = picture(template, **({} if accept is None else {"Accept": accept}))
        assert answer["Content-Type"] == {"png": "image/png", "svg": "image/svg+xml"}[kind], accept
        assert answer.content.startswith({"png": PNG_MAGIC, "svg": b"<svg "}[kind])


@pytest.mark.parametrize(("path", "accept"), [("qr.png", "image/svg+xml"), ("qr.svg", "image/png")])
def test_the_extension_forces_the_format(template: Cart, path: str, accept: str) -> None:
    assert picture(template, path, Accept=accept)["Content-Type"] != accept


@pytest.mark.parametrize("path", PATHS)
def test_headers_of_a_picture(template: Cart, path: str) -> None:
    answer = picture(template, path)
    kind = "svg" if path.endswith("svg") else "png"
    assert answer["Cache-Control"] == "private, max-age=3600"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == f'inline; filename="checkout-{template.ulid}.{kind}"'
    varies = {name.strip() for name in answer["Vary"].split(",")}
    assert varies >= ({"Accept", "Authorization"} if path == "qr" else {"Authorization"})
    assert path == "qr" or "Accept" not in varies


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_picture_is_304(template: Cart, path: str) -> None:
    first = picture(template, path)
    etag = first["ETag"]
    assert etag.startswith('"')
    assert etag == picture(template, path)["ETag"]
    address = f"checkout/{template.ulid}/{path}"
    for condition in (etag, f'"other", {etag}', f"W/{etag}"):
        again = Api()("GET", address, **{"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b""), condition
        assert (again["ETag"], again["Cache-Control"]) == (etag, "private, max-age=3600")
        assert "Authorization" in again["Vary"]
    assert Api()("GET", address, **{"If-None-Match": '"other"'}).status_code == 200


def test_any_picture_is_unchanged_for_a_star(template: Cart) -> None:
    """RFC 9110, If-None-Match: `*` matches any current representation."""
    assert Api()("GET", f"checkout/{template.ulid}/qr", **{"If-None-Match": "*"}).status_code == 304


def test_each_picture_has_an_etag_of_its_own(template: Cart) -> None:
    other = carts.create_cart()
    make_template(other)
    shown = [picture(template, path) for path in ("qr.png", "qr.svg", "qr.png?scale=4")]
    shown.append(picture(other, "qr.png"))
    assert len({answer["ETag"] for answer in shown}) == 4


@pytest.mark.parametrize("path", PATHS)
def test_head_is_a_get_without_a_body(template: Cart, path: str) -> None:
    whole = picture(template, path)
    head = Api()("HEAD", f"checkout/{template.ulid}/{path}")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "ETag", "Cache-Control", "Content-Disposition"):
        assert head[name] == whole[name]


@pytest.mark.parametrize("scale", [1, 3, 32])
def test_scale_is_the_pixels_of_one_module(template: Cart, scale: int) -> None:
    png = pixels_of_png(picture(template, f"qr.png?scale={scale}").content)
    svg = pixels_of_svg(picture(template, f"qr.svg?scale={scale}").content)
    usual = pixels_of_png(picture(template, "qr.png").content)
    assert png.shape == svg.shape == tuple(side // 10 * scale for side in usual.shape)
    assert border_of(png) == (4 * scale,) * 4
    assert read_code(png).text.endswith(template.ulid)


def test_400_for_another_scale(template: Cart) -> None:
    for scale in ("0", "33", "-1", "1.5", "big", "", "1e1", "3200000", "99999999999"):
        answer = Api()("GET", f"checkout/{template.ulid}/qr.png?scale={scale}")
        assert_problem(answer, 400, "bad_request")


def test_cart_id_in_every_spelling(template: Cart) -> None:
    """`cart_id`: Template Cart ID."""
    usual, public_id = picture(template, "qr.png").content, template.public_id
    for text in (template.ulid.lower(), str(public_id), str(public_id).upper(), public_id.hex):
        assert Api()("GET", f"checkout/{text}/qr.png").content == usual


@pytest.mark.parametrize("path", PATHS)
def test_400_for_a_malformed_id(path: str) -> None:
    for cart_id in MALFORMED:
        answer = Api()("GET", f"checkout/{cart_id}/{path}", Accept="image/svg+xml")
        assert_problem(answer, 400, "bad_request")


@pytest.mark.parametrize("path", PATHS)
def test_401_for_a_bad_token(template: Cart, path: str) -> None:
    for header in (
        {"Authorization": "Bearer made-up"},
        {"Authorization": "Api-Key made-up"},
        {"Api-Key": "made-up"},
    ):
        answer = Api()("GET", f"checkout/{template.ulid}/{path}", **header)
        assert_problem(answer, 401, "token_invalid")
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("how", ["revoked", "expired", "used up"])
def test_403_for_a_closed_link(template: Cart, how: str) -> None:
    if how == "revoked":
        revoke_link(template)
    elif how == "expired":
        make_template(template, expires_at=timezone.now() - timedelta(seconds=1))
    else:
        TemplateLink.objects.update(max_uses=2, uses=2)
    for path in PATHS:
        assert_problem(Api()("GET", f"checkout/{template.ulid}/{path}"), 403, "link_closed")


@pytest.mark.parametrize("path", PATHS)
def test_404_for_an_unknown_cart_and_for_one_that_is_no_template(path: str) -> None:
    live = carts.create_cart()
    found = [Api()("GET", f"checkout/{cart_id}/{path}") for cart_id in (UNKNOWN, live.ulid)]
    assert_problem(found[0], 404, "cart_not_found")
    assert found[0].content == found[1].content


@pytest.mark.parametrize("path", PATHS)
def test_500_reveals_nothing(template: Cart, path: str, calm: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("of ada@shop.example")

    monkeypatch.setattr(qr, "open_template", break_down)
    answer = calm("GET", f"checkout/{template.ulid}/{path}")
    assert_problem(answer, 500, "internal_error")
    for secret in (b"ada@", b"RuntimeError", b"Traceback", b".py"):
        assert secret not in answer.content


@pytest.mark.parametrize("path", PATHS)
def test_a_picture_is_only_read(template: Cart, path: str) -> None:
    answer = Api()("POST", f"checkout/{template.ulid}/{path}", {})
    assert_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer["Allow"]
