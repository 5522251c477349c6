"""Adding a customer and changing who he is."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import LANGUAGE_NAMES, LANGUAGES
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.models.customer import Kind
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, edit_customer, set_owner
from regulars.foundation.changes import acting
from regulars.loyalty.cards import check_to_give
from regulars.web.access import Request, needs
from regulars.web.customers.access import seen_customer


class Person(forms.Form):
    """Who somebody is."""

    kind = forms.ChoiceField()
    family_name = forms.CharField(max_length=120, required=False)
    given_name = forms.CharField(max_length=120, required=False)
    middle_name = forms.CharField(max_length=120, required=False)
    name = forms.CharField(max_length=300, required=False)
    birth_date = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    sex = forms.ChoiceField(required=False)
    language = forms.ChoiceField(required=False)
    external_id = forms.CharField(max_length=200, required=False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # in the reader's language, so not before there is a reader
        self._choose("kind", [(value, _(str(title))) for value, title in Kind.choices])
        self._choose("sex", [("", "–"), ("f", _("Woman")), ("m", _("Man"))])
        self._choose("language", [("", "–"), *((code, LANGUAGE_NAMES[code]) for code in LANGUAGES)])

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class NewPerson(Person):
    """The same, and how to reach him."""

    phone = forms.CharField(max_length=100, required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    email = forms.CharField(max_length=254, required=False, widget=forms.TextInput(attrs={"type": "email"}))
    card = forms.CharField(max_length=100, required=False)


@needs(Right.EDIT_CUSTOMERS)
@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    """Add one; who sees only his own becomes the manager."""
    form = NewPerson(request.POST or None, initial={"kind": Kind.PERSON, "phone": request.GET.get("phone", "")[:100]})
    if request.method == "POST" and form.is_valid():
        try:
            customer = _add(request, form.cleaned_data)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Added."))
            return redirect("customer", customer.pk)
    return render(request, "customers/new.html", {"form": form}, status=422 if form.is_bound else 200)


@needs(Right.EDIT_CUSTOMERS)
@require_http_methods(["GET", "POST"])
def edit(request: Request, customer_id: int) -> HttpResponse:
    """Change who he is."""
    customer = seen_customer(request, customer_id)
    initial = {name: getattr(customer, name) for name in Person.base_fields}
    form = Person(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            _check_key(form.cleaned_data["external_id"], customer)
            edit_customer(customer, by=request.user, **form.cleaned_data)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("customer", customer.pk)
    context = {"form": form, "customer": seen_customer(request, customer_id)}
    return render(request, "customers/edit.html", context, status=422 if form.is_bound else 200)


def _add(request: Request, values: dict[str, Any]) -> Customer:
    ways = {kind: values.pop(kind) for kind in ("phone", "email", "card")}
    _check_key(values["external_id"], None)
    if ways["card"]:
        check_to_give(ways["card"])
    # all or nothing: a wrong phone must not leave half a customer
    with acting(request.user.pk, "web"):
        customer = add_customer(by=request.user, **values)
        for kind, written in ways.items():
            if written:
                add_contact(customer, kind=kind, written=written, by=request.user)
        if request.user.role.own_customers_only:
            set_owner(customer, request.user, by=request.user)
    return customer


def _check_key(external_id: str, customer: Customer | None) -> None:
    if not external_id:
        return
    holder = Customer.objects.filter(external_id=external_id).first()
    if holder is not None and (customer is None or holder.pk != customer.pk):
        raise InputError(
            _("The key {value!r} belongs to customer #{number} already.").format(value=external_id, number=holder.pk)
        )
