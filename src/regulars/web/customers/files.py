"""Files of a customer: kept, given out as downloads and never shown by the browser, taken away."""

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError, OutputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.services import files
from regulars.web.access import Request, needs
from regulars.web.customers.access import card_action, seen_customer
from regulars.web.uploads import was_disk_full


@card_action(Right.EDIT_CUSTOMERS, "files")
def add(request: Request, customer: Customer) -> str:
    """Keep a file."""
    given = request.FILES.get("file")
    if was_disk_full(request):
        raise OutputError(_("There is no space left on the server's disk. Free some and try again."))
    if not isinstance(given, UploadedFile):
        raise InputError(_("Choose a file."))
    files.store_file(customer, name=given.name or "", size=given.size or 0, chunks=given.chunks(), by=request.user)
    return _("Kept.")


@card_action(Right.EDIT_CUSTOMERS, "files")
def remove(request: Request, customer: Customer, file_id: int) -> str:
    """Take a file away."""
    files.delete_file(get_object_or_404(customer.files, pk=file_id), by=request.user)
    return _("Removed.")


@needs(Right.SEE_CUSTOMERS)
@require_safe
def download(request: Request, customer_id: int, file_id: int) -> HttpResponse:
    """The bytes, under the given name; a browser saves them and opens nothing. They may hold contacts."""
    customer = seen_customer(request, customer_id)
    file = get_object_or_404(customer.files, pk=file_id)
    if not request.user.may(Right.SEE_CONTACTS):
        raise Http404
    path = files.path_of(file)
    if not path.exists():
        raise Http404
    response = FileResponse(path.open("rb"), as_attachment=True, filename=file.name)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response  # type: ignore[return-value]
