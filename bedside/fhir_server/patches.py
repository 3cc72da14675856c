"""Patches: a JSON Patch (RFC 6902), or a JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Any

from bedside.fhir_server.jsontext import Json, decode_any, refuse_repeated_names
from bedside.fhir_server.outcome import Refusal
from bedside.fhir_server.requests import Request, text_in

__all__ = ["patched"]

_MERGED = ("application/merge-patch+json", "application/json")
_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")


def patched(resource: Json, request: Request) -> Any:
    """What the patch in a request makes of a resource.

    An object is a merge patch if its media type says so, or says nothing but JSON.

    Raises:
        Refusal: 400, the body is no patch; 422, it does not fit the resource.
    """
    text = text_in(request.body, "patch")
    patch = decode_any(text)
    if isinstance(patch, dict) and request.media_type in _MERGED:
        refuse_repeated_names(text, patch)
        return _merged(resource, patch)
    return _stepped(resource, patch)


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _stepped(resource: Json, patch: Any) -> Any:
    import jsonpatch
    from jsonpointer import JsonPointerException

    if (
        not isinstance(patch, list)
        or not patch
        or not all(isinstance(step, dict) and step.get("op") in _OPERATIONS for step in patch)
    ):
        raise Refusal(
            400,
            "structure",
            'A PATCH has a JSON Patch as body: [{"op": "replace", "path": "/status", "value": '
            f'"..."}}]; op is one of {", ".join(_OPERATIONS)}.',
        )
    try:
        return jsonpatch.apply_patch(resource, patch)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Refusal(422, "processing", f"A test of the patch failed: {error}.") from None
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError) as error:
        place = f"{resource['resourceType']}/{resource['id']}"
        raise Refusal(422, "processing", f"The patch does not fit {place}: {error}. "
                      "Read the resource and mend the path.") from None  # fmt: skip
