"""Loads modules that a framework defers until its first request, so that a mistake there fails the
new generation in place of its users' requests."""

import sys


def complete(mount):
    """Call it after the app was imported. mount is the path at which the app is mounted. Raises the
    exceptions of the loading."""
    registry = sys.modules.get("django.apps")
    if registry and registry.apps.ready:
        _complete_django(mount)


def _complete_django(mount):
    """Imports the URL configuration, and with it the views."""
    from django.conf import settings
    from django.urls import clear_script_prefix, get_resolver, set_script_prefix

    if not getattr(settings, "ROOT_URLCONF", None):
        return
    # STATIC_URL and its like are completed with the prefix when they are first used, and then kept.
    set_script_prefix(mount.rstrip("/") + "/")
    try:
        get_resolver().url_patterns
    finally:
        clear_script_prefix()
