"""Users, roles, invitations, and the log of what matters to safety."""

import hashlib
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import constant_time_compare, salted_hmac

from regulars.accounts.rights import PRESETS, Right
from regulars.core.i18n import LANGUAGES
from regulars.core.i18n import gettext as _


class Role(models.Model):
    """What a group of users may do. The presets can be changed, but never deleted."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100, blank=True)  # empty: a preset under its own name
    rights: "ArrayField[Any, list[str]]" = ArrayField(models.CharField(max_length=40), default=list)
    own_customers_only = models.BooleanField(default=False)

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        preset = next((one for one in PRESETS if one.slug == self.slug), None)
        return self.name or (_(preset.title) if preset else self.slug)

    def allows(self, right: Right) -> bool:
        """Whether users of this role may do it."""
        return right.value in self.rights

    def __str__(self) -> str:
        return self.title


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail whatever its case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Who logs in with this e-mail."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """Somebody of the business who logs in."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=2, choices=[(code, code) for code in LANGUAGES])
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="users")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(db_default=models.functions.Now())

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower"),
        ]

    def may(self, right: Right) -> bool:
        """Whether this user may do it now."""
        return self.is_active and self.role.allows(right)

    def _session_hash(self, secret: str | None = None) -> str:
        # who loses a role or leaves is out at once, on every device
        words = f"{self.password}|{self.role_id}|{self.is_active}|{self.email}"
        return salted_hmac("regulars.session", words, secret=secret, algorithm="sha256").hexdigest()

    def get_session_auth_hash(self) -> str:
        """Changes with the password, the role and the e-mail: each of them ends all sessions."""
        return self._session_hash()

    def __str__(self) -> str:
        return self.name or self.email


class Invitation(models.Model):
    """A link by which somebody becomes a user, or an existing user gets in once. Only its hash is kept."""

    email = models.EmailField(max_length=254)
    role = models.ForeignKey(Role, on_delete=models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    @staticmethod
    def hash_of(token: str) -> str:
        """What is stored of a token."""
        return hashlib.sha256(token.encode()).hexdigest()

    def opens_with(self, token: str) -> bool:
        """Whether this is the token of the invitation."""
        return constant_time_compare(self.token_hash, self.hash_of(token))


class LogEntry(models.Model):
    """Something that matters to safety: a log-in, an export, a view of contacts, a change of rights."""

    at = models.DateTimeField(db_default=models.functions.Now())
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    who = models.CharField(max_length=254, blank=True)  # the e-mail, for after the user is gone or was never known
    event = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    details: "models.JSONField[Any, dict[str, Any]]" = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="log_newest"),
            models.Index(fields=["event", "-id"], name="log_event"),
            # asked at every opening of a card
            models.Index(fields=["user", "about", "-at"], name="log_seen", condition=models.Q(event="contacts_seen")),
        ]
