"""A secret of a template is referred to by its ARN, and may have no value."""

from typing import Any

from local_aws.engine.ministack import MissingTarget, find, wrap

_TYPE = "AWS::SecretsManager::Secret"


def install() -> None:
    """On AWS, Ref of a secret is its ARN, which policies and functions then get; in MiniStack it is its name. A
    template without SecretString makes a secret without a version: GetSecretValue answers ResourceNotFoundException
    until a value is put, where MiniStack answers an empty text.
    """
    from ministack.services import secretsmanager
    from ministack.services.cloudformation import provisioners

    handlers = find(provisioners, "_RESOURCE_HANDLERS")
    if not {"create", "update", "delete"} <= handlers.get(_TYPE, {}).keys():
        raise MissingTarget(f"MiniStack does not deploy {_TYPE}.")
    secrets = find(secretsmanager, "_secrets")
    original = dict(handlers[_TYPE])

    def name_of(arn: str) -> str:
        return next((name for name in list(secrets) if secrets[name]["ARN"] == arn), arn)

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name, attributes = original["create"](logical_id, properties, stack)
        if "SecretString" not in properties and "GenerateSecretString" not in properties:
            secrets[name]["Versions"] = {}
        return attributes["Arn"], attributes

    def update(arn: str, old: Any, new: Any, stack: str, logical_id: str | None = None) -> Any:
        _, attributes = original["update"](name_of(arn), old, new, stack, logical_id)
        return attributes["Arn"], attributes

    def delete(arn: str, properties: dict[str, Any]) -> None:
        original["delete"](name_of(arn), properties)

    handlers[_TYPE] = {**original, "create": create, "update": update, "delete": delete}
    wrap(secretsmanager, "_get_secret_value", _refusing_without_value)


def _refusing_without_value(get: Any) -> Any:
    def get_if_there_is_one(request: dict[str, Any]) -> Any:
        from ministack.core.responses import error_response_json
        from ministack.services import secretsmanager

        _, secret = secretsmanager._resolve(request.get("SecretId"))
        if secret and not secret.get("DeletedDate") and not secret["Versions"]:
            message = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
            return error_response_json("ResourceNotFoundException", message, 400)
        return get(request)

    return get_if_there_is_one
