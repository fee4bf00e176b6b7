"""The errors that a service answers."""


class ServiceError(Exception):
    """An error that a service answers: `code` is its name in the SDK."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AccessDenied(ServiceError):
    """IAM does not allow the call on one of its resources."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)
