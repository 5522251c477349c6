"""Every write about users: set-up, invitations, roles."""

import datetime as dt
import secrets

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from regulars.accounts.models import Invitation, LogEntry, Role, User
from regulars.accounts.rights import OWNER, PRESETS, Right
from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _

INVITATION_DAYS = 7


def make_preset_roles() -> None:
    """The five roles of the first start; those that exist stay as they were changed."""
    Role.objects.bulk_create(
        [Role(slug=one.slug, rights=sorted(one.rights), own_customers_only=one.own_customers_only) for one in PRESETS],
        ignore_conflicts=True,
    )


@transaction.atomic
def create_owner(*, email: str, name: str, language: str, password: str | None = None) -> User:
    """A user who may do everything; `InputError` when the e-mail is taken."""
    email = email.strip().lower()
    if User.objects.filter(email=email).exists():
        raise InputError(_("There is a user {email} already.").format(email=email))
    user = User(email=email, name=name.strip(), language=language, role=Role.objects.get(slug=OWNER))
    user.set_password(password)
    user.save()
    log("user_created", user=user, about=email)
    return user


@transaction.atomic
def invite(*, email: str, role: Role, by: User | None, valid_days: int = INVITATION_DAYS) -> str:
    """A token that lets this e-mail in once, with this role; earlier ones for it are void.

    For an existing user it is a new password and a new role, so it takes the right to give him both of his.
    """
    email = email.strip().lower()
    if by is not None:
        _only_own_rights(role, by)
        known = User.objects.select_related("role").filter(email=email).first()
        if known is not None:
            _only_own_rights(known.role, by)
    Invitation.objects.filter(email=email, used_at=None).delete()
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        email=email,
        role=role,
        token_hash=Invitation.hash_of(token),
        invited_by=by,
        expires_at=timezone.now() + dt.timedelta(days=valid_days),
    )
    log("invited", user=by, about=email, details={"role": role.slug})
    return token


def find_invitation(token: str) -> Invitation | None:
    """The invitation that this token opens, when it is neither used nor expired."""
    found = Invitation.objects.select_related("role").filter(token_hash=Invitation.hash_of(token)).first()
    return found if found and found.used_at is None and found.expires_at > timezone.now() else None


@transaction.atomic
def accept(token: str, *, name: str, password: str, language: str) -> User:
    """The user that the invitation was for, new or with a new password; `InputError` when it is void."""
    found = Invitation.objects.select_for_update().filter(token_hash=Invitation.hash_of(token), used_at=None).first()
    if found is None or found.expires_at <= timezone.now():
        raise InputError(_("This invitation has expired or was used. Ask for a new one."))
    user = User.objects.select_related("role").filter(email=found.email).first() or User(email=found.email)
    if user.pk is not None:
        # again, because both roles may have changed since the link was made
        if found.invited_by is not None:
            _only_own_rights(user.role, found.invited_by)
        _keep_an_owner(user, role=found.role)
    user.name, user.language, user.role, user.is_active = name.strip(), language, found.role, True
    user.set_password(password)
    user.save()
    found.used_at = timezone.now()
    found.save(update_fields=["used_at"])
    log("invitation_accepted", user=user, about=user.email, details={"role": found.role.slug})
    return user


@transaction.atomic
def change_role(user: User, role: Role, *, by: User) -> None:
    """Give another role; ends the user's sessions. The last owner stays one."""
    _only_own_rights(role, by)
    _only_own_rights(user.role, by)
    _keep_an_owner(user, role=role)
    user.role = role
    user.save(update_fields=["role"])
    log("role_changed", user=by, about=user.email, details={"role": role.slug})


@transaction.atomic
def save_role(role: Role, *, by: User) -> None:
    """A new role, or other rights of one; ends the sessions of nobody, because rights are asked at each request."""
    _only_own_rights(role, by)
    if role.pk is not None:
        _only_own_rights(Role.objects.select_for_update().get(pk=role.pk), by)
    if role.pk is None:
        role.slug = f"own-{secrets.token_hex(6)}"
        if not role.name:
            raise InputError(_("Give the role a name."))
    elif not _is_owners(role) and {one.role_id for one in _owners()} == {role.pk}:
        raise _nobody_manages()
    role.save()
    log(
        "role_saved",
        user=by,
        about=role.slug,
        details={"rights": list(role.rights), "own_customers_only": role.own_customers_only},
    )


@transaction.atomic
def deactivate(user: User, *, by: User) -> None:
    """Let the user in no more; everything that he wrote stays. Links that wait for him, or that he made, are void."""
    _only_own_rights(user.role, by)
    _keep_an_owner(user, role=None)
    user.is_active = False
    user.save(update_fields=["is_active"])
    Invitation.objects.filter(Q(email=user.email) | Q(invited_by=user), used_at=None).delete()
    log("user_deactivated", user=by, about=user.email)


def _only_own_rights(role: Role, by: User) -> None:
    # else who manages users could make himself, or a friend, more than he is
    if not set(role.rights) <= set(by.role.rights):
        raise InputError(_("You can give and take only rights that you have yourself."))
    if by.role.own_customers_only and not role.own_customers_only:
        raise InputError(_("You see only your own customers, so you can give and take only roles that see no more."))


def _is_owners(role: Role) -> bool:
    return role.allows(Right.MANAGE_USERS) and not role.own_customers_only


def _owners() -> list[User]:
    # locked, so that two owners cannot remove each other at one moment
    some = User.objects.select_for_update().filter(is_active=True, role__own_customers_only=False)
    return list(some.filter(role__rights__contains=[Right.MANAGE_USERS.value]))


def _keep_an_owner(user: User, *, role: Role | None) -> None:
    """Refuse this role, or none, to the only user who manages all the others."""
    if {one.pk for one in _owners()} == {user.pk} and not (role and _is_owners(role)):
        raise _nobody_manages()


def _nobody_manages() -> InputError:
    return InputError(_("Somebody must manage users and see all customers: give such a role to another user first."))


_EVENTS = {
    "logged_in": N_("logged in"),
    "login_failed": N_("failed to log in"),
    "user_created": N_("was added"),
    "invited": N_("invited"),
    "invitation_accepted": N_("accepted the invitation"),
    "role_changed": N_("gave another role to"),
    "role_saved": N_("changed the role"),
    "user_deactivated": N_("closed the account of"),
    "exported": N_("took a list out"),
    "contacts_seen": N_("looked at the contacts of"),
    "programme_published": N_("new rules of the loyalty programme"),
    "promo_codes_made": N_("new promo codes"),
    "promo_codes_taken": N_("took promo codes out"),
    "promo_codes_ended": N_("promo codes ended"),
    "points_asked": N_("points by hand wait for a second person"),
    "points_corrected": N_("points given or taken by hand"),
    "points_let_go": N_("points of an order let go by hand"),
    "points_declined": N_("a correction of points was declined"),
    "goods_taken_back": N_("took goods back from the receipt"),
    "sale_cancelled": N_("cancelled the receipt"),
    "alert_decided": N_("an odd receipt was looked at"),
    "offline_tried": N_("a receipt that a till told later was tried again"),
    "partner_added": N_("new partner of the coalition"),
    "partner_changed": N_("partner of the coalition changed"),
    "contract_agreed": N_("new contract with a partner"),
    "store_given": N_("store given to a partner"),
    "store_taken": N_("store taken from a partner"),
    "statement_made": N_("new statement of a partner"),
    "gift_saved": N_("wrote into the catalogue of gifts"),
    "expense_added": N_("wrote down an expense of the programme"),
    "expense_removed": N_("took out an expense of the programme"),
    "card_cost_changed": N_("said what a card costs"),
    "page_made": N_("opened a page of his own for the customer"),
    "page_code_made": N_("gave a code for the own page of the customer"),
    "page_links_revoked": N_("revoked the links to the own page of the customer"),
    "cards_made": N_("new cards"),
    "cards_taken": N_("numbers of cards for the printer"),
    "certificates_made": N_("new gift certificates"),
    "certificates_taken": N_("numbers of gift certificates for the printer"),
    "certificate_cancelled": N_("a gift certificate cancelled"),
    "card_blocked": N_("a card blocked"),
    "card_unblocked": N_("a card works again"),
    "card_replaced": N_("a card replaced"),
    "key_made": N_("made a key for"),
    "key_revoked": N_("revoked the key of"),
    "hook_made": N_("added the web-hook"),
    "hook_paused": N_("paused the web-hook"),
    "hook_resumed": N_("let go on the web-hook"),
    "hook_secret_changed": N_("changed the secret of the web-hook"),
    "hook_deleted": N_("deleted the web-hook"),
    "hook_tested": N_("sent a test to the web-hook"),
    "hook_replayed": N_("sent again the message"),
    "export_asked": N_("asked for an export of"),
    "person_exported": N_("took out the data of"),
    "erased": N_("erased the data of"),
    "erasure_withdrawn": N_("withdrew the demand to erase"),
    "import_started": N_("began the import of"),
    "import_undone": N_("undid the import of"),
    "rejects_downloaded": N_("took the refused rows of"),
    "customers_handed_over": N_("handed over the customers of"),
}


def event_titles() -> dict[str, str]:
    """What to call each event of the log, in the reader's language."""
    return {event: _(title) for event, title in _EVENTS.items()}


def log(
    event: str,
    *,
    user: User | None = None,
    who: str = "",
    about: str = "",
    details: dict[str, object] | None = None,
    address: str | None = None,
) -> None:
    """Keep what matters to safety."""
    LogEntry.objects.create(
        user=user,
        who=who or (user.email if user else ""),
        event=event,
        about=about,
        details=details or {},
        address=address,
    )


def log_look(
    *, since: dt.datetime, about: str, user: User | None = None, who: str = "", address: str | None = None
) -> None:
    """A look at contacts, once since the day began: how often in one day tells nothing more."""
    who = who or (user.email if user else "")
    looks = LogEntry.objects.filter(event="contacts_seen", user=user, who=who, about=about, at__gte=since)
    if not looks.exists():
        log("contacts_seen", user=user, who=who, about=about, address=address)
