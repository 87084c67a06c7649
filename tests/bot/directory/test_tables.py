"""The tables are those of the standard."""

import json

import pytest

from bot.directory.cleaning import SCHEMAS
from bot.directory.tables import RESOURCES, TABLES


@pytest.mark.parametrize("name", RESOURCES)
def test_table_has_every_column_of_the_standard(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    flat = {column for column, rules in schema["properties"].items() if rules.get("type") in {"string", "number"}}
    assert {column.name for column in TABLES[name].columns} == flat
    assert RESOURCES[name].file == schema["path"]


def test_every_schema_of_the_standard_has_a_table() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(RESOURCES)


def test_parents_stand_before_what_belongs_to_them() -> None:
    order = list(RESOURCES)
    for name, resource in RESOURCES.items():
        for column, parent in resource.links.items():
            assert parent == name or order.index(parent) < order.index(name), (name, column)
