"""Which files make the programs at home on a system."""

from __future__ import annotations

from sekisho.cli.main import VERBS
from sekisho.cli.papers import papers


def test_every_file_is_below_local_and_knows_what_it_yields_to() -> None:
    """None can replace a file of a package's, and each has the names of those that would be in charge."""
    found = {paper.path: paper for paper in papers(VERBS, sekisho="/opt/bin/sekisho")}

    assert all(path.startswith(("usr/local/share/", "etc/fish/")) for path in found)
    assert found["usr/local/share/man/man1/fail2ban-regex.1"].packaged == ("usr/share/man/man1/fail2ban-regex.1*",)
    assert found["etc/fish/completions/fail2ban-client.fish"].link == "sekisho.fish"
    assert "/opt/bin/sekisho" in found["usr/local/share/zsh/site-functions/_sekisho"].text
    assert [path for path, paper in found.items() if not paper.link and paper.mark not in paper.text] == []
