"""Every call of the API once, in an order in which it can succeed, with canaries in each input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.backends.db import SessionStore

from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.checkout.receipts import make_receipt
from django_henry_checkout.models import Order
from tests.support.api import BOOTS, MUG, Api
from tests.support.canaries import CARD_NUMBER, CVV, EMAIL, PHONE, STREET, Watch, plain_client

MADE_UP = "01J00000000000000000000000"
DETAILS = {
    "fullName": "Ada Lovelace",
    "email": EMAIL,
    "phoneNumber": PHONE,
    "addressLine1": STREET,
    "city": "New York",
    "stateOrProvince": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}
BUYER_INFO = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": EMAIL,
    "phone": PHONE,
    "address1": STREET,
    "city": "New York",
    "provinceCode": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}
ADDRESS = {
    "line1": STREET,
    "city": "New York",
    "province": "NY",
    "postalCode": "10001",
    "countryCode": "US",
}
PERSON = {
    "name": {"firstName": "Ada", "lastName": "Lovelace"},
    "email": EMAIL,
    "phone": PHONE,
    "shippingAddress": ADDRESS,
}
RAW = {"cardNumber": CARD_NUMBER, "expiryMonth": "12", "expiryYear": "2031", "cvv": CVV}
PERSONAL = "e-mail,phone,street"


STORE = "https://store.example"


def content(answer: Any) -> dict[str, Any]:
    """Return the body of a response, or {}; the journey continues without it."""
    found = answer.json() if answer.content and "json" in answer.get("Content-Type", "") else {}
    return found if isinstance(found, dict) else {}


def api(**headers: str) -> Api:
    return Api(plain_client(), **headers)


def with_token(token: str) -> Api:
    return api(**{"X-Session-Token": token})


@dataclass
class Journey:
    """The callers of a journey and their ids; created by `begin` before any fault."""

    watch: Watch
    version: str
    server: Api
    holder: Api
    buyer: Api
    session: Api
    customer: Api
    page: Api
    cart_id: str
    bought_id: str
    order_id: str

    def go(self, who: Api, method: str, path: str, body: Any = None, shows: str = "", key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return content(self.watch.call(who, method, path, body, shows=shows, **headers))


def begin(watch: Watch, version: str) -> Journey:
    """Create what the calls are about, through the API, and register the secrets with the watch."""

    def make(who: Api, method: str, path: str, body: Any, shows: str) -> dict[str, Any]:
        answer = watch.call(who, method, path, body, shows=shows)
        assert answer.status_code in {200, 201}, answer.content
        found = content(answer)
        watch.add(shows.partition(",")[0], found.get("sessionToken") or found.get("cst", ""))
        return found

    key = create_api_key("till")
    watch.add("API key", key)
    server = api(Authorization=f"Api-Key {key}")
    carts = [make(api(), "POST", "cart", {"items": [BOOTS, MUG]}, "cart token") for _cart in range(2)]
    holder, buyer = (with_token(cart["sessionToken"]) for cart in carts)
    cst = make(server, "POST", "checkout/cst", BUYER_INFO, "CST")["cst"]
    watch.add("CST", cst.rpartition(".")[2])
    begun = make(holder, "POST", "cart/checkout", {"cartId": carts[0]["cartId"]}, "pay token")
    pay = content(watch.call(holder, "GET", f"checkout/{begun['orderId']}/token", shows="pay token"))
    watch.add("pay token", pay["token"])
    quote = make(holder, "POST", "checkout/session/quote", {"shippingDetails": DETAILS}, "session token")
    return Journey(
        watch=watch,
        version=version,
        server=server,
        holder=holder,
        buyer=buyer,
        session=with_token(quote["sessionToken"]),
        customer=api(Authorization=f"Bearer {cst}"),
        page=a_page_of_the_shop(watch),
        cart_id=carts[0]["cartId"],
        bought_id=carts[1]["cartId"],
        order_id=quote["orderId"],
    )


def a_page_of_the_shop(watch: Watch) -> Api:
    client = plain_client()
    store = SessionStore()
    store["seen"] = True
    store.create()
    client.cookies["sessionid"] = store.session_key
    watch.add("cookie", str(store.session_key))
    return Api(client)


def everything(journey: Journey) -> None:
    """Make every call; made-up values replace what a failed call did not return."""
    _carts(journey)
    _link(journey)
    _headless(journey)
    _one_call(journey)
    _orders(journey)
    journey.go(journey.customer, "DELETE", "checkout/cst")
    minted = journey.go(journey.server, "POST", "checkout/cst", BUYER_INFO, "another CST")
    journey.watch.add("another CST", minted.get("cst", ""))


def _carts(journey: Journey) -> None:
    go, server = journey.go, journey.server
    own = go(journey.page, "POST", "cart", {"items": [BOOTS]})
    go(journey.page, "POST", "cart/checkout", {"cartId": own.get("cartId", MADE_UP)}, "page's pay token")
    guest = go(api(), "POST", "cart", {"items": [MUG]}, "merged token")
    journey.watch.add("merged token", guest.get("sessionToken", ""))
    cart_id = go(server, "POST", "cart", {"items": [BOOTS], "metadata": {"k": 1}}).get("cartId", MADE_UP)
    path = f"cart/{cart_id}"
    go(server, "GET", path)
    go(server, "POST", f"{path}/item", {"item": MUG}, key="item-1")
    go(server, "PUT", f"{path}/item", {"item": {"link": MUG["link"], "quantity": 3}})
    go(server, "DELETE", f"{path}/item", {"link": MUG["link"]})
    body = {"cartId": guest.get("cartId", MADE_UP), "sessionToken": guest.get("sessionToken", "none")}
    go(server, "POST", f"{path}/merge", body, key="merge-1")
    go(server, "DELETE", path)


def _link(journey: Journey) -> None:
    go, customer = journey.go, journey.customer
    template = go(journey.server, "POST", "cart", {"items": [BOOTS]}).get("cartId", MADE_UP)
    go(journey.server, "PUT", f"cart/{template}/link", {})
    for picture in ("qr", "qr.png", "qr.svg"):
        go(journey.server, "GET", f"checkout/{template}/{picture}")
    begun = go(customer, "POST", f"checkout/begin/{template}", {}, f"begun token,{PERSONAL}")
    journey.watch.add("begun token", begun.get("sessionToken", ""))
    cart_id, order_id = begun.get("cartId", MADE_UP), begun.get("orderId", MADE_UP)
    named = {"cartId": cart_id, "buyerInfo": BUYER_INFO}
    shown = go(customer, "POST", "checkout/shipping", named, PERSONAL)
    stores = shown.get("stores") or [{}]
    rates = (stores[0].get("offer") or {}).get("shippingMethods") or [{"id": 1}]
    chosen = {"cartId": cart_id, "shippingMethodId": rates[-1]["id"]}
    shown = go(customer, "POST", "checkout/shipping/method", chosen, PERSONAL) or shown
    path = f"checkout/{order_id}"
    go(customer, "GET", f"{path}/initialize")
    go(customer, "GET", f"{path}/paymentmethods")
    go(customer, "GET", f"{path}/shippingmethods")
    body = {
        "amount": Order.objects.filter(total_amount__isnull=False).latest("pk").total_amount,
        "transactionId": "INV-1",
        "paymentStatus": "Captured",
        "metaData": _card(journey, order_id),
    }
    go(customer, "POST", f"{path}/confirm", {**body, "amount": float(body["amount"])}, key="umbraco-1")
    go(journey.server, "DELETE", f"cart/{template}/link")


def _headless(journey: Journey) -> None:
    go, session = journey.go, journey.session
    go(session, "POST", "checkout/session/quote", {"shippingDetails": DETAILS}, "session token")
    go(session, "GET", "checkout/session/products")
    go(session, "GET", "checkout/session/shipping", shows=PERSONAL)
    go(session, "POST", "checkout/session/card", {})
    body = {**_card(journey, journey.order_id), "shippingDetails": DETAILS, "billingAddress": ADDRESS}
    body |= {"nameOnCard": PERSON["name"]} if journey.version != "v0" else {}
    body = body if journey.version != "v0" else {"shippingDetails": DETAILS}
    for _time in range(2):
        go(session, "POST", "checkout/session/confirm", body, PERSONAL, key="confirm-1")


def _one_call(journey: Journey) -> None:
    buyer = {**PERSON, "card": {"details": RAW, "billingAddress": ADDRESS, "nameOnCard": PERSON["name"]}}
    body = {"cartId": journey.bought_id, "buyer": buyer}
    for _time in range(2):
        job = journey.go(journey.buyer, "POST", "cart/purchase", body, PERSONAL, key="buy-1")
    ref = job.get("refId", "made-up")
    journey.go(journey.buyer, "GET", f"cart/purchase/status?refId={ref}", shows=PERSONAL)


def _orders(journey: Journey) -> None:
    journey.go(journey.holder, "GET", "orders")
    journey.go(journey.holder, "GET", f"orders/{journey.order_id}")
    journey.go(journey.holder, "GET", f"orders/{journey.order_id}/events")
    journey.go(journey.holder, "POST", "checkout/receipt", {"receipt": _receipt(journey), "origin": STORE})


def _receipt(journey: Journey) -> str:
    order = next((each for each in Order.objects.all() if each.ulid == journey.order_id), None)
    session = order.sessions.first() if order is not None else None
    return "made-up" if session is None else make_receipt(session, session.order, audience=STORE)


def _card(journey: Journey, order_id: str) -> dict[str, str]:
    """Return a card token; in v0 store the card at Henry instead."""
    if journey.version != "v0":
        return {"cardToken": "card_test_pays"}
    order = next((each for each in Order.objects.all() if each.ulid == order_id), None)
    if order is not None:
        journey.watch.sandbox.call("POST", "card", {"userId": order.henry_cart_id, "card": CARD_NUMBER})
    return {}
