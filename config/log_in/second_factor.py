"""The second factor: one-time codes by time (RFC 6238), and recovery codes for who has lost what makes them."""

from base64 import b32encode
from typing import cast

import segno
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django_otp import devices_for_user, match_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 8
RECOVERY = "recovery codes"
CODES = "codes"


def has_one(user: AbstractBaseUser) -> bool:
    return any(isinstance(device, TOTPDevice) for device in devices_for_user(user))


def find_match(user: AbstractBaseUser, code: str) -> Device | None:
    """What made the code: each serves once. None where it is wrong."""
    return cast("Device | None", match_token(user, code.replace(" ", "").lower()))


def begin(user: AbstractBaseUser) -> TOTPDevice:
    """The device that the user is setting up: the same until it is confirmed."""
    begun = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("pk").first()
    return begun or TOTPDevice.objects.create(user=user, name=CODES, confirmed=False)


@transaction.atomic
def confirm(device: TOTPDevice, code: str) -> list[str] | None:
    """The recovery codes, which are shown this once, if the code is the device's; None where it is wrong."""
    if not device.verify_token(code.replace(" ", "")):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    recovery = StaticDevice.objects.create(user=device.user, name=RECOVERY)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
    return codes


def count_recovery_codes(user: AbstractBaseUser) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


@transaction.atomic
def end(user: AbstractBaseUser) -> bool:
    """Forget the user's devices and codes; whether there were any."""
    removed = TOTPDevice.objects.filter(user=user).delete()[0] + StaticDevice.objects.filter(user=user).delete()[0]
    return bool(removed)


def spell(device: TOTPDevice) -> str:
    """The key as it is typed into an app: Base32, in groups of four."""
    key = b32encode(device.bin_key).decode()
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def draw(device: TOTPDevice) -> str:
    """The address of a device as a QR code, an SVG element that needs no style and no script."""
    return segno.make(device.config_url, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff")
