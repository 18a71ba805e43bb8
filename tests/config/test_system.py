"""Which system this is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.conftest import Tree

from sekisho.config.files import Files, Layer, Source
from sekisho.config.system import AUTO, System, detect_system, identify, parse_os_release

RELEASES = {
    "Debian": ("ID=debian", "debian"),
    "Ubuntu": ("ID=ubuntu\nID_LIKE=debian", "debian"),
    "Linux Mint": ('ID=linuxmint\nID_LIKE="ubuntu debian"', "debian"),
    "RHEL": ('ID="rhel"\nID_LIKE="fedora"', "fedora"),
    "CentOS Stream": ('ID="centos"\nID_LIKE="rhel fedora"', "fedora"),
    "AlmaLinux": ('ID="almalinux"\nID_LIKE="rhel centos fedora"', "fedora"),
    "Rocky Linux": ('ID="rocky"\nID_LIKE="rhel centos fedora"', "fedora"),
    "Amazon Linux 2": ('ID="amzn"\nID_LIKE="centos rhel fedora"', "fedora"),
    "Amazon Linux 2023": ('ID="amzn"\nID_LIKE="fedora"', "fedora"),
    "Arch": ("ID=arch", "arch"),
    "Manjaro": ("ID=manjaro\nID_LIKE=arch", "arch"),
    "openSUSE Leap": ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "opensuse"),
    "openSUSE Tumbleweed": ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', "opensuse"),
    "SLES": ('ID="sles"\nID_LIKE="suse"', "opensuse"),
    "Alpine": ("ID=alpine", "alpine"),
    "FreeBSD": ("ID=freebsd", "freebsd"),
}


@pytest.mark.parametrize("name", RELEASES)
def test_a_system_has_the_paths_of_its_kin(tree: Tree, name: str) -> None:
    """By what it calls itself, or whom it says it is like; the file is shipped."""
    text, paths = RELEASES[name]
    root = tree({"etc/os-release": f'NAME="{name}"\n{text}\n'})
    assert detect_system(root) == System(name, f"paths-{paths}.conf")
    assert Files(None).stock(f"paths-{paths}")


def test_the_nearest_kin_decides() -> None:
    """`ID_LIKE` names the nearest first; a stranger's name is passed over."""
    assert identify({"ID": "new", "ID_LIKE": "newer arch debian"}).paths == "paths-arch.conf"


def test_an_unknown_system_gets_debian_s_paths_and_is_said_to_be_unknown(tmp_path: Path) -> None:
    """So that something is tried; who tells of it can say that it is a guess."""
    assert identify({"ID": "plan9"}) == System("plan9", "paths-debian.conf", is_known=False)
    assert detect_system(tmp_path) == System("a system without os-release", "paths-debian.conf", is_known=False)


@pytest.mark.parametrize(
    ("mark", "system"),
    [
        ("System/Library/CoreServices/SystemVersion.plist", System("macOS", "paths-osx.conf")),
        ("bin/freebsd-version", System("FreeBSD", "paths-freebsd.conf")),
    ],
)
def test_without_os_release_a_file_tells(tree: Tree, mark: str, system: System) -> None:
    """As on macOS, and on FreeBSD before its file is written."""
    assert detect_system(tree({mark: ""})) == system


def test_the_file_of_the_vendor_is_read_where_there_is_no_other(tree: Tree) -> None:
    """As os-release(5) has it: /etc first, then /usr/lib."""
    root = tree({"usr/lib/os-release": "ID=arch\n"})
    assert detect_system(root).paths == "paths-arch.conf"
    tree({"etc/os-release": "ID=alpine\n"})
    assert detect_system(root).paths == "paths-alpine.conf"


def test_os_release_is_read_as_a_shell_would() -> None:
    """Quotes, escapes, comments; a line that no shell would take is left out."""
    text = '# x=1\nID=a\n\nNAME="A \\"B\\" C"\nID_LIKE=\'x y\'\nBROKEN=\'x\nEMPTY=\nnonsense\n'
    assert parse_os_release(text) == {"ID": "a", "NAME": 'A "B" C', "ID_LIKE": "x y", "EMPTY": ""}


def test_auto_is_whichever_system_it_is(tree: Tree) -> None:
    """A jail.conf of one's own may include it as well as the stock one, and `.local` files lie over it."""
    directory = tree({"root/etc/os-release": "ID=arch\n", "etc/paths-arch.local": ""})
    files = Files(directory / "etc", root=directory / "root")
    for layer in (Layer.STOCK, Layer.OWN):
        found = files.included(AUTO, Source(directory / "etc/jail.conf", "jail.conf", layer))
        assert [source.path.name for source in found] == ["paths-arch.conf", "paths-arch.local"]
