"""Install the systemd unit, with the paths of this installation."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib.resources import files
from pathlib import Path

EXAMPLES = """\
sekisho service install --dry-run     show the unit, change nothing
sekisho service install               write /etc/systemd/system/sekisho.service
sekisho service install -c /srv/conf  the same, for another configuration directory
"""

UNIT = "etc/systemd/system/sekisho.service"
_MARK = "# sekisho.service -"
_SHIPPED = "/usr/bin/"  # where the shipped unit says that the programs lie


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sekisho service`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    install = verbs.add_parser("install", help="write the unit and say how to start it")
    install.add_argument("-n", "--dry-run", action="store_true", help="print the unit instead of writing it")
    install.add_argument("-c", "--conf", metavar="DIR", help="configuration directory that the daemon shall use")
    install.add_argument("--root", metavar="DIR", default="/", help="install below DIR, for packages and images")


def run(args: argparse.Namespace) -> int:
    """Print or write the unit; 0 when done, 1 when it cannot be written."""
    unit = render_unit(find_programs(), conf=args.conf)
    if args.dry_run:
        print(unit, end="")
        return 0
    target = Path(args.root) / UNIT
    try:
        if target.exists() and not target.read_text().startswith(_MARK):
            print(f"{target} is not ours: move it away first, or use a drop-in beside it", file=sys.stderr)
            return 1
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(unit)
        target.chmod(0o644)
    except OSError as error:
        print(f"cannot write {target}: {error.strerror} (are you root?)", file=sys.stderr)
        return 1
    print(f"wrote {target}\nnow run:\n  systemctl daemon-reload\n  systemctl enable --now sekisho")
    return 0


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
