"""The cookie by which a device is known again after its owner signed out."""

from flask import Response, after_this_request, current_app, request

from services import known_devices


def cookie_name() -> str:
    return "__Host-portal-device" if current_app.settings.secure_cookies else "portal-device"


def number_for(address: str) -> str:
    """This device's number when the owner of the address signed in on it before, else empty."""
    return known_devices.device_of(current_app.settings.secret_key, request.cookies.get(cookie_name()), address)


def remember(address: str) -> None:
    """To be called once the owner of the address has signed in."""
    settings, name = current_app.settings, cookie_name()
    value = known_devices.remembered(settings.secret_key, request.cookies.get(name), address)

    @after_this_request
    def put(response: Response) -> Response:
        age_seconds = known_devices.DAYS * 86_400
        response.set_cookie(
            name, value, max_age=age_seconds, httponly=True, samesite="Lax", secure=settings.secure_cookies
        )
        return response
