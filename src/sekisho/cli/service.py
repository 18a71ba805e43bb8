"""Install the systemd unit, the manual pages and the completion, with the paths of this installation.

Pages and completion go below /usr/local/share and /etc/fish. What is there and not ours stays, and where a package
brings a page or a completion of the same name (Fail2ban's own, say), that one stays in charge.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from sekisho.cli.papers import Paper, papers

EXAMPLES = """\
sekisho service install --dry-run     show the unit, list the other files, change nothing
sekisho service install               write /etc/systemd/system/sekisho.service, pages and completion
sekisho service install -c /srv/conf  the same, for another configuration directory
"""

UNIT = "etc/systemd/system/sekisho.service"
_MARK = "# sekisho.service -"
_SHIPPED = "/usr/bin/"  # where the shipped unit says that the programs lie


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sekisho service`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    install = verbs.add_parser("install", help="write all this, and say how to start the server")
    install.add_argument(
        "-n", "--dry-run", action="store_true", help="print the unit and the names of the rest instead"
    )
    install.add_argument("-c", "--conf", metavar="DIR", help="configuration directory that the daemon shall use")
    install.add_argument("--root", metavar="DIR", default="/", help="install below DIR, for packages and images")


def run(args: argparse.Namespace) -> int:
    """Print or write the unit and the papers; 0 when done, 1 when they cannot be written."""
    root = Path(args.root)
    programs = find_programs()
    unit = render_unit(programs, conf=args.conf)
    wanted = papers(args.verbs, sekisho=str(programs / "sekisho"))
    if args.dry_run:
        print(unit, end="")
        print("".join(f"# also: {root / paper.path}\n" for paper in wanted if not _packaged(paper, root)), end="")
        return 0
    target = root / UNIT
    try:
        if target.exists() and not target.read_text().startswith(_MARK):
            print(f"{target} is not ours: move it away first, or use a drop-in beside it", file=sys.stderr)
            return 1
        _write(target, unit)
        written = [root / paper.path for paper in wanted if _install(paper, root)]
    except OSError as error:
        print(f"cannot write {error.filename}: {error.strerror} (are you root?)", file=sys.stderr)
        return 1
    print("\n".join(f"wrote {path}" for path in (target, *written)))
    print("now run:\n  systemctl daemon-reload\n  systemctl enable --now sekisho")
    return 0


def _packaged(paper: Paper, root: Path) -> Path | None:
    """Return the file of a package that is in charge instead."""
    return next((path for pattern in paper.packaged for path in sorted(root.glob(pattern))), None)


def _install(paper: Paper, root: Path) -> bool:
    """Write a paper, or say what was left in its place."""
    target = root / paper.path
    stays = _packaged(paper, root)
    if stays is None and (target.is_symlink() or target.exists()) and not _is_ours(target, paper):
        stays = target
    if stays is not None:
        print(f"left alone: {stays}")
        return False
    if paper.link:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(paper.link)
    else:
        _write(target, paper.text)
    return True


def _is_ours(target: Path, paper: Paper) -> bool:
    if target.is_symlink():
        return str(target.readlink()) == paper.link
    return paper.mark in target.read_text(errors="replace")


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(0o644)


def find_programs() -> Path:
    """Return the directory of `sekisho` and `fail2ban-client` that belong to the running interpreter."""
    beside = Path(sys.executable).parent  # not resolved: a virtual environment's python is a link out of it
    if (beside / "sekisho").is_file():
        return beside
    found = shutil.which("sekisho")
    return Path(found).absolute().parent if found else Path(_SHIPPED)


def render_unit(programs: Path, *, conf: str | None = None) -> str:
    """Return the unit's text for programs in `programs`, and for a configuration directory other than the default."""
    unit = files("sekisho.stock").joinpath("sekisho.service").read_text()
    option = f" -c {_escape(str(Path(conf).absolute()))}" if conf else ""
    sekisho, client = (_escape(str(programs / name)) for name in ("sekisho", "fail2ban-client"))
    for shipped, ours in (
        (f"={_SHIPPED}sekisho run\n", f"={sekisho} run{option}\n"),
        (f"={_SHIPPED}fail2ban-client reload\n", f"={client}{option} reload\n"),
    ):
        assert shipped in unit, f"the shipped unit lacks {shipped!r}"
        unit = unit.replace(shipped, ours)
    return unit


def _escape(path: str) -> str:
    r"""Return `path` as one word of a unit's command line (systemd.syntax(7), systemd.service(5))."""
    escaped = path.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$").replace('"', '\\"')
    return f'"{escaped}"' if " " in escaped else escaped
