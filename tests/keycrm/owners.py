"""Somebody with points and a phone, and how often their cards were written."""

from tests.bonuses import scenes

PHONE = "+380000000001"


def make(points=100, phone=PHONE):
    customer = scenes.make_customer(phone=phone)
    if points:
        scenes.give(customer, points)
    return customer


def writes(far):
    return sum(name == "update_buyer" for _at, name in far.calls)
