"""All tables of this package, one file per concept."""

from regulars.customers.models.consent import Consent, Erasure, ForgottenContact, Purpose
from regulars.customers.models.customer import Contact, Customer, Relation, Tag
from regulars.customers.models.fields import Field, Form, FormAnswer, FormLink
from regulars.customers.models.groups import Strategy
from regulars.customers.models.merging import Likeness, Merge, MergeRule
from regulars.customers.models.notes import File, Note

__all__ = [
    "Consent",
    "Contact",
    "Customer",
    "Erasure",
    "Field",
    "File",
    "ForgottenContact",
    "Form",
    "FormAnswer",
    "FormLink",
    "Likeness",
    "Merge",
    "MergeRule",
    "Note",
    "Purpose",
    "Relation",
    "Strategy",
    "Tag",
]
