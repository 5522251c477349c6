"""An audit as files that people and programs can use: a page, a workbook, JSON, and the table of customers."""

from regulars.report.customers_table import write_customers
from regulars.report.headlines import Headline, headlines
from regulars.report.json_file import json_schema, write_json
from regulars.report.page import write_html
from regulars.report.workbook import write_xlsx

__all__ = ["Headline", "headlines", "json_schema", "write_customers", "write_html", "write_json", "write_xlsx"]
