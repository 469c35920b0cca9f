from django.db import migrations


def write(apps, schema_editor):
    apps.get_model("blog", "Post").objects.create(
        title="The first post", text="It came with the migrations."
    )


class Migration(migrations.Migration):
    dependencies = [("blog", "0001_initial")]
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
