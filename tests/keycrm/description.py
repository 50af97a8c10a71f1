"""Holding calls and answers against a description of the CRM's API: our own excerpt of what we need, and the CRM's official document where it is at hand.

A call must be described in full: path, parameters, included parts, filters, every key of the body. An answer may carry more than is described, but what is
described must be as described; 429, 5xx and the words of an error are not described anywhere.
"""

import json
import re
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import yaml

ROOT = Path(__file__).resolve().parents[2]
NAME = "keycrm-openapi.yml"
EXCERPT = Path(__file__).with_name("excerpt.yml")
UNDESCRIBED = {429, 500, 502, 503, 504}


def official_document():
    """The official document, beside this checkout or one of the folders above it; None where nobody put it there."""
    return next((found for parent in ROOT.parents if (found := parent / "shared" / "specs" / NAME).is_file()), None)


class Description:
    """One OpenAPI 3.0 document."""

    def __init__(self, path):
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        self._validators = {}

    @cached_property
    def _paths(self):
        """Longest first, so that /order/status is not taken for /order/{orderId}."""
        patterns = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[0-9]+", re.escape(template))), found)
            for template, found in self.document["paths"].items()
        ]
        return sorted(patterns, key=lambda pair: pair[0].pattern.count("[0-9]+"))

    def operation(self, method, path):
        for pattern, found in self._paths:
            if pattern.fullmatch(path) and method.lower() in found:
                return found[method.lower()]
        raise AssertionError(f"{method} {path} is not described")

    def check(self, request, response):
        """Both halves of one call, as prepared request and answer."""
        asked = urlsplit(request.path_url)
        operation = self.operation(request.method, asked.path.removeprefix("/v1"))
        self.check_query(operation, parse_qsl(asked.query, keep_blank_values=True, strict_parsing=bool(asked.query)))
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        if body:
            self.check_body(operation, json.loads(body))
        self.check_answer(operation, response)

    def check_query(self, operation, pairs):
        known = {
            one["name"]: one for one in map(self._resolve, operation.get("parameters", [])) if one["in"] == "query"
        }
        for key, value in pairs:
            name, _bracket, inner = key.partition("[")
            assert name in known, f"the parameter {key} is not described"
            described = known[name]
            if name == "filter":
                filters = {one for example in described["examples"].values() for one in example["value"]}
                assert inner.rstrip("]") in filters, f"the filter {inner} is not described"
            elif name == "include":
                parts = re.findall(r"`([\w.]+)`", described["description"])
                assert set(value.split(",")) <= set(parts), f"of {value} not all are described"
            elif name in {"limit", "page"}:
                assert 1 <= int(value) <= described["schema"].get("maximum", 10**9), f"{name}={value}"

    def check_body(self, operation, body):
        assert "requestBody" in operation, "no body is described"
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        self._validate(("body", id(schema)), schema, body, strict=True)

    def check_answer(self, operation, response):
        if response.status_code in UNDESCRIBED:
            return
        described = {int(status): found for status, found in operation["responses"].items()}
        if response.status_code in {401, 404, 422, 400} and response.status_code not in described:
            return  # an error that this operation does not name; its words are described nowhere
        assert response.status_code in described, f"{response.status_code} is not described"
        content = described[response.status_code].get("content")
        if content:
            self._validate(
                ("answer", id(content)), content["application/json"]["schema"], response.json(), strict=False
            )

    def _validate(self, key, schema, value, *, strict):
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(self._translate(schema, strict=strict))
        faults = [
            f"{'/'.join(map(str, one.instance_path))}: {one.message}"
            for one in self._validators[key].iter_errors(value)
        ]
        assert not faults, faults

    def _resolve(self, item):
        while "$ref" in item:
            found = self.document
            for step in item["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            item = found
        return item

    def _translate(self, schema, *, strict):
        """OpenAPI 3.0 → JSON Schema: references put in, `nullable` as a type. Strict: what is not described is refused."""
        schema = self._resolve(schema)
        made = {name: schema[name] for name in ("required", "enum", "minimum", "maximum") if name in schema}
        if "type" in schema:
            made["type"] = [schema["type"], "null"] if schema.get("nullable") else schema["type"]
        if schema.get("nullable") and "enum" in made:
            made["enum"] = [*made["enum"], None]
        if "properties" in schema:
            made["properties"] = {
                name: self._translate(one, strict=strict) for name, one in schema["properties"].items()
            }
            if strict:
                made["additionalProperties"] = False
        if schema.get("type") == "array":
            made.pop("required", None)  # a slip of the official document: it belongs to the items
            if "items" in schema:
                made["items"] = self._translate(schema["items"], strict=strict)
        if "allOf" in schema:
            made["allOf"] = [self._translate(one, strict=False) for one in schema["allOf"]]
        return made
