"""The S3 side of an AWS-style service: buckets belong to the provider there, a tag says which account has each."""

from services.storage.aws_policy import BUCKET_OWNER, tags
from services.storage.contract import StorageConflict, StorageUnavailable
from services.storage.versions import VersionedSide

_FIRST_REGION = "us-east-1"  # the one region that must not be named when a bucket is made


class AwsSide(VersionedSide):
    """One attempt per request, short limits. Safe to be used by several threads."""

    def bucket_owner(self, bucket: str) -> str | None:
        """The account that has the bucket; "" when nothing says so; None when there is no such bucket.

        StorageConflict: it is not the provider's.
        """
        strange = {"AccessDenied", "AllAccessDisabled", "PermanentRedirect"}
        answer, code = self._outcome("get_bucket_tagging", {"NoSuchBucket", "NoSuchTagSet", *strange}, Bucket=bucket)
        if code in strange:
            raise StorageConflict(f"bucket {bucket} belongs to somebody else, or the portal may not read its tags")
        if code == "NoSuchBucket":
            return None
        found = {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", [])}
        return found.get(BUCKET_OWNER, "")

    def make_bucket(self, bucket: str) -> None:
        """Makes the bucket, owned by the provider; harmless when it is there. StorageConflict: another's."""
        where = {} if self._region == _FIRST_REGION else {"LocationConstraint": self._region}
        values = {"CreateBucketConfiguration": where} if where else {}
        known = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
        _, code = self._outcome("create_bucket", known, Bucket=bucket, **values)
        if code == "BucketAlreadyExists":
            raise StorageConflict(f"bucket {bucket} belongs to somebody else")

    def give_bucket(self, bucket: str, uid: str) -> None:
        """Writes down which account has the bucket. Raises NoBucket."""
        self._ask("put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": tags({BUCKET_OWNER: uid})})

    def remove_bucket(self, bucket: str) -> None:
        """Deletes the empty bucket; that it was gone already is success. StorageUnavailable: it is not empty."""
        _, code = self._outcome("delete_bucket", {"NoSuchBucket", "BucketNotEmpty"}, Bucket=bucket)
        if code == "BucketNotEmpty":
            raise StorageUnavailable(f"bucket {bucket} was filled while it was emptied")
