"""A company that signs in with its own log-in, for tests."""

from collections.abc import Callable
from dataclasses import dataclass

from models.partner import Member
from models.sso import Sso, SsoDomain
from services import sso, sso_desk
from services.settings import Settings
from tests.cast import Cast
from tests.openid import CLIENT_ID, CLIENT_SECRET


@dataclass
class Company:
    settings: Settings
    acting: Callable
    cast: Cast

    def set_up(self, issuer: str, admin: Member | None = None) -> Sso:
        """Everything entered, the admin's mail domain confirmed, switched on."""
        admin = admin or self.cast.alice
        act, partner = self.acting(admin), admin.partner
        row = sso.configure(act, self.settings, partner, issuer, CLIENT_ID, CLIENT_SECRET)
        self.own(admin, admin.email.rpartition("@")[2])
        sso.switch(act, self.settings, partner, on=True)
        return row

    def own(self, admin: Member, domain: str) -> SsoDomain:
        row = sso.ask_domain(self.acting(admin), admin, domain)
        return sso_desk.confirm(self.acting(self.cast.olga), self.settings, row.id)
