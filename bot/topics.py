"""What people ask about: the ids that intents, the directory and the API share, in the order pages show them."""

from typing import Final

#: Needs, by what they have in common; each is answered from the directory.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "home": ("food", "shelter", "social_housing", "goods", "cash_help", "debt_advice", "water_sanitation"),
    "care": (
        "home_care",
        "child_care",
        "day_centre",
        "respite_care",
        "carer_support",
        "residential_care",
        "disability_support",
        "accessible_transport",
    ),
    "health": ("health_clinic", "mental_health", "maternal_sexual_health", "substance_use"),
    "safety": ("violence_refuge", "legal_aid", "immigration_help", "disaster_help", "funeral"),
    "learning": ("jobs_training", "language_class", "adult_education", "digital_help", "library"),
    "together": ("youth_services", "community_activities", "lgbt_support"),
}
NEEDS: Final = tuple(topic for topics in GROUPS.values() for topic in topics)

#: Rights, each answered from an article.
RIGHTS: Final = (
    "right_to_care",
    "rights_health",
    "rights_housing",
    "rights_migrants",
    "rights_care_workers",
    "rights_unpaid_carers",
    "rights_informal_workers",
    "rights_parental_leave",
    "rights_disability",
    "rights_older",
    "rights_children",
    "rights_violence",
    "rights_equality",
    "rights_complaint",
    "rights_participation",
    "rights_privacy",
)

#: The topic of asking for a person.
PERSON: Final = "human"
#: What a button may ask for by name, without words that would have to be understood.
PRESSABLE: Final = frozenset({*NEEDS, *RIGHTS, PERSON})

#: Topics whose answers say as little as they can in a text, for somebody whose telephone is read by another.
DISCREET = frozenset({"violence_refuge", "rights_violence"})
