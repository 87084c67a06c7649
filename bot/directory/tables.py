"""The tables of the directory: those of HSDS 3, and two of our own that make a search fast.

Every column of the standard is a text and holds what came in, so that an export gives it back. What a search needs is
worked out of them into `service_listing` and `service_card` (see `bot.directory.listings`), inside each import's
transaction; these two may be emptied and made again at any time.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Boolean, Column, Date, Float, Index, Integer, LargeBinary, String, Table, Text

from bot.db import Base


@dataclass(frozen=True)
class Resource:
    """One resource of the standard: its name, its file in a tabular data package, its columns without `id`."""

    name: str
    file: str
    columns: tuple[str, ...]

    @property
    def links(self) -> dict[str, str]:
        """Columns that hold the id of another resource, with that resource's name."""
        return {column: LINKS[column] for column in self.columns if column in LINKS}


#: What a column that holds an id points to. `attribute.link_id` and `metadata.resource_id` name theirs beside them.
LINKS: Final = {
    "organization_id": "organization",
    "parent_organization_id": "organization",
    "program_id": "program",
    "service_id": "service",
    "location_id": "location",
    "service_at_location_id": "service_at_location",
    "contact_id": "contact",
    "phone_id": "phone",
    "taxonomy_id": "taxonomy",
    "taxonomy_term_id": "taxonomy_term",
    "parent_id": "taxonomy_term",
    "unit_id": "unit",
}


def _resource(name: str, file: str, columns: str) -> tuple[str, Resource]:
    return name, Resource(name, file, tuple(columns.split()))


#: The resources of HSDS 3.1, which has all those of 3.0; parents stand before what belongs to them.
RESOURCES: Final = dict(
    (
        _resource("taxonomy", "taxonomies.csv", "name description uri version"),
        _resource(
            "taxonomy_term",
            "taxonomy_terms.csv",
            "code name description parent_id taxonomy language taxonomy_id term_uri",
        ),
        _resource("unit", "units.csv", "name scheme identifier uri"),
        _resource(
            "organization",
            "organizations.csv",
            "name alternate_name description email website tax_status tax_id year_incorporated legal_status logo uri"
            " parent_organization_id",
        ),
        _resource("program", "programs.csv", "organization_id name alternate_name description"),
        _resource(
            "service",
            "services.csv",
            "organization_id program_id name alternate_name description url email status interpretation_services"
            " application_process fees_description wait_time fees accreditations eligibility_description minimum_age"
            " maximum_age assured_date assurer_email licenses alert last_modified",
        ),
        _resource(
            "location",
            "locations.csv",
            "location_type url organization_id name alternate_name description transportation latitude longitude"
            " external_identifier external_identifier_type",
        ),
        _resource("service_at_location", "service_at_location.csv", "service_id location_id description"),
        _resource(
            "address",
            "addresses.csv",
            "location_id attention address_1 address_2 city region state_province postal_code country address_type",
        ),
        _resource(
            "contact",
            "contacts.csv",
            "organization_id service_id service_at_location_id location_id name title department email",
        ),
        _resource(
            "phone",
            "phones.csv",
            "location_id service_id organization_id contact_id service_at_location_id number extension type description",
        ),
        _resource(
            "schedule",
            "schedules.csv",
            "service_id location_id service_at_location_id valid_from valid_to dtstart timezone until count wkst freq"
            " interval byday byweekno bymonthday byyearday description opens_at closes_at schedule_link attending_type"
            " notes",
        ),
        _resource("language", "languages.csv", "service_id location_id phone_id name code note"),
        _resource("accessibility", "accessibility.csv", "location_id description details url"),
        _resource(
            "cost_option",
            "cost_options.csv",
            "service_id valid_from valid_to option currency amount amount_description",
        ),
        _resource("required_document", "required_documents.csv", "service_id document uri"),
        _resource(
            "service_area",
            "service_areas.csv",
            "service_id service_at_location_id name description extent extent_type uri",
        ),
        _resource("service_capacity", "service_capacity.csv", "service_id unit_id available maximum description updated"),
        _resource("funding", "funding.csv", "organization_id service_id source"),
        _resource(
            "organization_identifier",
            "organization_identifiers.csv",
            "organization_id identifier_scheme identifier_type identifier",
        ),
        _resource("url", "url.csv", "label url organization_id service_id"),
        _resource("attribute", "attributes.csv", "link_id taxonomy_term_id link_type link_entity value label"),
        _resource(
            "metadata",
            "metadata.csv",
            "resource_id resource_type last_action_date last_action_type field_name previous_value replacement_value updated_by",
        ),
        _resource("meta_table_description", "meta_table_descriptions.csv", "name language character_set"),
    )
)

#: Longest id a directory may use. The standard asks for a UUID (36); real ones have others.
ID_LENGTH: Final = 100

_INDEXED: Final = {*LINKS, "link_id", "resource_id"}


def _table(resource: Resource) -> Table:
    columns = [
        Column(column, String(ID_LENGTH) if column in _INDEXED else Text, index=column in _INDEXED) for column in resource.columns
    ]
    return Table(f"hsds_{resource.name}", Base.metadata, Column("id", String(ID_LENGTH), primary_key=True), *columns)


#: The table of each resource.
TABLES: Final = {name: _table(resource) for name, resource in RESOURCES.items()}

#: One row for each service at a location (or service without one) and topic: what a search looks through.
#: `listing_id` is the id of the service_at_location, or of the service if it has no location. `rank` is 1 for the main
#: topic. `city_wide` services serve the whole town: without a place, for named towns, or in many places. Ages are whole
#: years, rounded outwards. `cost` is 0 free, 1 free for some or in part, 2 by income or unknown, 3 has a price. `languages`,
#: `accessibility`, `towns`, `needs`, `groups` and `ways` are lists of short codes, each with a space on both sides, in one text:
#: `needs` the things of data/search/needs.yml that it has (those only its description names end in ~), `groups` whom it is
#: kept for, `ways` how it reaches people at home.
LISTING: Final = Table(
    "service_listing",
    Base.metadata,
    Column("listing_id", String(ID_LENGTH), primary_key=True),
    Column("topic", String(40), primary_key=True),
    Column("service_id", String(ID_LENGTH), nullable=False, index=True),
    Column("rank", Integer, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("area", Text),
    Column("city_wide", Boolean, nullable=False),
    Column("towns", Text, nullable=False),
    Column("verified_on", Date),
    Column("status", String(20), nullable=False),
    Column("cost", Integer, nullable=False),
    Column("minimum_age", Integer),
    Column("maximum_age", Integer),
    Column("no_papers", Boolean, nullable=False),
    Column("women", Boolean, nullable=False),
    Column("languages", Text, nullable=False),
    Column("accessibility", Text, nullable=False),
    Column("needs", Text, nullable=False, server_default=" "),
    Column("groups", Text, nullable=False, server_default=" "),
    Column("ways", Text, nullable=False, server_default=" "),
    Index("service_listing_near", "topic", "latitude", "longitude"),
    Index("service_listing_town", "topic", "rank", "city_wide"),
)

#: The facts of each listing, ready to be shown: a ServiceCard, its costs and its schedules, as JSON.
CARD: Final = Table(
    "service_card",
    Base.metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    Column("service_id", String(ID_LENGTH), nullable=False, index=True),
    Column("facts", Text, nullable=False),
    Column("schedules", Text, nullable=False),
)

#: The meaning of each service: a vector of 384 half-precision numbers. `digest` tells what it was made from
#: (bot.directory.vectors).
VECTOR: Final = Table(
    "service_vector",
    Base.metadata,
    Column("service_id", String(ID_LENGTH), primary_key=True),
    Column("digest", String(32), nullable=False),
    Column("vector", LargeBinary, nullable=False),
)
