"""A small Slack Web API."""


class SlackServer:
    url = "http://127.0.0.1:1/api/"

    def start(self) -> None: ...

    def stop(self) -> None: ...
