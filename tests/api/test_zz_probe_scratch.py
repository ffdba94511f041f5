from __future__ import annotations
import json
from typing import Any
import pytest
from tests.api.conftest import Api
from tests.api.test_carts import BOOTS, guest
from django_henry_checkout.flows.tokens import create_api_key
from django.test import Client
pytestmark = [pytest.mark.django_db(transaction=True)]
def show(name, f):
    try:
        a = f()
        print(name, a.status_code, a.content[:160])
    except BaseException as e:
        print(name, "RAISED", type(e).__name__, str(e)[:200])
def test_probe(sandbox, settings):
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, 'API_THROTTLES': dict.fromkeys(('read','write','checkout','network','refused'),'1000000/s')}
    c = Client(raise_request_exception=False)
    g, cart = guest(BOOTS)
    cid = cart["cartId"]
    tok = cart["sessionToken"]
    server = Api(c, Authorization=f"Api-Key {create_api_key('till')}")
    g = Api(c, **{"X-Session-Token": tok})
    show("surrogate metadata", lambda: g("POST", "cart", '{"metadata": {"a": "\\ud800"}}'))
    show("surrogate metadata key", lambda: g("POST", "cart", '{"metadata": {"\\ud800": 1}}'))
    show("surrogate field name", lambda: g("POST", "cart", '{"\\ud800": 1}'))
    show("surrogate twice", lambda: g("POST", "cart", '{"\\ud800aB": 1, "\\ud800a_b": 1}'))
    show("surrogate title", lambda: g("POST", "cart", '{"items": [{"link": "https://a.example/b", "title": "\\ud800"}]}'))
    show("surrogate account", lambda: g("POST", "cart", '{"account": "\\ud800"}'))
    show("nul account", lambda: g("POST", "cart", '{"account": "\\u0000"}'))
    show("nul metadata key", lambda: g("POST", "cart", '{"metadata": {"a\\u0000": 1}}'))
    show("override surrogate", lambda: server("POST", "cart/purchase", '{"overrideProducts": {"\\ud800": 0}}', **{"Idempotency-Key": "z"}))
    show("version big", lambda: g("POST", f"cart/{cid}/item", {"item": BOOTS, "version": 10**30}))
    show("version big2", lambda: g("DELETE", f"cart/{cid}/item", {"link": BOOTS["link"], "version": 10**30}))
    show("quantity big", lambda: g("POST", f"cart/{cid}/item", {"item": {**BOOTS, "quantity": 10**30}}))
    show("quantity put", lambda: g("PUT", f"cart/{cid}/item", {"item": {"link": BOOTS["link"], "quantity": -1}}))
    show("limit", lambda: server("GET", "orders?limit=0000000019999"))
    show("limit long", lambda: server("GET", "orders?limit=000000001" + "9" * 5000))
    show("limit 19 digits", lambda: server("GET", "orders?limit=000000001" + "9" * 25))
    show("limit arabic", lambda: server("GET", "orders?limit=٣"))
    show("status nul", lambda: server("GET", "orders?status=%00"))
    show("cursor nul", lambda: server("GET", "orders?cursor=%00"))
    show("after long", lambda: server("GET", "orders?status=nope"))
    show("refId nul", lambda: server("GET", "cart/purchase/status?refId=%00"))
    show("refId none", lambda: server("GET", "cart/purchase/status"))
    server("PUT", f"cart/{cid}/link", {})
    show("scale", lambda: g("GET", f"checkout/{cid}/qr?scale=000133"))
    show("scale long", lambda: g("GET", f"checkout/{cid}/qr?scale=0001" + "9" * 5000))
    for body in ('{"expiresAt": "0001-01-01T00:00:00+23:59"}', '{"expiresAt": "9999-12-31T23:59:59-23:59"}', '{"expiresAt": "2026-13-01"}', '{"expiresAt": 5}'):
        show("expires " + body, lambda: server("PUT", f"cart/{cid}/link", body))
    show("charset", lambda: c.generic("POST", "/henry/api/v1/cart", b"{}", content_type="application/json; charset=utf-16"))
    show("ct", lambda: c.generic("POST", "/henry/api/v1/cart", b"{}", content_type="application/json; q=\x00"))
    show("form", lambda: c.generic("POST", "/henry/api/v1/cart", b"a=1", content_type="application/x-www-form-urlencoded"))
    show("accept", lambda: g("GET", f"cart/{cid}", None, Accept="text/html"))
    show("format", lambda: g("GET", f"cart/{cid}?format=xml"))
    show("accept bad", lambda: g("GET", f"cart/{cid}", None, Accept=";;;,/"))
    show("store", lambda: server("GET", f"checkout/{cid}/paymentmethods", None, Store="\u00e9"))
    show("post empty", lambda: g("POST", "cart"))
    show("post list", lambda: g("POST", "cart", "[]"))
    show("options", lambda: g("OPTIONS", "cart"))
    show("head", lambda: g("HEAD", f"cart/{cid}"))
    show("head", lambda: g("HEAD", "schema"))
    show("patch", lambda: g("PATCH", f"cart/{cid}"))
    show("bearer", lambda: Api(c, Authorization="Bearer ..")("GET", f"cart/{cid}"))
    show("bearer", lambda: Api(c, Authorization="Bearer e30.e30.e30")("GET", f"cart/{cid}"))
    show("bearer kid list", lambda: Api(c, Authorization="Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6W119.e30.e30")("GET", f"cart/{cid}"))
    seen = {}
    for key in ({}, {"Idempotency-Key": "n"}):
        for depth in list(range(5, 1100, 5)) + [5000, 30000]:
            body = '{"metadata": {"a": ' + "[" * depth + "]" * depth + "}}"
            if key: key = {"Idempotency-Key": f"n{depth}"}
            try:
                a = g("POST", "cart", body, **key); s = (a.status_code, a.json().get("code"))
            except BaseException as e: s = ("RAISED", type(e).__name__)
            seen.setdefault((bool(key), s), []).append(depth)
    print({k: (min(v), max(v)) for k, v in seen.items()})
    seen = {}
    for depth in list(range(1, 1100, 3)) + [5000, 30000]:
        try:
            a = g("POST", "cart", '{"a": ' + "[" * depth + "]" * depth + "}"); s = (a.status_code, a.json().get("code"))
        except BaseException as e: s = ("RAISED", type(e).__name__)
        seen.setdefault(s, []).append(depth)
    print({k: (min(v), max(v)) for k, v in seen.items()})
