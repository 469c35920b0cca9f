"""Runs migrate and collectstatic, which the deployment of a real site runs by hand.

An example has no deployment, so its first worker runs them while the others wait.
"""

import fcntl
import subprocess
import sys

from django.conf import settings


def prepare():
    settings.VAR_DIR.mkdir(exist_ok=True)
    with open(settings.VAR_DIR / "prepare.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (settings.VAR_DIR / "site.sqlite3").exists():
            _manage("migrate")
        if not (settings.STATIC_ROOT / "admin").exists():
            _manage("collectstatic")


def _manage(command):
    # In a separate process: in this one, Django would build the URL of the static files before a
    # request has shown where the site is mounted.
    manage = [
        sys.executable,
        str(settings.BASE_DIR / "manage.py"),
        command,
        "--no-input",
        "--verbosity=0",
    ]
    subprocess.run(manage, check=True)
