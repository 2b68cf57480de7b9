"""The file that says which regions there are, and how the settings of one region stand beside it."""

from pathlib import Path

import pytest

from services.settings import SettingMissing, read_settings
from services.storage.address import RGW, SEAWEEDFS
from services.storage.region_file import RegionsBroken, configured, read_region_file

WHOLE = """
[[region]]
name = "hamburg"
display_name = "Hamburg"
place = "Germany"
url = "rgw://10.0.0.5:7480"
endpoint = "https://s3.hamburg.example.com/"
credentials_file = "hamburg.json"
iam_url = "https://iam.example.com"

[region.options]
admin = "http://10.0.0.6:7480/admin"
region = "north"

[[region]]
name = "oslo"
url = "seaweedfs+https://10.1.0.5:8333?admin=http://10.1.0.5:23646&region=oslo"
credentials_file = "/etc/portal/oslo.json"
closed = true
"""
ONE = '[[region]]\nname = "north"\nurl = "memory:"\n'


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "regions.toml"
        path.write_text(text)
        return path

    return write


def test_a_file_is_read_and_no_credentials_are_opened(file, tmp_path):
    hamburg, oslo = read_region_file(file(WHOLE))
    assert (hamburg.name, hamburg.display_name, hamburg.place) == ("hamburg", "Hamburg", "Germany")
    assert (hamburg.address.kind, hamburg.address.capabilities, hamburg.closed) == ("rgw", RGW, False)
    assert hamburg.address.endpoint == "https://s3.hamburg.example.com"
    assert (hamburg.address.admin_url, hamburg.address.region) == ("http://10.0.0.6:7480/admin", "north")
    assert hamburg.credentials_file == tmp_path / "hamburg.json"
    assert (hamburg.iam_url, hamburg.sts_url) == ("https://iam.example.com", "")
    assert (oslo.display_name, oslo.closed, oslo.address.capabilities) == ("", True, SEAWEEDFS)
    assert (oslo.address.endpoint, oslo.address.region) == ("https://10.1.0.5:8333", "oslo")
    assert oslo.credentials_file == Path("/etc/portal/oslo.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[[region]]", "[[regions]]"), "unknown fields: regions"),
        (('name = "north"\n', ""), "region 1: missing fields: name"),
        (('url = "memory:"\n', ""), "region 'north': missing fields: url"),
        (('"memory:"', '"memory:"\nsecret_access_key = "canary"'), "'north': unknown fields: secret_access_key"),
        (('"memory:"', '"rgw://root:canary@h:1"'), "'north': url holds a user or password"),
        (('"memory:"', '"http://10.0.0.5"'), "'north': url begins with 'http'"),
        (('"memory:"', '"rgw://h:1?colour=red"'), "'north': url has unknown options: colour"),
        (('"memory:"', '"rgw://h:1"'), "'north': missing fields: credentials_file"),
        (('"memory:"', '"memory:"\nendpoint = "s3.example.com"'), "'north': needs endpoint with a whole address"),
        (
            ('"memory:"', '"memory:"\nendpoint = "https://user:canary@s3.a"'),
            "'north': needs endpoint with an address that",
        ),
        (('"memory:"', '"memory:"\nendpoint = "https://s3.a?canary"'), "'north': needs endpoint with an address that"),
        (('"memory:"', '"memory:"\niam_url = "https://canary@iam.a"'), "'north': needs iam_url with an address that"),
        (('"memory:"', '"memory:"\nsts_url = "https://sts.a#canary"'), "'north': needs sts_url with an address that"),
        (
            ('"memory:"', '"rgw://h:1"\noptions = {admin = "http://root:canary@h:1"}'),
            "'north': url needs admin= with an address that",
        ),
        (('"memory:"', '"memory:"\nclosed = "yes"'), "'north': closed must be true or false"),
        (('"memory:"', '"memory:"\nplace = 5'), "'north': place must be a text in quotes"),
        (('"memory:"', '"memory:"\nplace = "a\\nb"'), "'north': place must be one line"),
        (('"memory:"', '"memory:"\noptions = {region = "x"}'), "'north': options belong behind"),
        (('"memory:"', '"rgw://h:1"\noptions = {region = 5}'), "'north': options must be a table of texts"),
        (('"north"', '"North"'), "'North': name must be of a-z"),
        (('"north"', f'"{"n" * 41}"'), "name must be of a-z"),
        (('"memory:"', "memory:"), "are not TOML"),
        (('"memory:"', '"memory:"\n' + ONE), "region 'north': an earlier region has its name"),
        (
            ("north", 'south"\nurl = "memory:"\ndisplay_name = "North"\n[[region]]\nname = "north'),
            "'north': an earlier",
        ),
        ((ONE, ""), "holds no region"),
        ((ONE, 'region = "north"'), "holds no region"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_file_and_region_and_without_a_secret(file, change, words):
    path = file(ONE.replace(*change))
    with pytest.raises(RegionsBroken) as broken:
        read_region_file(path)
    assert str(path) in str(broken.value) and words in str(broken.value)
    assert "canary" not in str(broken.value) and "\n" not in str(broken.value)


def test_the_same_said_twice_is_refused(file):
    twice = WHOLE.replace('region = "north"', 'public = "https://s3.example.com"')
    with pytest.raises(RegionsBroken, match="'hamburg': endpoint and the option public say the same"):
        read_region_file(file(twice))


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(RegionsBroken, match=r"nothing\.toml: No such file"):
        read_region_file(tmp_path / "nothing.toml")
    (tmp_path / "latin.toml").write_bytes("# Köln".encode("latin-1"))
    with pytest.raises(RegionsBroken, match=r"latin\.toml: it is not UTF-8"):
        read_region_file(tmp_path / "latin.toml")


def test_the_settings_of_one_region_are_as_a_file_of_one(tmp_path):
    environment = {"PORTAL_VAR_DIR": str(tmp_path), "STORAGE_URL": "rgw://127.0.0.1:7480", "STORAGE_REGION": "north"}
    (only,) = configured(read_settings(environment | {"STORAGE_CREDENTIALS_FILE": "keys.json"}))
    assert (only.name, only.address.kind, only.credentials_file) == ("north", "rgw", Path("keys.json"))
    with pytest.raises(RegionsBroken, match="STORAGE_URL begins with"):
        configured(read_settings(environment | {"STORAGE_URL": "ftp://h"}))


def test_the_file_comes_in_place_of_the_settings_of_one_region(tmp_path, file):
    environment = {"PORTAL_VAR_DIR": str(tmp_path), "PORTAL_STORAGE_FILE": str(file(WHOLE))}
    assert [backend.name for backend in configured(read_settings(environment))] == ["hamburg", "oslo"]
    for name in ("STORAGE_URL", "STORAGE_CREDENTIALS_FILE", "STORAGE_REGION"):
        with pytest.raises(SettingMissing, match=f"PORTAL_STORAGE_FILE and {name} are both set"):
            read_settings(environment | {name: "x"})
