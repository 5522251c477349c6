from django.db import migrations

# not logged: a request must not wait for the disk, and a crash may forget how often somebody asked;
# half-empty pages: each request writes its row anew beside the old one
BUCKET = """
CREATE UNLOGGED TABLE api_bucket (
    key_id bigint PRIMARY KEY,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 1000);
"""


class Migration(migrations.Migration):
    dependencies = [("api", "0002_keys_hooks_exports")]

    operations = [migrations.RunSQL(BUCKET, "DROP TABLE api_bucket")]
