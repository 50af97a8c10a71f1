"""`manage.py makemessages`: Django's, without guesses. A new text stays empty until a person has translated it; a text that looks like it is no translation."""

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
