"""What the installation decides, read once at start from the environment."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

from cryptography.fernet import Fernet

from services import branding, outward, session_limits
from services.secret import Secret


class SettingMissing(Exception):
    """The portal cannot start; the text names the setting and says what to put there."""


@dataclass(frozen=True)
class Provider:
    """Who runs the portal; shown on pages, in mails and in the shipped legal texts."""

    name: str = "Example Storage"
    legal_entity: str = "Example Storage GmbH"
    address: str = "Musterstraße 1, 10115 Berlin, Germany"
    support_address: str = "support@example.com"
    privacy_address: str = "privacy@example.com"
    security_address: str = "security@example.com"
    console_address: str = "https://console.example.com"
    time_zone: str = "Europe/Berlin"
    imprint: str = ""  # address of the page with what the law wants to be named
    colour: str = ""  # of light pages, and of dark ones; empty: the portal's own
    colour_dark: str = ""
    logo: str = ""  # path of a PNG or a plain SVG

    @property
    def logo_path(self) -> Path:
        return Path(self.logo)


@dataclass(frozen=True)
class Settings:
    """Times are in the unit that the name says; capacity is in bytes."""

    secret_key: Secret
    data_keys: tuple[str, ...] = field(repr=False)
    database_url: str
    var_dir: Path
    production: bool = False
    public_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = 8000
    threads: int = 8
    trusted_proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()
    storage_url: str = "memory:"
    storage_credentials: Path | None = None
    storage_region: str = "embedded"
    storage_file: Path | None = None
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "portal@example.com"
    audit_head_mail: str = ""
    audit_head_dir: Path | None = None
    provider: Provider = Provider()
    locales: tuple[str, ...] = ("en", "de")
    member_idle_minutes: int = 60
    member_session_hours: int = 24
    operator_idle_minutes: int = 15
    operator_session_hours: int = 12
    member_proof_minutes: int = 30
    operator_proof_minutes: int = 15
    session_limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # services/session_limits.py
    undo_minutes: int = 15
    slider_step_bytes: int = 10 * 10**9
    measure_minutes: int = 5
    key_delete_days: int = 14
    key_age_days: int = 365
    sign_up_draft_days: int = 30
    deletion_days: int = 30
    deletions_per_hour: int = 20
    sso_loopback: bool = False

    @property
    def mail_dir(self) -> Path:
        return self.var_dir / "mail"

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def all_trusted_hosts(self) -> list[str]:
        own = urlparse(self.public_url).hostname or "127.0.0.1"
        local = () if self.production else ("127.0.0.1", "localhost")
        return [own, *local, *self.trusted_hosts]


NUMBERS = {
    "PORTAL_PORT": "port",
    "PORTAL_THREADS": "threads",
    "PORTAL_MEMBER_IDLE_MINUTES": "member_idle_minutes",
    "PORTAL_MEMBER_SESSION_HOURS": "member_session_hours",
    "PORTAL_OPERATOR_IDLE_MINUTES": "operator_idle_minutes",
    "PORTAL_OPERATOR_SESSION_HOURS": "operator_session_hours",
    "PORTAL_MEMBER_PROOF_MINUTES": "member_proof_minutes",
    "PORTAL_OPERATOR_PROOF_MINUTES": "operator_proof_minutes",
    "PORTAL_UNDO_MINUTES": "undo_minutes",
    "PORTAL_SLIDER_STEP_BYTES": "slider_step_bytes",
    "PORTAL_MEASURE_MINUTES": "measure_minutes",
    "PORTAL_KEY_DELETE_DAYS": "key_delete_days",
    "PORTAL_KEY_AGE_DAYS": "key_age_days",
    "PORTAL_SIGN_UP_DRAFT_DAYS": "sign_up_draft_days",
    "PORTAL_DELETION_DAYS": "deletion_days",
    "PORTAL_DELETIONS_PER_HOUR": "deletions_per_hour",
}
TEXTS = {
    "PORTAL_HOST": "host",
    "PORTAL_TRUSTED_PROXY": "trusted_proxy",
    "STORAGE_URL": "storage_url",
    "STORAGE_REGION": "storage_region",
    "SMTP_URL": "smtp_url",
    "PORTAL_MAIL_FROM": "mail_from",
    "PORTAL_AUDIT_HEAD_MAIL": "audit_head_mail",
}
LISTS = {"PORTAL_TRUSTED_HOSTS": "trusted_hosts", "PORTAL_LOCALES": "locales"}
PROVIDER = {f"PORTAL_PROVIDER_{name.upper()}": name for name in Provider.__dataclass_fields__}
OTHERS = (
    "PORTAL_ENV",
    "PORTAL_SECRET_KEY",
    "PORTAL_DATA_KEYS",
    "DATABASE_URL",
    "PORTAL_PUBLIC_URL",
    "PORTAL_VAR_DIR",
    "STORAGE_CREDENTIALS_FILE",
    "PORTAL_STORAGE_FILE",
    "PORTAL_AUDIT_HEAD_DIR",
    "PORTAL_SESSION_LIMITS",
    "PORTAL_SSO_LOOPBACK",
)
KNOWN = (*OTHERS, *NUMBERS, *TEXTS, *LISTS, *PROVIDER)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment. In production a missing secret raises SettingMissing; in development secrets are
    made once and kept under the var folder."""
    production = environment.get("PORTAL_ENV") == "production"
    var_dir = Path(environment.get("PORTAL_VAR_DIR", "var")).resolve()
    made = {} if production else _development_secrets(var_dir)
    values: dict = {name: _number(key, environment[key]) for key, name in NUMBERS.items() if environment.get(key)}
    values |= {name: environment[key] for key, name in TEXTS.items() if environment.get(key)}
    values |= {name: _list(environment[key]) for key, name in LISTS.items() if environment.get(key)}
    own = {name: environment[key] for key, name in PROVIDER.items() if environment.get(key)}
    port, files = values.get("port", 8000), _storage_files(environment)
    provider = Provider(**own)
    _refuse_what_cannot_be_shown(provider)
    try:
        limits = session_limits.read(environment.get("PORTAL_SESSION_LIMITS", ""), {**Settings.__dict__, **values})
    except session_limits.LimitRefused as failure:
        raise SettingMissing(str(failure)) from failure
    return Settings(
        secret_key=Secret(_required(environment, made, "PORTAL_SECRET_KEY", "at least 32 random characters")),
        data_keys=_data_keys(_required(environment, made, "PORTAL_DATA_KEYS", "Fernet keys, newest first")),
        database_url=environment.get("DATABASE_URL") or f"sqlite:///{var_dir}/portal.db",
        var_dir=var_dir,
        production=production,
        public_url=_public_url(environment, production, port),
        storage_credentials=files["STORAGE_CREDENTIALS_FILE"],
        storage_file=files["PORTAL_STORAGE_FILE"],
        audit_head_dir=Path(heads).resolve() if (heads := environment.get("PORTAL_AUDIT_HEAD_DIR")) else None,
        provider=provider,
        session_limits=limits,
        sso_loopback=_sso_loopback(environment, production),
        **values,
    )


def _refuse_what_cannot_be_shown(provider: Provider) -> None:
    try:
        if provider.colour or provider.colour_dark:
            branding.style(provider.colour, provider.colour_dark or branding.lightened(provider.colour))
        if provider.logo:
            branding.logo(provider.logo_path)
    except branding.CannotBeShown as failure:
        raise SettingMissing(str(failure)) from failure
    if provider.imprint and not outward.is_web(provider.imprint):
        raise SettingMissing("PORTAL_PROVIDER_IMPRINT must be a web address, such as https://example.com/imprint.")


def _storage_files(environment: Mapping[str, str]) -> dict[str, Path | None]:
    """The files that the worker will open; relative ones lie in the folder that the process was started in."""
    one = [name for name in ("STORAGE_URL", "STORAGE_CREDENTIALS_FILE", "STORAGE_REGION") if environment.get(name)]
    if environment.get("PORTAL_STORAGE_FILE") and one:
        raise SettingMissing(f"PORTAL_STORAGE_FILE and {one[0]} are both set. Keep the one or the other.")
    given = {name: environment.get(name) for name in ("PORTAL_STORAGE_FILE", "STORAGE_CREDENTIALS_FILE")}
    return {name: Path(text) if text else None for name, text in given.items()}


def _required(environment: Mapping[str, str], made: Mapping[str, str], key: str, what: str) -> str:
    value = environment.get(key) or made.get(key)
    if not value:
        raise SettingMissing(f"{key} is not set. Put {what} there and start again.")
    if key == "PORTAL_SECRET_KEY" and len(value) < 32:
        raise SettingMissing(f"{key} is too short. Put {what} there and start again.")
    return value


def _data_keys(text: str) -> tuple[str, ...]:
    keys = _list(text)
    for key in keys:
        try:
            Fernet(key)
        except ValueError as failure:
            raise SettingMissing("PORTAL_DATA_KEYS holds something that is not a Fernet key.") from failure
    return keys


def _public_url(environment: Mapping[str, str], production: bool, port: int) -> str:
    url = environment.get("PORTAL_PUBLIC_URL") or ("" if production else f"http://127.0.0.1:{port}")
    if not urlparse(url).hostname:
        raise SettingMissing(
            "PORTAL_PUBLIC_URL is not set. Put the address there under which partners open the portal."
        )
    return url.rstrip("/")


def _sso_loopback(environment: Mapping[str, str], production: bool) -> bool:
    """For tests and labs: in production it would let partners have this machine asked (services/sso_channel.py)."""
    wanted = environment.get("PORTAL_SSO_LOOPBACK", "")
    if wanted not in ("", "0", "1"):
        raise SettingMissing("PORTAL_SSO_LOOPBACK is 1 or empty.")
    if wanted == "1" and production:
        raise SettingMissing("PORTAL_SSO_LOOPBACK is for tests and labs. Take it out in production.")
    return wanted == "1"


def _number(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise SettingMissing(f"{key} must be a whole number, not {text!r}.")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _development_secrets(var_dir: Path) -> dict[str, str]:
    """Made once and kept with mode 0600, so that sessions and sealed values survive a restart."""
    path = var_dir / "development-secrets.env"
    if not path.exists():
        var_dir.mkdir(parents=True, exist_ok=True)
        lines = f"PORTAL_SECRET_KEY={secrets.token_urlsafe(48)}\nPORTAL_DATA_KEYS={Fernet.generate_key().decode()}\n"
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(lines)
        with suppress(FileExistsError):  # another process of the same start made them first
            os.link(draft, path)
        draft.unlink()
    return dict(line.split("=", 1) for line in path.read_text().split())
