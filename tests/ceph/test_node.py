"""The node that the Ceph tests run on."""

import pytest

from tests.ceph.node import PACKAGES, CephFailed, CephNode, free_ports


def test_what_is_missing_is_said_in_one_sentence_with_the_packages(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CephFailed, match="radosgw") as caught, CephNode(tmp_path / "node", 32_990):
        pass
    assert PACKAGES in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "node").exists()


def test_no_free_ports_are_said_so():
    with pytest.raises(CephFailed, match="No free ports"):
        free_ports(32_990, 32_991)
