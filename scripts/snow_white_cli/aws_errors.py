"""What AWS or the way to it answers when something is wrong: what kind of trouble it is, in a sentence."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from snow_white.aws.errors import code_of, is_throttled, is_transient

AwsError = (BotoCoreError, ClientError)
"""Everything that boto3 raises for a call that did not work."""

_BAD_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AuthFailure",
    }
)
_REFUSED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NO_CREDENTIALS: Final = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.UnknownCredentialError,
    exceptions.TokenRetrievalError,
    exceptions.NoAuthTokenError,
    exceptions.SSOError,
    exceptions.LoginError,
)
_NO_CONNECTION: Final = (exceptions.ConnectionError, exceptions.HTTPClientError)


class Trouble(Enum):
    """The kinds of trouble that differ in what helps."""

    NETWORK = auto()
    BUSY = auto()
    """AWS throttles, or fails by itself: trying again helps."""
    CREDENTIALS = auto()
    REFUSED = auto()
    OTHER = auto()


def trouble_of(error: Exception) -> Trouble:
    """Which kind it is."""
    if isinstance(error, _NO_CREDENTIALS):
        return Trouble.CREDENTIALS
    if isinstance(error, _NO_CONNECTION):
        return Trouble.NETWORK
    if not isinstance(error, ClientError):
        return Trouble.OTHER
    code = code_of(error)
    if is_throttled(error):
        return Trouble.BUSY
    if code in _BAD_CREDENTIALS:
        return Trouble.CREDENTIALS
    if code in _REFUSED:
        return Trouble.REFUSED
    return Trouble.BUSY if is_transient(error) else Trouble.OTHER


def sentence(error: Exception) -> str:
    """What is wrong, in words that say what to do where that is known."""
    said = _said(error)
    match trouble_of(error):
        case Trouble.NETWORK:
            return f"AWS cannot be reached: {said}."
        case Trouble.BUSY:
            return f"AWS is too busy to answer: {said}."
        case Trouble.CREDENTIALS:
            return f"These AWS credentials do not work: {said}. Log in, set AWS_PROFILE, or give --profile."
        case Trouble.REFUSED:
            return f"AWS refuses this to you: {said}. The policy of Snow White's output InvokePolicyArn allows it."
        case Trouble.OTHER:
            return f"AWS answered with an error: {said}."


def _said(error: Exception) -> str:
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message", "")
        return f"{code_of(error)}: {message}".rstrip(" .:")
    return " ".join(str(error).split()).rstrip(".")
