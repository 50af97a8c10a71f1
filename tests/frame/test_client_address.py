"""Whose address counts: what the caller writes never does."""

import ipaddress

import pytest

from bonusportal.middleware import find_client_address

FORGED = "198.51.100.66"


def test_at_a_plain_server_it_is_the_socket():
    assert find_client_address({"REMOTE_ADDR": "203.0.113.5", "HTTP_X_FORWARDED_FOR": FORGED}) == "203.0.113.5"


@pytest.mark.parametrize("context", [{"http": {"sourceIp": "203.0.113.5"}}, {"identity": {"sourceIp": "203.0.113.5"}}])
def test_on_lambda_it_is_the_platforms_word(context):
    meta = {
        "REMOTE_ADDR": FORGED,
        "HTTP_X_FORWARDED_FOR": f"{FORGED}, {FORGED}",
        "lambda.event": {"requestContext": context},
    }
    assert find_client_address(meta) == "203.0.113.5"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        (f"{FORGED}, 203.0.113.5", "203.0.113.5"),
        (f"{FORGED}, 203.0.113.5, 10.0.0.7", "203.0.113.5"),
        (f"{FORGED}, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_behind_a_named_proxy_it_is_the_last_hop_that_is_no_proxy(settings, header, address):
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    assert find_client_address({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": header}) == address


def test_cloudfronts_header_counts_only_with_its_secret(settings):
    settings.CLOUDFRONT_SECRET = "origin-word"
    meta = {"REMOTE_ADDR": "203.0.113.5", "HTTP_CLOUDFRONT_VIEWER_ADDRESS": "198.51.100.7:4711"}
    assert find_client_address(meta) == "203.0.113.5"
    assert find_client_address({**meta, "HTTP_X_ORIGIN_SECRET": "wrong"}) == "203.0.113.5"
    assert find_client_address({**meta, "HTTP_X_ORIGIN_SECRET": "origin-word"}) == "198.51.100.7"
    six = {**meta, "HTTP_X_ORIGIN_SECRET": "origin-word", "HTTP_CLOUDFRONT_VIEWER_ADDRESS": "[2001:db8::1]:4711"}
    assert find_client_address(six) == "2001:db8::1"
