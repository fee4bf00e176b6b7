"""The package: a template and the functions' code, to upload to buckets: `python -m infra.package PREFIX [FOLDER]`."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.checks import ChecksFailed, require_clean_report
from infra.command_documents import DocumentTooLarge
from infra.lambda_bundle import BundlingFailed
from infra.packaged_stack import FOLDER, STACK, PackagedStack
from infra.settings import ROOT, InvalidSettings, Settings, context_of, own_settings

TEMPLATE: Final = f"{FOLDER}snow-white.template.json"
# Room for the longest region in the 63 characters of a bucket's name.
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,45}[a-z0-9]")
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def write_package(settings: Settings, bucket_prefix: str, folder: Path) -> Path:
    """Write to `folder` what has to be uploaded to the bucket `PREFIX-REGION` of the home region.

    The same inputs give the same bytes. Returns the template.

    Raises:
        BundlingFailed, DocumentTooLarge, ChecksFailed: as for a deployment.
    """
    with tempfile.TemporaryDirectory(prefix="snow-white-package-") as temporary:
        assembly = Path(temporary)
        context = {key: value for key, value in context_of(ROOT / "cdk.json").items() if key.startswith("@")}
        app = App(outdir=str(assembly), context=context, analytics_reporting=False)
        PackagedStack(app, settings, bucket_prefix)
        Tags.of(app).add("application", "snow-white")
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        app.synth()
        require_clean_report(assembly)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)  # a former package; nothing else may be lost
        files = json.loads((assembly / f"{STACK}.assets.json").read_text())["files"]
        for asset in files.values():
            if asset["source"]["packaging"] == "zip":
                (destination,) = asset["destinations"].values()
                _zip(assembly / asset["source"]["path"], folder / destination["objectKey"])
        template = folder / TEMPLATE
        template.parent.mkdir(parents=True, exist_ok=True)
        template.write_text(json.dumps(json.loads((assembly / f"{STACK}.template.json").read_text())))
    return template


def _zip(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                name = zipfile.ZipInfo(str(path.relative_to(source)), _LONG_AGO)
                name.external_attr = 0o644 << 16
                archive.writestr(name, path.read_bytes(), zipfile.ZIP_DEFLATED)


def how_to_launch(settings: Settings, bucket_prefix: str, folder: Path) -> str:
    """The commands that upload the package and launch it."""
    home = settings.home_region
    bucket = f"{bucket_prefix}-{home}"
    url = f"https://{bucket}.s3.{home}.amazonaws.com/{TEMPLATE}"
    regions = " ".join(sorted({home, *settings.regions}))
    return f"""\
The package is in {folder}.

Upload it to a bucket in the home region. Its name must be {bucket}:
  aws s3 mb s3://{bucket} --region {home}
  aws s3 sync {folder}/ s3://{bucket}/ --region {home}

Launch it in the console, in {home} and in every other region of the workers:
  https://{home}.console.aws.amazon.com/cloudformation/home?region={home}#/stacks/create/review?stackName={STACK}&templateURL={url}

Or in all regions at once, as a StackSet:
  aws cloudformation create-stack-set --stack-set-name {STACK} --region {home} \\
    --capabilities CAPABILITY_IAM --template-url {url}
  aws cloudformation create-stack-instances --stack-set-name {STACK} --region {home} \\
    --accounts ACCOUNT --regions {regions}"""


def main() -> None:
    """Write the package, and print how to launch it. A failure prints one sentence on stderr and exits with 1."""
    parser = argparse.ArgumentParser(prog="./scripts/package", description=__doc__)
    parser.add_argument("prefix")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    if not _PREFIX.fullmatch(arguments.prefix):
        sys.exit(
            f"{arguments.prefix!r} is no prefix of a bucket's name: it must have 3 to 47 lower-case letters, digits, "
            "dots and hyphens."
        )
    try:
        settings = own_settings()
        write_package(settings, arguments.prefix, arguments.folder)
    except (InvalidSettings, BundlingFailed, DocumentTooLarge, ChecksFailed) as error:
        sys.exit(str(error))
    print(how_to_launch(settings, arguments.prefix, arguments.folder))


if __name__ == "__main__":
    main()
