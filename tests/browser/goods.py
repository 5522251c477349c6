"""Fills an installation with its owners and some goods. Run as a program inside its environment."""

from regulars.server.application import application
from regulars.server.config import load
from tests.browser.ground import PASSWORD


def main() -> None:
    """Fill it."""
    with application(load()):
        from regulars.accounts.services import create_owner
        from regulars.purchases.models import Product

        for email, name, language in (("anna@example.com", "Анна", "ru"), ("john@example.com", "John", "en")):
            create_owner(email=email, name=name, language=language, password=PASSWORD)
        Product.objects.create(code="latte", name="Латте", category="Кофе")


if __name__ == "__main__":
    main()
