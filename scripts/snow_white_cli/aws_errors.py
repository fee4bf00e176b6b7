"""Errors of AWS calls: what kind of error it is, and a sentence that explains it."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from snow_white.aws.errors import code_of, is_throttled, is_transient
from snow_white_cli.showing.visible_text import visible

AwsError = (BotoCoreError, ClientError)
"""Everything that boto3 raises when a call fails."""

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
_ACCESS_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
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


class ErrorKind(Enum):
    """The kinds of errors, by what the user can do about them."""

    NETWORK = auto()
    TRANSIENT = auto()
    """AWS throttles the call or has an internal error; a retry helps."""
    CREDENTIALS = auto()
    ACCESS_DENIED = auto()
    OTHER = auto()


def error_kind(error: Exception) -> ErrorKind:
    """The kind of an error that boto3 raised."""
    if isinstance(error, _NO_CREDENTIALS):
        return ErrorKind.CREDENTIALS
    if isinstance(error, _NO_CONNECTION):
        return ErrorKind.NETWORK
    if not isinstance(error, ClientError):
        return ErrorKind.OTHER
    code = code_of(error)
    if is_throttled(error):
        return ErrorKind.TRANSIENT
    if code in _BAD_CREDENTIALS:
        return ErrorKind.CREDENTIALS
    if code in _ACCESS_DENIED:
        return ErrorKind.ACCESS_DENIED
    return ErrorKind.TRANSIENT if is_transient(error) else ErrorKind.OTHER


def explain(error: Exception) -> str:
    """A sentence that says what failed and, where that is known, what to do."""
    message = _message(error)
    match error_kind(error):
        case ErrorKind.NETWORK:
            return f"AWS cannot be reached: {message}."
        case ErrorKind.TRANSIENT:
            return f"AWS is throttling or has an internal error: {message}."
        case ErrorKind.CREDENTIALS:
            return f"The AWS credentials do not work: {message}. Log in, set AWS_PROFILE, or give --profile."
        case ErrorKind.ACCESS_DENIED:
            return f"AWS denied access: {message}. The policy in the stack's output InvokePolicyArn allows this call."
        case ErrorKind.OTHER:
            return f"AWS returned an error: {message}."


def _message(error: Exception) -> str:
    if isinstance(error, ClientError):
        message = error.response.get("Error", {}).get("Message", "")
        return visible(f"{code_of(error)}: {message}").rstrip(" .:")
    return visible(" ".join(str(error).split())).rstrip(".")
