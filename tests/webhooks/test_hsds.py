"""The directory's API, against the standard's own description of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from bot.careline import Careline
from bot.directory import changes
from bot.directory.cleaning import SCHEMAS
from bot.directory.tables import RESOURCES
from tests.unpacked import unpacked

_REMOTE = "https://raw.githubusercontent.com/openreferral/specification/3.0/schema/"


def nested_schema(resource: str, listed: bool = False, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """The standard's schema of a record, its references resolved; `listed` as in lists, without anything nested in lists."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{resource}.json").read_text("utf-8"))
    properties = {}
    for name, rules in schema["properties"].items():
        inner = rules.get("items", rules) if rules.get("type") == "array" else rules
        if "$ref" not in inner:
            properties[name] = {key: value for key, value in rules.items() if key not in {"name", "constraints", "example"}}
            if properties[name].get("format") == "uuid":
                del properties[name]["format"]  # real directories have other ids
        elif rules.get("type") == "array" and not listed:
            child = Path(inner["$ref"]).stem
            if child not in above and len(above) < 6:
                properties[name] = {"type": "array", "items": nested_schema(child, False, (*above, resource))}
        elif rules.get("type") != "array":
            child = Path(inner["$ref"]).stem
            if child not in above:
                properties[name] = nested_schema(child, listed, (*above, resource))
    return {"type": "object", "properties": properties, "required": schema.get("required", [])}


def standard(base: str) -> dict[str, Any]:
    """The standard's OpenAPI file, with the schemas it points to put in: no network here."""

    def resolved(node: Any) -> Any:
        if isinstance(node, dict):
            reference = node.get("$ref", "")
            if isinstance(reference, str) and reference.startswith(_REMOTE):
                stem = Path(reference).stem
                resource = stem.removesuffix("_list")
                listed = stem.endswith("_list") or resource in {"taxonomy", "taxonomy_term"}
                return nested_schema(resource, listed)
            return {key: resolved(value) for key, value in node.items()}
        return [resolved(value) for value in node] if isinstance(node, list) else node

    document = resolved(json.loads((SCHEMAS / "openapi" / "openapi.json").read_text("utf-8")))
    document["info"] = {"title": "The standard", "version": "3.1"}  # its own is a form to fill in
    document["servers"] = [{"url": base}]
    # It describes the answer to one service_at_location with the schema of a service: a slip, so only there ours counts.
    path = document["paths"]["/service_at_locations/{id}"]["get"]["responses"]["200"]["content"]["application/json"]
    path["schema"] = nested_schema("service_at_location")
    return document


LISTED = ("services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return standard("/hsds")


def get(client: FlaskClient, path: str, status: int = 200) -> Any:
    response = client.get(f"/hsds{path}")
    assert response.status_code == status, response.text
    return response.get_json()


@pytest.mark.shared
def test_it_is_the_standards_own_description(shared: Path) -> None:
    given = (shared / "hsds" / "schema-3.1" / "openapi.json").read_text("utf-8")
    assert (SCHEMAS / "openapi" / "openapi.json").read_text("utf-8") == given


def test_every_operation_conforms_to_the_standard(app: Flask, described: dict[str, Any]) -> None:
    """Cases that schemathesis invents for every operation, with good and bad parameters: the answers keep to the description."""

    @app.get("/standard.json")
    def _standard() -> Any:
        return described

    schema = schemathesis.openapi.from_wsgi("/standard.json", unpacked(app))
    checks = [response_schema_conformance, content_type_conformance, response_headers_conformance]
    ids = {name: get(app.test_client(), f"/{name}")["contents"][0]["id"] for name in LISTED}
    answered: Counter[str] = Counter()

    def run(case: Any) -> None:
        name = case.operation.path.strip("/").split("/")[0]
        known = "id" in (case.path_parameters or {}) and answered[case.operation.label] % 2 == 0
        if known:
            case.path_parameters["id"] = ids[name]
        response = case.call()
        assert response.status_code < 500, (case.operation.label, case.query, response.text)
        if response.status_code == 200:
            answered[case.operation.label] += 1
            query = {name: str(value).lower() for name, value in (case.query or {}).items()}
            # Asked for, and not described as answers: lines of JSON, and "just 'id' and 'modified_date'".
            if "ndjson" not in query.get("format", "") and query.get("minimal", "false") == "false":
                case.validate_response(response, checks=checks)
        else:
            assert response.status_code in {400, 404, 405, 308}, response.status_code
            assert not known or response.status_code == 400
            answered[case.operation.label] += known is False and "id" in (case.path_parameters or {})

    for result in schema.get_all_operations():
        case = result.ok().as_strategy()
        hypothesis.settings(max_examples=25, database=None, derandomize=True)(hypothesis.given(case=case)(run))()
    assert len(answered) == len(LISTED) * 3 + 1  # each list by GET and POST, one record, and the root
    assert min(answered.values()) > 0


@pytest.mark.parametrize("name", [*LISTED, "locations"])
def test_pages_together_hold_every_record_once(client: FlaskClient, careline: Careline, name: str) -> None:
    first = get(client, f"/{name}?per_page=20")
    assert (first["page_number"], first["first_page"], first["empty"]) == (1, True, False)
    pages = [get(client, f"/{name}?per_page=20&page={number}") for number in range(1, first["total_pages"] + 1)]
    ids = [one["id"] for page in pages for one in page["contents"]]
    assert len(ids) == len(set(ids)) == first["total_items"]
    assert pages[-1]["last_page"]
    beyond = get(client, f"/{name}?per_page=20&page=10000")
    assert (beyond["contents"], beyond["empty"], beyond["total_items"]) == ([], True, first["total_items"])
    lines = client.get(f"/hsds/{name}?format=ndjson").text.splitlines()
    assert {json.loads(line)["id"] for line in lines} == set(ids)


def test_full_records_are_whole_and_conform(client: FlaskClient) -> None:
    validator = jsonschema_rs.validator_for(nested_schema("service"))
    page = get(client, "/services?full=true&per_page=500")
    for service in page["contents"]:
        validator.validate(service)
    assert any(service.get("service_at_locations", [{}])[0].get("location", {}).get("addresses") for service in page["contents"])
    one = get(client, f"/services/{page['contents'][0]['id']}")
    assert one == page["contents"][0]
    organization = get(client, f"/organizations/{one['organization_id']}?full_service=true")
    assert one["id"] in {service["id"] for service in organization["services"]}
    assert get(client, "/services/nobody", 404)["status"] == 404


def test_filters(client: FlaskClient) -> None:
    everything = get(client, "/services")["total_items"]
    found = get(client, "/services?search=library&per_page=500")
    assert 0 < found["total_items"] < everything
    assert all("library" in json.dumps(one).lower() for one in found["contents"])
    assert get(client, "/services?search=%25")["total_items"] < everything  # no wildcard
    term = get(client, "/taxonomy_terms?search=food")["contents"][0]
    tagged = get(client, f"/services?taxonomy_term_id={term['id']}&full=true&per_page=500")
    assert tagged["total_items"] > 0
    for service in tagged["contents"]:
        assert term["id"] in {one["taxonomy_term_id"] for one in service["attributes"]}
    taxonomy = get(client, "/taxonomies")["contents"][0]["id"]
    assert get(client, f"/services?taxonomy_id={taxonomy}")["total_items"] >= tagged["total_items"]
    owner = tagged["contents"][0]["organization_id"]
    owned = get(client, f"/services?organization_id={owner}&per_page=500")
    assert {one["organization_id"] for one in owned["contents"]} == {owner}
    assert set(get(client, "/services?minimal=true")["contents"][0]) <= {"id", "last_modified"}
    assert get(client, "/services?modified_after=2999-01-01T00:00:00Z")["total_items"] <= everything
    assert get(client, "/services?modified_after=yesterday", 400)["detail"]


def test_places_by_postcode_and_distance(client: FlaskClient) -> None:
    place = next(
        one
        for one in get(client, "/service_at_locations?full=true&per_page=500")["contents"]
        if one["location"].get("addresses") and "latitude" in one["location"]
    )
    postcode = place["location"]["addresses"][0]["postal_code"]
    same = get(client, f"/service_at_locations?postcode={postcode}&per_page=500")
    near = get(client, f"/service_at_locations?postcode={postcode}&proximity=500&per_page=500")
    far = get(client, f"/service_at_locations?postcode={postcode}&proximity=20000&per_page=500")
    assert place["id"] in {one["id"] for one in near["contents"]}
    assert same["total_items"] > 0
    assert near["total_items"] <= far["total_items"]
    assert get(client, "/service_at_locations?postcode=NOWHERE&proximity=500")["empty"]


def test_a_copy_is_good_until_the_directory_changes(client: FlaskClient, careline: Careline) -> None:
    first = client.get("/hsds/services")
    tag, changed = first.headers["ETag"], first.headers["Last-Modified"]
    assert client.get("/hsds/services", headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/hsds/services", headers={"If-Modified-Since": changed}).status_code == 304
    assert client.get("/hsds/services?page=2", headers={"If-None-Match": tag}).status_code == 200
    with careline.database.begin() as session:
        changes.touch(session)
    again = client.get("/hsds/services", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["ETag"] != tag


def test_pages_of_others_may_read_it_without_cookies(client: FlaskClient) -> None:
    response = client.get("/hsds/services", headers={"Origin": "https://elsewhere.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Set-Cookie" not in response.headers
    asked = client.options("/hsds/services", headers={"Origin": "https://elsewhere.example"})
    assert "If-None-Match" in asked.headers["Access-Control-Allow-Headers"]
    assert client.delete("/hsds/services").status_code == 405
    assert client.put("/hsds/services/x").status_code == 405


def test_it_says_what_it_is(client: FlaskClient) -> None:
    about = get(client, "/")
    assert about["version"] == "3.1"
    described = client.get(about["openapi_url"]).get_json()
    assert {path.split("/")[1] for path in described["paths"]} >= set(LISTED)
    assert get(client, "/health")["status"] == "ok"
    assert set(RESOURCES) >= {"service", "organization"}
