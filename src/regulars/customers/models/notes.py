"""What users write about a customer, and the files that belong to him."""

from typing import ClassVar

from django.db import models

from regulars.accounts.models import User
from regulars.customers.models.customer import Customer


class Note(models.Model):
    """A note in the timeline."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(max_length=20_000)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(db_default=models.functions.Now())
    edited_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer", "-id"], name="note_of_customer")]


class File(models.Model):
    """A file of a customer; its bytes lie in the data folder under a name of our own."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)  # as it was given; used for nothing but showing and the download
    stored_as = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(db_default=models.functions.Now())
