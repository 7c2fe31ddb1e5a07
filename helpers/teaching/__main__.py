"""`make class`: prints the quotas that a class needs in one account, or the progress of a class."""

import argparse
import sys
from functools import partial

import boto3

from helpers.connection.aws_sign_in import refuse_other_endpoints
from helpers.connection.preflight import class_quotas
from helpers.connection.preflight_class import check_learners, closing_line, default_lines
from helpers.connection.preflight_report import Report
from helpers.core.cloud import Cloud
from helpers.core.command import exit_code
from helpers.core.errors import WorkshopError
from helpers.core.paths import home

from .class_page import class_progress

LEARNERS = 30


def main() -> int:
    """Print what was asked for; return an exit code."""
    parser = argparse.ArgumentParser(prog="make class", description=main.__doc__)
    parser.add_argument("--learners", type=int, help=f"in one account ({LEARNERS})")
    parser.add_argument("--target", choices=["aws"], help="ask the account of your credentials")
    parser.add_argument("--folder", help="show the progress of the class that shares it")
    return exit_code(partial(_print_asked, parser.parse_args()))


def _print_asked(given: argparse.Namespace) -> int:
    if given.folder:
        _print_progress(given.folder)
    if given.learners is not None or not given.folder:
        learners = LEARNERS if given.learners is None else given.learners
        print(quotas_of(learners, given.target))
    return 0


def quotas_of(learners: int, target: str | None = None) -> Report:
    """Return the report of the quotas that a class needs.

    Args:
        learners: in one account and region.
        target: `"aws"` asks the account of the credentials; by default AWS's defaults are shown.

    Raises:
        WorkshopError: the number of learners is none from 1 to 1,000, there is no region, or calls
            would not go to AWS.

    Example:
        `quotas_of(30).lines[0].state` -> `State.FAILURE`
    """
    check_learners(learners)
    if target is None:
        print("AWS's default quotas; no account was asked. `make class TARGET=aws` asks yours.")
        return Report((*default_lines(learners), closing_line()))
    session = boto3.Session()
    if session.region_name is None:
        raise WorkshopError(
            "No AWS region is set.", "Run `export AWS_DEFAULT_REGION=us-east-1`, then again."
        )
    cloud = Cloud(session, account="")
    refuse_other_endpoints(cloud)
    return class_quotas(cloud, learners)


def _print_progress(folder: str) -> None:
    progress = class_progress(folder=folder)
    page = home() / "class.html"
    page.write_text(progress.page(), encoding="utf-8")
    print(f"{progress!r}\nThe same as a page: {page.as_uri()}")


if __name__ == "__main__":
    sys.exit(main())
