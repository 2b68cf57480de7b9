"""What the embedded SeaweedFS needs on its disk: credentials made once, options, keys and certificates.

    DIR/credentials.json       for the worker, see `address`
    DIR/conf/                  options, security settings, certificates (rewritten at each start, keys made once)
    DIR/data/                  the customers' data, users and policies
    DIR/run/                   sockets and the process id
    DIR/storage.log            warnings and errors of the server

Everything is readable by its owner alone.
"""

import json
import os
import secrets
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOST = "127.0.0.1"
GRPC_DISTANCE = 10_000  # SeaweedFS expects a service's gRPC port so far above its HTTP port
_SERVICES = ("s3", "admin", "filer", "master", "volume")
_TALKERS = ("admin", "client", "filer", "master", "s3", "volume", "worker")


def service_ports(port: int) -> dict[str, int]:
    """HTTP port of each service, by name: S3 has `port`, the others the four above it."""
    return {name: port + number for number, name in enumerate(_SERVICES)}


def write_private(path: Path, text: str) -> None:
    """Writes the whole file at once, readable by its owner alone."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def prepare(directory: Path, port: int) -> None:
    """Makes what is missing below `directory`. OSError when the disk does not take it."""
    for part in (directory, directory / "conf", directory / "data", directory / "data" / "master", directory / "run"):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.chmod(0o700)
    credentials = directory / "credentials.json"
    if not credentials.exists():
        write_private(credentials, json.dumps(_new_credentials(), indent=1) + "\n")
    keys = directory / "conf" / "keys.json"
    if not keys.exists():
        names = ("signing", "signing_read", "filer_signing", "filer_signing_read")
        write_private(keys, json.dumps({name: secrets.token_urlsafe(32) for name in names}))
    if not (directory / "conf" / "node.crt").exists():
        _make_certificates(directory / "conf")
    password = json.loads(credentials.read_text(encoding="utf-8"))["admin_password"]
    write_private(directory / "conf" / "mini.options", _options(directory, port, password))
    write_private(directory / "conf" / "security.toml", _security(directory / "conf", json.loads(keys.read_text())))


def _new_credentials() -> dict[str, str]:
    letters = string.ascii_uppercase + string.digits
    return {
        "access_key_id": "".join(secrets.choice(letters) for _ in range(20)),
        "secret_access_key": secrets.token_urlsafe(30),
        "admin_user": "admin",
        "admin_password": secrets.token_urlsafe(30),
    }


def _options(directory: Path, port: int, password: str) -> str:
    """The options, in a file: on the command line every user of the machine could read the password."""
    values = {
        "ip": HOST,
        "ip.bind": HOST,
        "disableHttp": "true",  # the filer's HTTP port has no log-in and gave out objects and secrets
        "master.telemetry": "false",
        "admin.password": password,
        "s3.iam.readOnly": "true",  # a customer's key could make itself further keys
        "s3.autoCreateBucket": "false",
        "s3.allowDeleteBucketNotEmpty": "false",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "webdav": "false",
        "master.dir": directory / "data" / "master",
        "master.volumeSizeLimitMB": "256",
        "volume.max": "10000",  # each bucket has volumes of its own; the free disk is the limit
        "volume.preStopSeconds": "0",
        "filer.localSocket": directory / "run" / "filer.sock",
        "s3.localSocket": directory / "run" / "s3.sock",
    }
    for name, number in service_ports(port).items():
        values[f"{name}.port"] = str(number)
        values[f"{name}.port.grpc"] = str(number + GRPC_DISTANCE)
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _security(conf: Path, keys: dict[str, str]) -> str:
    """Signed requests between the services and mutual TLS on gRPC: other programs on the machine get nothing."""
    lines = []
    for section, name in (
        ("jwt.signing", "signing"),
        ("jwt.signing.read", "signing_read"),
        ("jwt.filer_signing", "filer_signing"),
        ("jwt.filer_signing.read", "filer_signing_read"),
    ):
        lines += [f"[{section}]", f'key = "{keys[name]}"']
    lines += ["[grpc]", f"ca = {json.dumps(str(conf / 'ca.crt'))}"]
    for name in _TALKERS:
        lines += [f"[grpc.{name}]"]
        lines += [
            f"{part} = {json.dumps(str(conf / file))}" for part, file in (("cert", "node.crt"), ("key", "node.key"))
        ]
    return "\n".join(lines) + "\n"


def _make_certificates(conf: Path) -> None:
    """A certificate authority whose key is thrown away, and one certificate for all services of this server."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    from services.clock import SystemClock

    now: datetime = SystemClock().now().astimezone(UTC)
    authority_key, node_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def issue(name: str, key: ec.EllipticCurvePrivateKey, authority: bool) -> x509.Certificate:
        subject, issuer = (
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)]) for who in (name, "embedded storage")
        )
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=36_500))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        return builder.sign(authority_key, hashes.SHA256())

    authority = issue("embedded storage", authority_key, True)
    node = issue("embedded storage node", node_key, False)
    key_text = node_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(conf / "ca.crt", authority.public_bytes(serialization.Encoding.PEM).decode())
    write_private(conf / "node.key", key_text.decode())
    write_private(conf / "node.crt", node.public_bytes(serialization.Encoding.PEM).decode())
