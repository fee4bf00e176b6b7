"""A refusal by a service, as its clients see it."""


class ServiceError(Exception):
    """A call that the service refuses: `code` is the error's name in the SDK, the text its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AccessDenied(ServiceError):
    """A call that IAM refuses on one of the resources it touches."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)
