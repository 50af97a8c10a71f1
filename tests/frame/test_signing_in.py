"""Signing in to the staff pages: passwords, the guard against guessing them, and the second factor."""

import re
import time

import pytest
import time_machine
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.factories import NOW, PASSWORD, make_staff, make_staff_with_password
from tests.staff import read, sign_in, text_of

pytestmark = pytest.mark.django_db
LOGIN, FACTOR = "/admin/login/", "/admin/second-factor/"


@pytest.fixture(autouse=True)
def _still_clock_and_quick_hashes(settings):
    """One-time codes change every thirty seconds and throttles end by themselves; a real password hash takes a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with time_machine.travel(NOW, tick=False):
        yield


def code_of(device: TOTPDevice, *, steps_ahead: int = 0) -> str:
    generator = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    generator.time = time.time() + steps_ahead * device.step
    return f"{generator.token():06d}"


def enter(client: Client, username: str, password: str = PASSWORD, code: str = ""):
    return client.post(
        LOGIN,
        {"username": username, "password": password, "otp_token": code, "next": "/admin/"},
        headers={"accept-language": "en"},
    )


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.fixture
def device() -> TOTPDevice:
    """The confirmed app of somebody called olena."""
    return TOTPDevice.objects.create(user=make_staff_with_password(username="olena"), name="app", confirmed=True)


def test_a_password_is_enough_for_whoever_has_no_second_factor(client):
    make_staff_with_password(username="taras")
    answer = enter(client, "taras")
    assert answer["Location"] == "/admin/"
    assert is_in(client)


def test_a_wrong_password_lets_nobody_in(client):
    make_staff_with_password(username="taras")
    answer = enter(client, "taras", "guess")
    assert answer.status_code == 200
    assert not is_in(client)


def test_people_who_are_not_staff_stay_outside(client):
    outsider = make_staff_with_password(username="shopper")
    outsider.is_staff = False
    outsider.save()
    assert enter(client, "shopper").status_code == 200
    assert not is_in(client)


def test_after_eight_wrong_passwords_even_the_right_one_waits(client):
    make_staff_with_password(username="taras")
    statuses = [enter(client, "taras", f"guess {number}").status_code for number in range(8)]
    assert statuses == [200] * 7 + [429]
    answer = enter(client, "taras")
    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    assert "Try again in 15 minutes" in text_of(answer)
    assert "unsafe-eval" in answer["Content-Security-Policy"]
    assert not is_in(client)


def test_guessing_one_name_does_not_lock_another(client):
    make_staff_with_password(username="taras")
    for number in range(9):
        enter(client, "olena", f"guess {number}")
    assert enter(client, "taras")["Location"] == "/admin/"


def test_a_confirmed_app_must_be_used(client, device):
    answer = enter(client, "olena")
    assert answer.status_code == 200
    assert "Enter the one-time code from your app." in text_of(answer)
    assert PASSWORD not in answer.content.decode()
    assert not is_in(client)


def test_password_and_code_let_in(client, device):
    assert enter(client, "olena", code=code_of(device))["Location"] == "/admin/"
    assert is_in(client)


def test_a_code_may_be_typed_with_a_space(client, device):
    code = code_of(device)
    assert enter(client, "olena", code=f"{code[:3]} {code[3:]}").status_code == 302


def test_a_code_works_once(client, device):
    code = code_of(device)
    enter(client, "olena", code=code)
    answer = enter(Client(), "olena", code=code)
    assert answer.status_code == 200
    assert "wrong or was used already" in text_of(answer)


@pytest.mark.parametrize("code", ["000000", "abcdef", "12345", "'; --"])
def test_a_wrong_code_lets_nobody_in(client, device, code):
    assert enter(client, "olena", code=code).status_code == 200
    assert not is_in(client)


def test_a_right_code_does_not_replace_the_password(client, device):
    assert enter(client, "olena", "guess", code=code_of(device)).status_code == 200
    assert not is_in(client)


def test_guessing_codes_is_slowed_down(client, device):
    enter(client, "olena", code="000000")
    answer = enter(client, "olena", code=code_of(device))
    assert answer.status_code == 200
    assert "Too many wrong one-time codes." in text_of(answer)


def test_the_app_of_somebody_else_is_no_help(client, device):
    other = TOTPDevice.objects.create(user=make_staff(), name="app", confirmed=True)
    enter(client, "olena", code=code_of(other))
    assert not is_in(client)


def test_an_unfinished_enrolment_locks_nobody_out(client):
    user = make_staff_with_password(username="taras")
    TOTPDevice.objects.create(user=user, name="app", confirmed=False)
    assert enter(client, "taras").status_code == 302


def test_a_session_from_before_the_enrolment_has_to_sign_in_again(client):
    user = make_staff_with_password(username="taras")
    enter(client, "taras")
    assert is_in(client)
    TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    assert client.get("/admin/")["Location"].startswith(LOGIN)


def test_enrolling_shows_a_picture_and_keeps_the_key_until_it_is_confirmed(client):
    sign_in(client)
    page = client.get(FACTOR).content.decode()
    assert "<svg" in page
    key = re.search(r'<code translate="no">([A-Z2-7 ]+)</code>', page)
    assert key is not None
    assert key[1] in client.get(FACTOR).content.decode()
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


def test_a_right_code_turns_the_second_factor_on_and_shows_recovery_codes_once(client):
    sign_in(client)
    client.get(FACTOR)
    device = TOTPDevice.objects.get()
    answer = client.post(FACTOR, {"token": code_of(device)})
    device.refresh_from_db()
    assert device.confirmed
    codes = re.findall(r"<li>([a-z2-7]{8})</li>", answer.content.decode())
    assert len(codes) == 8
    assert set(codes) == set(StaticToken.objects.values_list("token", flat=True))
    # Whoever enrolled stays in, and the codes are not shown again.
    assert codes[0] not in read(client, FACTOR)


def test_a_wrong_code_turns_nothing_on(client):
    sign_in(client)
    client.get(FACTOR)
    client.post(FACTOR, {"token": "000000"})
    assert not TOTPDevice.objects.get().confirmed
    assert not StaticToken.objects.exists()


def test_a_recovery_code_lets_in_once(client):
    user = make_staff_with_password(username="taras")
    enter(client, "taras")
    client.get(FACTOR)
    client.post(FACTOR, {"token": code_of(TOTPDevice.objects.get(user=user))})
    spare = StaticToken.objects.values_list("token", flat=True)[0]
    fresh = Client()
    assert enter(fresh, "taras", code=spare.upper()).status_code == 302
    assert is_in(fresh)
    assert enter(Client(), "taras", code=spare).status_code == 200


def test_removing_the_second_factor_needs_a_code(client, device):
    enter(client, "olena", code=code_of(device))
    client.post(FACTOR, {"token": "000000"})
    assert TOTPDevice.objects.filter(confirmed=True).exists()
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    client.post(FACTOR, {"token": code_of(device, steps_ahead=1)})
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    assert is_in(client)


def test_an_administrator_helps_after_a_lost_phone(client, device):
    sign_in(client, "auth.view_user", "auth.change_user")
    client.post("/admin/auth/user/", {"action": "remove_second_factors", "_selected_action": [device.user_id]})
    assert not TOTPDevice.objects.exists()
    assert enter(Client(), "olena").status_code == 302


def test_an_administrator_lets_in_after_a_lockout(client):
    user = make_staff_with_password(username="taras")
    for number in range(9):
        enter(Client(), "taras", f"guess {number}")
    sign_in(client, "auth.view_user", "auth.change_user")
    client.post("/admin/auth/user/", {"action": "let_in_again", "_selected_action": [user.pk]})
    assert enter(Client(), "taras").status_code == 302


def test_only_those_who_may_change_people_help(client, device):
    sign_in(client, "auth.view_user").post(
        "/admin/auth/user/", {"action": "remove_second_factors", "_selected_action": [device.user_id]}
    )
    assert TOTPDevice.objects.filter(confirmed=True).exists()


def test_the_login_page_offers_the_other_language(client):
    assert 'name="language" value="uk"' in client.get(LOGIN, headers={"accept-language": "en"}).content.decode()
    answer = client.post("/i18n/setlang/", {"language": "uk", "next": LOGIN})
    assert answer["Location"] == LOGIN
    assert "Увійти" in text_of(client.get(LOGIN, headers={"accept-language": "en"}))


def test_only_the_staff_pages_get_the_wider_content_policy(client):
    assert "'unsafe-eval'" in client.get(LOGIN)["Content-Security-Policy"]
    assert "'unsafe-eval'" not in client.get("/healthz")["Content-Security-Policy"]
    assert "'unsafe-inline'" not in client.get("/healthz")["Content-Security-Policy"]
