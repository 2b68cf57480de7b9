"""The gateway to the storage service. Importing it is cheap; boto3 is loaded by the first call that needs it."""

from services.storage.address import Address, Backend, Credentials, parse_address, read_credentials
from services.storage.contract import (
    Capabilities,
    Storage,
    StorageAbsent,
    StorageConflict,
    StorageError,
    StorageRefused,
    StorageUnavailable,
)

__all__ = [
    "Address",
    "Backend",
    "Capabilities",
    "Credentials",
    "Storage",
    "StorageAbsent",
    "StorageConflict",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "open_storage",
    "parse_address",
    "read_credentials",
]


def open_storage(where: str | Address, credentials: Credentials | None = None) -> Storage:
    """The storage behind a STORAGE_URL (see `address`). Nothing is asked of the service yet.

    `credentials` belong to the worker alone; `memory:` needs none. Raises ValueError with one sentence for an address
    or credentials that cannot be used.
    """
    address = parse_address(where) if isinstance(where, str) else where
    if address.kind == "memory":
        from services.storage.memory import MemoryStorage

        return MemoryStorage(endpoint=address.endpoint, region=address.region)
    if credentials is None:
        raise ValueError("the storage service needs credentials: set STORAGE_CREDENTIALS_FILE, or credentials_file")
    if address.kind == "rgw":
        from services.storage.rgw import RgwStorage

        return RgwStorage(address, credentials)
    if address.kind == "aws":
        from services.storage.aws import AwsStorage

        return AwsStorage(address, credentials)
    if not credentials.admin_user or not credentials.admin_password.reveal():
        raise ValueError("the storage credentials for SeaweedFS lack 'admin_user' or 'admin_password'")
    from services.storage.seaweedfs import SeaweedStorage

    return SeaweedStorage(address, credentials)
