"""Public ids, values, errors, state tables, and unusual ways to connect receivers."""

from __future__ import annotations

import dataclasses
import functools
import gc
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moneyed import Money

from django_henry_checkout import exceptions, signals, types
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    ConfigurationError,
    GatewayError,
    HenryCheckoutError,
    IllegalTransition,
    RateLimited,
)
from django_henry_checkout.models import CheckoutSession, Order, OrderLine, Purchase
from django_henry_checkout.models.base import StateMachine, money_of
from django_henry_checkout.signals import OutboxSignal, receiver_name
from django_henry_checkout.types import format_public_id, new_public_id, parse_public_id

# Public ids --------------------------------------------------------------------------------------


@given(st.uuids())
def test_an_id_survives_both_spellings(value: UUID) -> None:
    text = format_public_id(value)
    assert len(text) == 26
    assert parse_public_id(text) == value
    assert parse_public_id(text.lower()) == value
    assert parse_public_id(str(value)) == value


def test_new_ids_differ_and_sort_by_time() -> None:
    ids = [new_public_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    earlier = datetime.now(UTC).timestamp() * 1000 - 60_000
    assert all(earlier < int.from_bytes(value.bytes[:6], "big") < earlier + 120_000 for value in ids)
    assert parse_public_id("00000000000000000000000000") == UUID(int=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "7",
        "0" * 25,
        "0" * 27,
        "8" + "Z" * 25,  # more than 128 bits
        "Z" * 26,
        "01J0000000000000000000000I",
        "01J0000000000000000000000L",
        "01J0000000000000000000000O",
        "01J0000000000000000000000U",
        "01J000000000000000000000-0",
        "01J0000000000000000000000\n",
        "01J0000000000000000000000\x00",
        "01J0000000000000000000000é",
        "\u0661" * 26,
        "ß" * 13,
        "ß" * 26,
        "../../../../etc/passwd",
        "' OR 1=1 --",
        "g" * 32,
        "0" * 31,
        "0" * 33,
        "1" * 5000,
        "\ud800" * 26,
    ],
)
def test_an_invalid_id_is_none(text: str) -> None:
    assert parse_public_id(text) is None


@given(st.text(max_size=40))
def test_any_text_can_be_parsed(text: str) -> None:
    found = parse_public_id(text)
    assert found is None or isinstance(found, UUID)


@given(st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26))
def test_one_id_has_one_spelling_as_ulid(text: str) -> None:
    found = parse_public_id(text)
    assert found is None or format_public_id(found) == text


# Values ------------------------------------------------------------------------------------------


def test_every_value_is_frozen() -> None:
    found = [
        kind for kind in vars(types).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    ]
    assert len(found) >= 10
    for kind in found:
        assert kind.__dataclass_params__.frozen, kind


def test_money_needs_amount_and_currency() -> None:
    assert money_of(Decimal("1.10"), "USD") == Money("1.10", "USD")
    assert money_of(0, "USD") == Money(0, "USD")
    assert money_of(None, "USD") is None
    assert money_of(Decimal(1), "") is None


# Errors ------------------------------------------------------------------------------------------


def _errors() -> list[type[HenryCheckoutError]]:
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, HenryCheckoutError)]


def test_every_error_has_a_unique_code_and_says_what_to_do() -> None:
    codes = [kind.code for kind in _errors()]
    assert len(set(codes)) == len(codes)
    for kind in _errors():
        assert str(kind()) == (kind.__doc__ or "").splitlines()[0]
        assert str(kind("mine")) == "mine"


def test_errors_of_the_gateway_keep_their_context() -> None:
    error = RateLimited("slow down", retry_after=1.5, status=429, request_id="r", maybe_sent=False)
    assert (error.retry_after, error.status, error.request_id, error.maybe_sent) == (1.5, 429, "r", False)
    assert error.code == "henry_rate_limited"
    assert RateLimited().retry_after is None
    # By default a call may have been sent: the purchase may exist.
    errors = [error for kind in _errors() if isinstance(error := kind(), GatewayError)]
    assert errors
    assert all(error.maybe_sent for error in errors)
    retryable = {kind.__name__ for kind in _errors() if getattr(kind, "retryable", False)}
    assert retryable == {"GatewayTimeout", "GatewayUnavailable", "RateLimited"}


def test_a_broken_setup_is_outside_the_tree() -> None:
    assert not issubclass(ConfigurationError, HenryCheckoutError)
    assert issubclass(AuthenticationFailed, GatewayError)


# State tables ------------------------------------------------------------------------------------

MACHINES = [Order, OrderLine, Purchase, CheckoutSession]
FINAL = {
    Order: {"completed", "partially_completed", "failed", "canceled"},
    OrderLine: {"bought", "failed", "canceled"},
    Purchase: {"complete", "partially_complete", "failed", "cancelled", "abandoned"},
    CheckoutSession: {"completed", "canceled", "errored", "expired"},
}


def _statuses(machine: type[StateMachine]) -> set[str]:
    return {str(value) for value, _label in machine._meta.get_field("status").flatchoices}


@pytest.mark.parametrize("machine", MACHINES)
def test_each_table_names_known_states_and_reaches_all(machine: type[StateMachine]) -> None:
    known = _statuses(machine)
    targets = {str(target) for targets in machine.TRANSITIONS.values() for target in targets}
    assert {str(state) for state in machine.TRANSITIONS} | targets <= known
    first = str(machine._meta.get_field("status").get_default() or "")
    reached, todo = {first}, [first]
    while todo:
        for target in machine.TRANSITIONS.get(todo.pop(), ()):
            if str(target) not in reached:
                reached.add(str(target))
                todo.append(str(target))
    assert reached == known


@pytest.mark.parametrize("machine", MACHINES)
def test_no_state_has_a_transition_to_itself(machine: type[StateMachine]) -> None:
    for state, targets in machine.TRANSITIONS.items():
        assert state not in targets


@pytest.mark.parametrize("machine", FINAL)
def test_terminal_states_have_no_exits_and_all_others_have_one(machine: type[StateMachine]) -> None:
    for status in _statuses(machine):
        record = machine(status=status)
        assert record.is_terminal == (status in FINAL[machine]), status
        assert record.is_terminal == (
            not any(record.can_transition_to(other) for other in _statuses(machine))
        )


@pytest.mark.parametrize("machine", MACHINES)
def test_transitions_follow_the_table(machine: type[StateMachine]) -> None:
    for status in _statuses(machine):
        for target in {*_statuses(machine), "", "nonsense"}:
            record = machine(status=status)
            allowed = target in {str(each) for each in machine.TRANSITIONS.get(status, ())}
            assert record.can_transition_to(target) is allowed
            if allowed:
                record.transition_to(target)
                assert record.status == target
                continue
            with pytest.raises(
                IllegalTransition, match=f"{machine.__name__} None cannot move from {status} to"
            ):
                record.transition_to(target)
            assert record.status == status


def test_an_unknown_status_is_terminal() -> None:
    record = Order(status="from_the_future")
    assert record.is_terminal
    assert not record.can_transition_to("completed")


# Receivers ---------------------------------------------------------------------------------------


@pytest.fixture
def signal() -> OutboxSignal:
    return OutboxSignal("probe")


def one(**kwargs: Any) -> None: ...


def two(**kwargs: Any) -> None: ...


class Shop:
    def method(self, **kwargs: Any) -> None: ...

    @classmethod
    def of_class(cls, **kwargs: Any) -> None: ...

    @staticmethod
    def static(**kwargs: Any) -> None: ...

    def __call__(self, **kwargs: Any) -> None: ...


def test_every_signal_is_listed_under_its_name() -> None:
    defined = {value.name: value for value in vars(signals).values() if isinstance(value, OutboxSignal)}
    assert defined == signals.BY_NAME
    assert all(vars(signals)[name] is found for name, found in defined.items())
    # The name is the type of an event, which has 64 characters.
    assert max(map(len, defined)) <= 64


def test_names_are_where_things_are_defined(signal: OutboxSignal) -> None:
    shop = Shop()
    for receiver in (one, shop.method, Shop.of_class, Shop.static, shop):
        signal.connect(receiver)
    here = __name__
    assert list(signal.receivers_by_name()) == [
        f"{here}.one",
        f"{here}.Shop.method",
        f"{here}.Shop.of_class",
        f"{here}.Shop.static",
        f"{here}.Shop",
    ]
    assert receiver_name(functools.partial(one)) == "functools.partial"


def test_a_weak_method_is_disconnected_with_its_object(signal: OutboxSignal) -> None:
    shop = Shop()
    signal.connect(shop.method)
    signal.connect(shop)
    assert len(signal.receivers_by_name()) == 2
    del shop
    gc.collect()
    assert signal.receivers_by_name() == {}


def test_a_strong_receiver_stays(signal: OutboxSignal) -> None:
    signal.connect(Shop().method, weak=False)
    signal.connect(lambda **kwargs: None, weak=False, dispatch_uid="lambda")
    gc.collect()
    assert list(signal.receivers_by_name()) == [f"{__name__}.Shop.method", "lambda"]


def test_an_unreferenced_lambda_is_disconnected_as_in_django(signal: OutboxSignal) -> None:
    signal.connect(lambda **kwargs: None)
    gc.collect()
    assert signal.receivers_by_name() == {}
    assert not signal.has_listeners()


def test_two_objects_of_one_class_need_names(signal: OutboxSignal) -> None:
    first, second = Shop(), Shop()
    signal.connect(first.method)
    signal.connect(first.method)
    with pytest.raises(ValueError, match=r"probe already has .*Shop\.method; pass another dispatch_uid"):
        signal.connect(second.method)
    assert list(signal.receivers_by_name().values()) == [first.method]
    signal.connect(second.method, dispatch_uid="second")
    assert len(signal.receivers_by_name()) == 2


def test_a_name_is_free_again_when_its_receiver_is_gone(signal: OutboxSignal) -> None:
    first, second = Shop(), Shop()
    signal.connect(first.method)
    del first
    gc.collect()
    signal.connect(second.method)
    assert list(signal.receivers_by_name().values()) == [second.method]


def test_one_receiver_under_two_names_runs_under_both(signal: OutboxSignal) -> None:
    signal.connect(one, dispatch_uid="a")
    signal.connect(one, dispatch_uid="b")
    signal.connect(one)
    assert list(signal.receivers_by_name()) == ["a", "b", receiver_name(one)]
    assert signal.disconnect(one)
    assert signal.disconnect(dispatch_uid="a")
    assert list(signal.receivers_by_name()) == ["b"]


def test_the_order_is_that_of_connecting(signal: OutboxSignal) -> None:
    for receiver in (one, two):
        signal.connect(receiver)
    signal.connect(one)
    assert list(signal.receivers_by_name().values()) == [one, two]
    assert signal.disconnect(one)
    signal.connect(one)
    assert list(signal.receivers_by_name().values()) == [two, one]


def test_disconnecting_an_unknown_receiver_changes_nothing(signal: OutboxSignal) -> None:
    signal.connect(one)
    assert not signal.disconnect(two)
    assert not signal.disconnect(dispatch_uid="never")
    assert list(signal.receivers_by_name().values()) == [one]
    assert signal.disconnect(one)
    assert not signal.disconnect(one)


def test_a_receiver_that_django_rejects_is_not_stored(signal: OutboxSignal, settings: Any) -> None:
    settings.DEBUG = True

    def no_arguments() -> None: ...

    with pytest.raises(ValueError, match="keyword"):
        signal.connect(no_arguments)
    assert signal.receivers_by_name() == {}


def test_signals_do_not_share_receivers(signal: OutboxSignal) -> None:
    other = OutboxSignal("other")
    signal.connect(one)
    assert other.receivers_by_name() == {}


@pytest.mark.parametrize("uid", ["", "x" * 256, ("shop", 1), 7])
def test_a_name_that_cannot_be_stored_is_rejected(uid: Any) -> None:
    signal = OutboxSignal("probe")
    with pytest.raises(ValueError, match="1 to 255"):
        signal.connect(print, dispatch_uid=uid)
    assert signal.receivers_by_name() == {}


def test_a_taken_name_is_rejected_and_the_first_stays() -> None:
    signal, first, second = OutboxSignal("probe"), lambda **_kwargs: 1, lambda **_kwargs: 2
    signal.connect(first, dispatch_uid="a")
    with pytest.raises(ValueError, match="another dispatch_uid"):
        signal.connect(second, dispatch_uid="a")
    assert signal.receivers_by_name() == {"a": first}


def test_disconnecting_for_another_sender_changes_nothing() -> None:
    def receiver(**_kwargs: Any) -> None: ...

    signal = OutboxSignal("probe")
    signal.connect(receiver)
    assert not signal.disconnect(receiver, sender=str)
    assert list(signal.receivers_by_name().values()) == [receiver]


def test_a_builtin_can_be_connected() -> None:
    signal = OutboxSignal("probe")
    signal.connect(print)
    assert list(signal.receivers_by_name().values()) == [print]
