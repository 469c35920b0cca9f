"""Stands for the module of setuptools that gevent loads to look for plugins. The real one takes
longer to load than all the rest of a worker."""


def iter_entry_points(group, name=None):
    return iter(())
