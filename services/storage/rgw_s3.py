"""The S3 side of RGW: the portal's pair reaches into every account's namespace, as `tenant:bucket`."""

from importlib import import_module
from typing import Any

from services.secret import Secret
from services.storage.contract import KeyState, StorageConflict, StorageUnavailable
from services.storage.versions import VersionedSide


class RgwSide(VersionedSide):
    """One attempt per request, short limits. Safe to be used by several threads."""

    def make_bucket(self, bucket: str) -> None:
        """Makes `tenant:bucket`, owned by the portal's own user; harmless when that user owns it already.

        StorageConflict: somebody else does.
        """
        _, code = self._outcome("create_bucket", {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}, Bucket=bucket)
        if code == "BucketAlreadyExists":
            raise StorageConflict(f"bucket {bucket} belongs to somebody else")

    def probe(self, key_id: str, secret: Secret, bucket: str) -> KeyState:
        """Looks into the bucket as the customer. A bucket policy of the customer's own may refuse: the key is alive."""
        exceptions = import_module("botocore.exceptions")
        customer = self._client(key_id, secret)
        try:
            customer.list_objects_v2(Bucket=bucket, MaxKeys=1)
        except exceptions.ClientError as failure:
            status = int(failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = str(failure.response.get("Error", {}).get("Code", ""))
            if code == "UserSuspended":
                return "suspended"
            if status == 404 or code == "AccessDenied":
                return "alive"
            if status == 403:
                return "dead"
            raise StorageUnavailable(f"storage service answers a probe with {status} {code}") from None
        except exceptions.BotoCoreError as failure:
            raise StorageUnavailable(f"storage service: {type(failure).__name__}") from None
        finally:
            customer.close()
        return "alive"

    def _client(self, key_id: str, secret: Secret) -> Any:
        """botocore knows no tenants and refuses the colon before the service is asked."""
        client = super()._client(key_id, secret)
        check = import_module("botocore.handlers").validate_bucket_name
        client.meta.events.unregister("before-parameter-build.s3", check)
        return client
