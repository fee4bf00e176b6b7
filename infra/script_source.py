"""Where hosts download the documents' scripts from, if the scripts shall not stand in the documents themselves.

Either is a folder with quiet.sh, stop.sh, wake.sh and status.sh, named by the address that a browser shows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

_GITHUB_FOLDER: Final = re.compile(
    r"https://github\.com/(?P<owner>[\w-]+)/(?P<repository>[\w.-]+)/tree/(?P<commit>[0-9a-f]{40})"
    r"(?:/(?P<folder>[\w.-]+(?:/[\w.-]+)*))?/?",
    re.ASCII,
)
_S3_FOLDER: Final = re.compile(
    r"https://s3\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.amazonaws\.com(?:\.cn)?/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?:[\w.-]+/)*",
    re.ASCII,
)


@dataclass(frozen=True)
class GitHubFolder:
    """A folder ('' is the root) of a GitHub repository at one commit, all 40 hexadecimal digits of it.

    `token_parameter` is the name of the SecureString parameter that holds a token, for a private repository.
    """

    owner: str
    repository: str
    commit: str
    folder: str = ""
    token_parameter: str = ""

    def step_inputs(self, file: str) -> dict[str, str]:
        """The source half of an `aws:downloadContent` step's inputs; `sourceInfo` is JSON text there."""
        info = {
            "owner": self.owner,
            "repository": self.repository,
            "path": f"{self.folder}/{file}".lstrip("/"),
            "getOptions": f"commitID:{self.commit}",
        }
        if self.token_parameter:
            info["tokenInfo"] = f"{{{{ssm-secure:{self.token_parameter}}}}}"
        return {"sourceType": "GitHub", "sourceInfo": json.dumps(info)}


@dataclass(frozen=True)
class S3Folder:
    """A folder in S3 by its address, https://s3.REGION.amazonaws.com/BUCKET/FOLDER/, with the slash at the end."""

    url: str

    def step_inputs(self, file: str) -> dict[str, str]:
        """The source half of an `aws:downloadContent` step's inputs; `sourceInfo` is JSON text there."""
        return {"sourceType": "S3", "sourceInfo": json.dumps({"path": f"{self.url}{file}"})}


ScriptSource = GitHubFolder | S3Folder


def script_source(address: str, token_parameter: str = "") -> ScriptSource | None:
    """The folder that an address means; None for '': the scripts stand in the documents.

    Raises ValueError for any other address, and for a token where there is nothing on GitHub to read with it.
    """
    if match := _GITHUB_FOLDER.fullmatch(address):
        found = match.groupdict(default="")
        return GitHubFolder(**found, token_parameter=token_parameter)
    if token_parameter:
        raise ValueError(f"a token is for a folder on GitHub, not for {address!r}")
    if _S3_FOLDER.fullmatch(address):
        return S3Folder(address)
    if address:
        raise ValueError(f"{address!r} is neither a folder on GitHub at one commit nor one in S3")
    return None
