"""What the worker does for the terms for end customers: mails of many links, reminders, keys that need not wait."""

from datetime import timedelta

from services import flow_down_keys, flow_down_links, flow_down_reminders
from services.one_by_one import tried
from services.settings import Settings
from services.site import House

LOOK_EVERY = timedelta(seconds=10)
REMIND_EVERY = timedelta(minutes=10)


def tend(house: House, settings: Settings) -> bool:
    """Does a bounded part of what is due; True when there may be more. Safe with several workers at once."""
    act = house.act()
    written = tried(act, "mails of links for agreements", lambda: flow_down_links.write_waiting(act, settings), 0)
    if house.keys_next_at is None or house.keys_next_at <= act.at:
        tried(act, "keys that waited for agreements", lambda: flow_down_keys.let_go_all(act), 0)
        house.keys_next_at = act.at + LOOK_EVERY
    if house.reminders_next_at is None or house.reminders_next_at <= act.at:
        reminded = tried(act, "reminders of agreements", lambda: flow_down_reminders.remind(act, settings), 0)
        house.reminders_next_at = act.at if reminded == flow_down_reminders.MOST_A_ROUND else act.at + REMIND_EVERY
    return written == flow_down_links.MAILS_A_ROUND
