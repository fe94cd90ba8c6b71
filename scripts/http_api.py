"""Writes out the OpenAPI body of an HTTP API as the resources that the local AWS reads.

SAM turns an AWS::Serverless::HttpApi and the HttpApi events of functions into one
AWS::ApiGatewayV2::Api with an OpenAPI body. MiniStack ignores the body, and would deploy an API
without routes. It does read API Gateway's own resources, so this module derives those from the
body: integrations, routes, the authorizer and CORS.

The module accepts only what SAM generates for this system. Anything else is an error: an API that
silently lacks a part of its definition would look like the one on AWS.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

Definition = Mapping[str, Any]
Resources = dict[str, dict[str, Any]]

API = "AWS::ApiGatewayV2::Api"
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
DEFAULT_ROUTE = "$default"  # the path of the route for requests that match no other
ANY_METHOD = "x-amazon-apigateway-any-method"
OPERATION = (
    "isDefaultRoute",
    "parameters",
    "responses",
    "security",
    "x-amazon-apigateway-integration",
)
NO_AUTHORIZER = "NONE"  # SAM's name for the authorizer of an open route
AUTHORIZER_SETTINGS = (
    "authorizerPayloadFormatVersion",
    "authorizerResultTtlInSeconds",
    "authorizerUri",
    "enableSimpleResponses",
    "identitySource",
)


def write_out_http_apis(template: Definition) -> dict[str, Any]:
    """Returns the template with API Gateway's own resources in place of every OpenAPI body."""
    resources: Resources = {}
    for name, resource in template["Resources"].items():
        has_body = resource["Type"] == API and "Body" in resource["Properties"]
        resources |= api_resources(name, resource) if has_body else {name: resource}
    return {**template, "Resources": resources}


def api_resources(api_name: str, resource: Definition) -> Resources:
    """Returns the resources of one API, by logical ID."""
    expect(resource, ("Type", "Properties", "Metadata"))
    expect(resource["Properties"], ("Body",))
    body = resource["Properties"]["Body"]
    expect(body, ("openapi", "info", "paths", "components", "tags", "x-amazon-apigateway-cors"))
    components = body.get("components", {})
    expect(components, ("securitySchemes",))
    resources = {api_name: api(body)}
    authorizers = {}
    for scheme, definition in components.get("securitySchemes", {}).items():
        authorizers[scheme] = f"{api_name}{identifier(scheme)}Authorizer"
        resources[authorizers[scheme]] = authorizer(api_name, scheme, definition)
    for path, operations in body["paths"].items():
        expect(operations, (ANY_METHOD,) if path == DEFAULT_ROUTE else METHODS)
        for method, operation in operations.items():
            key = path if path == DEFAULT_ROUTE else f"{method.upper()} {path}"
            route = route_resources(api_name, key, operation, authorizers)
            if route.keys() & resources.keys():
                raise ValueError(f"{method} {path} has the same logical ID as another route")
            resources |= route
    return resources


def api(body: Definition) -> dict[str, Any]:
    """Returns the API itself."""
    properties = {
        "Name": body["info"]["title"],
        "ProtocolType": "HTTP",
        "Tags": {tag["name"]: tag["x-amazon-apigateway-tag-value"] for tag in body.get("tags", [])},
    }
    if cors := body.get("x-amazon-apigateway-cors"):
        # MiniStack reads the lower-case names of OpenAPI, not those of CloudFormation.
        properties["CorsConfiguration"] = cors
    return {"Type": API, "Properties": properties}


def authorizer(api_name: str, scheme: str, definition: Definition) -> dict[str, Any]:
    """Returns the Lambda authorizer of a security scheme."""
    settings = definition["x-amazon-apigateway-authorizer"]
    expect(settings, ("type", *AUTHORIZER_SETTINGS))
    if settings["type"] != "request":
        raise ValueError(f"{scheme} is not a Lambda authorizer")
    properties = {
        name[0].upper() + name[1:]: settings[name]
        for name in AUTHORIZER_SETTINGS
        if name in settings
    }
    properties |= {"ApiId": {"Ref": api_name}, "Name": scheme, "AuthorizerType": "REQUEST"}
    return {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": properties}


def route_resources(
    api_name: str, key: str, operation: Definition, authorizers: Mapping[str, str]
) -> Resources:
    """Returns the integration and the route of an operation; `authorizers` has logical IDs."""
    expect(operation, OPERATION)
    settings = operation["x-amazon-apigateway-integration"]
    expect(settings, ("type", "httpMethod", "uri", "payloadFormatVersion"))
    name = f"{api_name}{identifier(key)}"
    integration = {
        "ApiId": {"Ref": api_name},
        "IntegrationType": settings["type"].upper(),
        "IntegrationMethod": settings["httpMethod"],
        "IntegrationUri": settings["uri"],
        "PayloadFormatVersion": settings["payloadFormatVersion"],
    }
    route = {
        "ApiId": {"Ref": api_name},
        "RouteKey": key,
        "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"},
    }
    [[scheme]] = operation.get("security", [[NO_AUTHORIZER]])
    if scheme != NO_AUTHORIZER:
        route |= {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": authorizers[scheme]}}
    return {
        f"{name}Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": integration},
        f"{name}Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": route},
    }


def expect(given: Definition, known: Collection[str]) -> None:
    """Raises an error if a part of the definition is unknown."""
    if unknown := given.keys() - set(known):
        raise ValueError(f"unknown parts of an HTTP API: {', '.join(sorted(unknown))}")


def identifier(text: str) -> str:
    """Returns the letters and digits of a text, for use in a logical ID."""
    return "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", text))
